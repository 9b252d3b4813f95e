//! Reloading the config while the daemon runs: all of it is put into use, or none.

use std::sync::Arc;

use crate::app::App;
use crate::app::setup::{LastLoad, Setup, Source};
use crate::platforms::Platforms;
use crate::process::config::{Config, ConfigError};

/// Reads the config file again. A wrong config changes nothing, and is reported in the log and in `status`.
///
/// # Errors
/// What is wrong with the config, by file and line.
pub async fn reload(app: &App, source: &Arc<Source>) -> Result<(), ConfigError> {
    let again = source.clone();
    let loaded = tokio::task::spawn_blocking(move || load(&again)).await;
    let loaded = loaded.unwrap_or_else(|_| {
        let message = "reading it failed badly; the log has more".to_owned();
        Err(ConfigError { file: source.file.display().to_string(), line: None, message })
    });
    let refused = loaded.as_ref().err().map(ToString::to_string);
    app.loaded_config(LastLoad { at: app.clock.now(), refused });
    match loaded {
        Ok((setup, platforms)) => {
            warn_of_restart(&app.setup().config, &setup.config);
            if let Some(logs) = &app.logs
                && let Err(problem) = logs.follow(&setup.config.log)
            {
                tracing::warn!(%problem, "the level of the log stays as it was");
            }
            app.install(setup, platforms);
            tracing::info!("the config was loaded again");
            Ok(())
        }
        Err(error) => {
            tracing::error!(%error, "the config was not loaded again: the one in use stays");
            Err(error)
        }
    }
}

fn load(source: &Source) -> Result<(Setup, Platforms), ConfigError> {
    source.set_up(Config::load(&source.file)?)
}

/// Warns of changed keys that are read only at the start.
fn warn_of_restart(before: &Config, after: &Config) {
    if before.store.master_key_file != after.store.master_key_file {
        tracing::warn!("[store] master_key_file takes effect at the next start");
    }
    if before.log.format != after.log.format {
        tracing::warn!("[log] format takes effect at the next start");
    }
}
