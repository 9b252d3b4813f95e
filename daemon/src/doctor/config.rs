//! The config's file, as the daemon's user reads it now: a start or a reload would read the same.

use std::sync::Arc;

use roster_protocol::doctor::Finding;
use roster_protocol::rule::LONGEST_NAME;
use roster_protocol::text::clean;
use roster_protocol::time::Timestamp;

use super::split;
use crate::app::App;
use crate::app::setup::Source;
use crate::delivery::channels;
use crate::process::config::{Config, ConfigError};
use crate::process::reading::in_time;

const RELOAD: &str = "reload rosterd (`systemctl reload rosterd`, with --user where it is your own)";

/// What a reload would say.
pub async fn look(app: &App) -> Vec<Finding> {
    let (source, in_use) = (app.started_with.source.clone(), app.setup().config.clone());
    let (read, now) = (source.clone(), app.clock.now());
    let loaded = in_time(&source.file, move || load(&read, in_use.has_file, now)).await.and_then(|loaded| loaded);
    let mut found = match loaded {
        Err(error) => vec![Finding::fault("config", error.to_string(), format!("correct that, then {RELOAD}"))],
        Ok(loaded) => of_good(app, &source, &loaded),
    };
    found.extend(app.look(|roster| {
        let routes = &roster.routing.routes;
        let named = routes.iter().flat_map(|route| &route.rules);
        let mut unknown: Vec<&String> = named.filter(|name| roster.rules.get(name).is_none()).collect();
        unknown.sort();
        unknown.dedup();
        let say = |name: &String| {
            let found = format!("[[routes]] name the rule {:?}, which is not there", clean(name, LONGEST_NAME));
            Finding::warning("config", found, "`roster rules list` has those that are")
        };
        unknown.into_iter().map(say).collect::<Vec<_>>()
    }));
    found
}

/// A config that can be put into use, and what is to be said of the files with its secrets.
struct Loaded {
    config: Config,
    secrets: Vec<String>,
}

fn load(source: &Arc<Source>, has_file: bool, now: Timestamp) -> Result<Loaded, ConfigError> {
    let load = if has_file { Config::load } else { Config::load_if_there };
    let config = load(&source.file)?;
    let (setup, _) = source.set_up(config.clone())?;
    let made = channels::make(&setup.config, &source.environment, &setup.http);
    made.map_err(|problem| source.at(&problem.key, format!("{}: {}", problem.key, problem.message)))?;
    let secrets = source.exposed(&config).into_iter().chain(source.aged(&config, now)).collect();
    Ok(Loaded { config, secrets })
}

fn of_good(app: &App, source: &Source, loaded: &Loaded) -> Vec<Finding> {
    let file = source.file.display();
    let first = match (&app.last_load().refused, loaded.config.has_file) {
        _ if loaded.config.fingerprint != app.setup().config.fingerprint => {
            Finding::warning("config", format!("{file} was changed, and the one in use is older"), RELOAD)
        }
        (Some(refused), _) => Finding::warning(
            "config",
            format!("the last reload was refused: {refused}"),
            format!("it is fine now: {RELOAD}"),
        ),
        (None, true) => Finding::well("config", format!("{file} is fine, and in use")),
        (None, false) => Finding::note("config", format!("{file} is not there: the defaults are in use")),
    };
    let secrets = loaded.secrets.iter().map(|sentence| split("secrets", sentence));
    std::iter::once(first).chain(secrets).collect()
}
