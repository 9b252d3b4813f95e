//! Reloading the config while the daemon runs: all of it is put into use, or none.

use crate::app::App;
use crate::app::setup::{LastLoad, Setup, Source};
use crate::delivery::channels;
use crate::delivery::outbox::{Channels, Outbox};
use crate::platforms::Platforms;
use crate::process::config::{self, Config, ConfigError};
use crate::process::reading::in_time;

/// Reads the config file again. A wrong config changes nothing, and is reported in the log and in `status`.
///
/// # Errors
/// What is wrong with the config, by file and line.
pub async fn reload(app: &App, outbox: &Outbox) -> Result<(), ConfigError> {
    let source = &app.started_with.source;
    let (again, has_file) = (source.clone(), app.setup().config.has_file);
    let loaded = in_time(&source.file, move || load(&again, has_file)).await.and_then(|loaded| loaded);
    let refused = loaded.as_ref().err().map(ToString::to_string);
    app.loaded_config(LastLoad { at: app.clock.now(), refused });
    match loaded {
        Ok((setup, platforms, channels)) => {
            warn_of_restart(&app.setup().config, &setup.config);
            source.exposed(&setup.config).iter().for_each(|warning| tracing::warn!("{warning}"));
            if let Some(logs) = &app.logs
                && let Err(problem) = logs.follow(&setup.config.log)
            {
                tracing::warn!(%problem, "the level of the log stays as it was");
            }
            app.install(setup, platforms);
            outbox.install(channels);
            tracing::info!("the config was loaded again");
            Ok(())
        }
        Err(error) => {
            tracing::error!(%error, "the config was not loaded again: the one in use stays");
            Err(error)
        }
    }
}

/// A config that was there must still be there: the defaults would request the real platforms.
fn load(source: &Source, has_file: bool) -> Result<Ready, ConfigError> {
    let load = if has_file { Config::load } else { Config::load_if_there };
    ready(source, load(&source.file)?)
}

/// What a config is made into.
pub type Ready = (Setup, Platforms, Channels);

/// Makes everything that a config requires.
///
/// # Errors
/// The first thing that is wrong, with its line.
pub fn ready(source: &Source, config: Config) -> Result<Ready, ConfigError> {
    let (setup, platforms) = source.set_up(config)?;
    let channels = channels::make(&setup.config, &source.environment, &setup.http);
    let channels =
        channels.map_err(|problem| source.at(&problem.key, format!("{}: {}", problem.key, problem.message)))?;
    Ok((setup, platforms, channels))
}

/// Warns of changed keys that are read only at the start.
fn warn_of_restart(before: &Config, after: &Config) {
    let keys = |config: &config::Store| (config.master_key_file.clone(), config.master_key_passphrase_file.clone());
    if keys(&before.store) != keys(&after.store) {
        tracing::warn!("[store] master_key_file and master_key_passphrase_file take effect at the next start");
    }
    if before.log.format != after.log.format {
        tracing::warn!("[log] format takes effect at the next start");
    }
}
