//! What follows from the config: replaced as a whole when the config is loaded again.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use roster_protocol::time::Timestamp;
use tokio::sync::Semaphore;

use crate::history::retention::{Limits, Policy};
use crate::http_client::{HttpClient, HttpLimits, HttpSettings};
use crate::platforms::{self, Platforms, Registered};
use crate::process::config::{self, CHANNEL_SECRETS, Config, ConfigError, Encrypted, Kept};
use crate::process::environment::Environment;
use crate::process::logs;
use crate::secret::file;

/// Platforms' keys whose values are secrets.
pub const SECRETS: [&str; 3] = ["client_secret", "api_key", "verify_token"];

/// An older secret may be known to who left the team: platforms and security rules advise a new one each quarter.
const OLD_SECRET_DAYS: i64 = 90;

/// The source of a config, and what the config does not contain.
pub struct Source {
    /// The config's file, which is read again on demand and named in errors.
    pub file: PathBuf,
    /// What the process was given besides its config.
    pub environment: Environment,
    pub limits: HttpLimits,
}

/// What the daemon was started with, and keeps.
pub struct StartedWith {
    pub source: Arc<Source>,
    pub state_dir: PathBuf,
    pub socket: PathBuf,
}

#[cfg(test)]
impl StartedWith {
    /// Nothing that is there.
    pub(crate) fn in_test() -> Self {
        let (environment, limits) = (Environment::default(), HttpLimits::default());
        let source = Arc::new(Source { file: "test".into(), environment, limits });
        Self { source, state_dir: "/nonexistent/state".into(), socket: "/nonexistent/rosterd.sock".into() }
    }
}

/// Everything that follows from the config. Work in progress continues with the setup with which it began.
pub struct Setup {
    pub config: Config,
    /// The config's file.
    pub file: PathBuf,
    pub http: HttpClient,
    /// For batches that run at once.
    pub permits: Arc<Semaphore>,
    /// The same for each platform, by slug.
    pub permits_of: HashMap<String, Arc<Semaphore>>,
    /// How long what is measured is kept.
    pub policy: Policy,
    /// Where the terms of platforms say how long, by slug; those that say nothing are not there.
    pub keeping: BTreeMap<String, &'static str>,
}

/// How the last load of the config ended.
#[derive(Clone, Debug)]
pub struct LastLoad {
    pub at: Timestamp,
    /// Why the config in the file is not the one in use; `None` when it is.
    pub refused: Option<String>,
}

impl Source {
    /// Makes everything that the config requires; reads the files it names, and changes nothing.
    ///
    /// # Errors
    /// The first thing that is wrong, with its line.
    pub fn set_up(&self, config: Config) -> Result<(Setup, Platforms), ConfigError> {
        logs::check(&self.environment).map_err(|(name, message)| ConfigError {
            file: format!("the variable {name}"),
            line: None,
            message,
        })?;
        let gateway = config.sync.gateway.as_deref();
        let registered = platforms::register(&config.platforms, gateway, &self.environment)
            .map_err(|problem| self.at(&problem.key, problem.message))?;
        let slugs = platforms::slugs();
        if let Some(unknown) = config.retention.platforms.keys().find(|slug| !slugs.contains(&slug.as_str())) {
            let message = format!("no such platform; known are {}", slugs.join(", "));
            return Err(self.at(&format!("retention.{unknown}"), message));
        }
        for rule in &config.rules {
            if let Some(unknown) = rule.only.platforms.iter().find(|slug| !slugs.contains(&slug.as_str())) {
                let message = format!("{unknown:?} is no platform; known are {}", slugs.join(", "));
                return Err(self.at(&format!("rules.{}.only", rule.name), message));
            }
        }
        for (index, route) in config.channels.routing.routes.iter().enumerate() {
            if let Some(unknown) = route.platforms.iter().find(|slug| !slugs.contains(&slug.as_str())) {
                let message = format!("{unknown:?} is no platform; known are {}", slugs.join(", "));
                return Err(self.at(&format!("routes.{index}.platforms"), message));
            }
        }
        let network = &config.network;
        let http = HttpClient::new(HttpSettings {
            limits: self.limits,
            proxy: network.proxy.clone(),
            ca_file: network.ca_file.clone(),
            user_agent: format!("Roster/{}", env!("CARGO_PKG_VERSION")),
        })
        .map_err(|error| self.at(error.key(), error.to_string()))?;
        let platforms: Platforms =
            registered.into_iter().map(|known| (known.platform.info().slug.to_owned(), Arc::new(known))).collect();
        let per_platform = config.sync.concurrency_per_platform;
        let setup = Setup {
            permits: Arc::new(Semaphore::new(config.sync.concurrency)),
            permits_of: platforms.keys().map(|slug| (slug.clone(), Arc::new(Semaphore::new(per_platform)))).collect(),
            policy: policy(&config.retention, &platforms),
            keeping: keeping(&platforms),
            file: self.file.clone(),
            http,
            config,
        };
        Ok((setup, platforms))
    }

    /// The files with secrets that other users can read, in sentences. They are used all the same.
    pub fn exposed(&self, config: &Config) -> Vec<String> {
        let says = |(path, what): (&Path, &str)| {
            let (mode, close, path) = (file::open_to_others(path)?, file::closing(path), file::shown(path));
            Some(format!("{path} holds {what}, and its mode {mode:o} lets other users at it: {close}"))
        };
        let passphrase = match &config.backup.encrypted {
            Encrypted::With(path) => says((path, "a secret")),
            Encrypted::Not | Encrypted::To(_) => None,
        };
        self.secret_files(config).into_iter().filter_map(says).chain(passphrase).collect()
    }

    /// The files with keys of APIs and secrets of apps and channels that were not written for long, in sentences.
    pub fn aged(&self, config: &Config, now: Timestamp) -> Vec<String> {
        let says = |(path, what): (&Path, &str)| {
            let days = now.since(file::written_at(path)?) / (24 * 3_600_000);
            let path = file::shown(path);
            (days > OLD_SECRET_DAYS).then(|| {
                format!(
                    "{path} holds {what}, and was not written for {days} days: make a new one where the old one was \
                     made, write it there, and reload rosterd"
                )
            })
        };
        self.secret_files(config).into_iter().filter_map(says).collect()
    }

    /// The files with keys of APIs and secrets of apps and channels, and what each holds.
    fn secret_files<'a>(&'a self, config: &'a Config) -> Vec<(&'a Path, &'static str)> {
        let channels = || config.channels.sections.values().map(|section| &section.table);
        let has_inline = config.platforms.values().any(|table| SECRETS.iter().any(|key| table.contains_key(*key)))
            || channels().any(|table| CHANNEL_SECRETS.iter().any(|key| table.contains_key(*key)))
            || config.network.proxy.as_ref().is_some_and(|proxy| proxy.contains('@'));
        let own = has_inline.then_some((self.file.as_path(), "secrets"));
        let named = config.platforms.values().chain(channels()).flatten().filter(|(key, _)| key.ends_with("_file"));
        let named = named.filter_map(|(_, value)| Some((Path::new(value.as_str()?), "a secret")));
        own.into_iter().chain(named).collect()
    }

    /// An error about a key of the config.
    pub fn at(&self, key: &str, message: String) -> ConfigError {
        let text = config::text_of(&self.file).unwrap_or_default();
        ConfigError { file: shown(&self.file), line: Config::line_of_key(&text, key), message }
    }
}

/// What the terms of platforms say, as far as the config does not say otherwise.
fn policy(config: &config::Retention, platforms: &Platforms) -> Policy {
    let limits = platforms.iter().map(|(slug, known)| {
        let terms = known.platform.info().keeping.limits;
        let limits = config.platforms.get(slug).map_or(terms, |other| Limits {
            public: limit(terms.public, other.public),
            consent: limit(terms.consent, other.consent),
            after_consent: limit(terms.after_consent, other.after_consent),
        });
        (slug.clone(), limits)
    });
    Policy { daily: config.snapshots_days, limits: limits.collect() }
}

fn keeping(platforms: &Platforms) -> BTreeMap<String, &'static str> {
    let source = |(slug, known): (&String, &Arc<Registered>)| (slug.clone(), known.platform.info().keeping.source);
    platforms.iter().map(source).filter(|(_, source)| !source.is_empty()).collect()
}

fn limit(terms: Option<u32>, other: Option<Kept>) -> Option<u32> {
    match other {
        None => terms,
        Some(Kept::Forever) => None,
        Some(Kept::Days(days)) => Some(days),
    }
}

fn shown(file: &Path) -> String {
    file.display().to_string()
}
