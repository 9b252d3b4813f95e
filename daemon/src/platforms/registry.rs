//! Makes platforms, ready for requests, from `[platforms.*]`.
//!
//! Each platform owns its section: what its keys are and what they mean. Here is only what all sections share.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::{Platform, all};
use crate::http_client::{Route, base_url};
use crate::oauth::{self, OAuthApp, Provider, Registry, Scope};
use crate::process::environment::Environment;
use crate::schedule::budget::Budget;
use crate::secret::Secret;

/// One platform's entry in [`all`].
#[derive(Clone, Copy)]
pub struct Entry {
    pub slug: &'static str,
    /// The keys of its section that no other platform has to have: see [`Entry::keys`].
    pub own_keys: &'static [&'static str],
    /// The defaults of its keys, where a default is a value; `enabled` defaults to true everywhere.
    pub defaults: &'static [(&'static str, &'static str)],
    /// The variables that override the keys of its app, where it has one.
    pub variables: Option<AppVariables>,
    /// Makes the platform of its section, whose keys are known ones; an absent section is empty.
    pub from_config: fn(&Section<'_>) -> Result<Configured, ConfigProblem>,
}

/// A platform's section of the config, and what else may configure it.
#[derive(Clone, Copy)]
pub struct Section<'a> {
    pub slug: &'static str,
    pub table: &'a toml::Table,
    variables: Option<AppVariables>,
    pub environment: &'a Environment,
}

/// What every section may say.
#[derive(Deserialize)]
struct Common {
    enabled: Option<bool>,
    gateway: Option<String>,
    derived: Option<String>,
    budget: Option<BTreeMap<String, u64>>,
}

/// The environment variables that may hold an app's parts.
#[derive(Clone, Copy)]
pub struct AppVariables {
    pub id: &'static str,
    pub secret: &'static str,
    pub redirect_uri: Option<&'static str>,
}

/// The keys of every section.
const COMMON_KEYS: [&str; 4] = ["enabled", "gateway", "budget", "derived"];
/// The keys of a section's app.
const APP_KEYS: [&str; 5] = ["client_id", "client_secret", "client_secret_file", "redirect_uri", "scopes"];

impl Entry {
    /// Every key of its section.
    pub fn keys(&self) -> Vec<&'static str> {
        let app = if self.variables.is_some() { APP_KEYS.as_slice() } else { &[] };
        [COMMON_KEYS.as_slice(), app, self.own_keys].concat()
    }

    /// The environment variable that overrides a key.
    pub fn variable(&self, key: &str) -> Option<&'static str> {
        let variables = self.variables?;
        match key {
            "client_id" => Some(variables.id),
            "client_secret" => Some(variables.secret),
            "redirect_uri" => variables.redirect_uri,
            _ => None,
        }
    }
}

/// The systemd credential that overrides a platform's secret.
pub fn credential_name(slug: &str, key: &str) -> String {
    format!("roster-{slug}-{}", key.replace('_', "-"))
}

/// The keys of a section's app.
#[derive(Deserialize)]
struct AppKeys {
    // Some call it the client key.
    #[serde(alias = "client_key")]
    client_id: Option<String>,
    client_secret: Option<Secret>,
    client_secret_file: Option<PathBuf>,
    redirect_uri: Option<String>,
    scopes: Option<Vec<String>>,
    config_id: Option<String>,
}

/// A platform as its section configures it.
pub struct Configured {
    pub platform: Arc<dyn Platform>,
    /// The provider that its owners give their consent through.
    pub provider: Option<Arc<dyn Provider>>,
    pub api_url: Option<String>,
    pub private_hosts: Vec<String>,
}

impl Configured {
    /// A platform at its usual address.
    pub(super) fn of(platform: impl Platform + 'static) -> Self {
        Self { platform: Arc::new(platform), provider: None, api_url: None, private_hosts: Vec::new() }
    }

    /// A platform that is also the provider of its owners' consents.
    pub(super) fn consenting(platform: impl Platform + Provider + 'static) -> Self {
        let platform = Arc::new(platform);
        Self { provider: Some(platform.clone()), platform, api_url: None, private_hosts: Vec::new() }
    }
}

/// A platform, whether requests are sent to it, and where they go.
#[derive(Clone)]
pub struct Registered {
    pub platform: Arc<dyn Platform>,
    /// `None` where everything is public.
    pub provider: Option<Arc<dyn Provider>>,
    pub enabled: bool,
    /// Whether its numbers go into totals, rates and comparisons.
    pub derives: bool,
    pub route: Route,
    /// The operator's own limits, by unit.
    pub limits: BTreeMap<String, u64>,
}

/// What is wrong in the config. The message quotes no value, which may be a secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{key}: {message}")]
pub struct ConfigProblem {
    /// Dotted, from the file's root: `platforms.youtube.api_key_file`.
    pub key: String,
    pub message: String,
}

impl ConfigProblem {
    /// A problem with one key of a platform's section.
    pub fn of(slug: &str, key: &str, message: impl Into<String>) -> Self {
        Self { key: format!("platforms.{slug}.{key}"), message: message.into() }
    }
}

/// Every platform's slug.
pub fn slugs() -> Vec<&'static str> {
    all().iter().map(|entry| entry.slug).collect()
}

/// The keys of a platform's section; `None` for an unknown slug.
pub fn known_keys(slug: &str) -> Option<Vec<&'static str>> {
    all().iter().find(|entry| entry.slug == slug).map(Entry::keys)
}

/// Makes every platform from the sections by slug, in the order of [`all`]; a platform without section has defaults.
///
/// # Errors
/// At the first section or key that is unknown or wrong.
pub fn register(
    tables: &BTreeMap<String, toml::Table>,
    global_gateway: Option<&str>,
    environment: &Environment,
) -> Result<Vec<Registered>, ConfigProblem> {
    let known = slugs();
    if let Some(unknown) = tables.keys().find(|slug| !known.contains(&slug.as_str())) {
        let message = format!("no such platform{}", nearest(unknown, &known));
        return Err(ConfigProblem { key: format!("platforms.{unknown}"), message });
    }
    let global = global_gateway
        .map(base_url)
        .transpose()
        .map_err(|error| ConfigProblem { key: "sync.gateway".to_owned(), message: error.to_string() })?;
    let none = toml::Table::new();
    let section = |entry: &Entry| Section {
        slug: entry.slug,
        table: tables.get(entry.slug).unwrap_or(&none),
        variables: entry.variables,
        environment,
    };
    all().iter().map(|entry| registered(entry, section(entry), global.as_deref())).collect()
}

fn registered(entry: &Entry, section: Section<'_>, global: Option<&str>) -> Result<Registered, ConfigProblem> {
    let known = entry.keys();
    if let Some(unknown) = section.table.keys().find(|key| !known.contains(&key.as_str())) {
        return Err(ConfigProblem::of(entry.slug, unknown, format!("unknown key{}", nearest(unknown, &known))));
    }
    let Common { enabled, gateway, derived, budget } = section.read()?;
    let derives = match derived.as_deref() {
        None | Some("on") => true,
        Some("off") => false,
        Some(_) => return Err(ConfigProblem::of(entry.slug, "derived", "is \"on\" or \"off\"")),
    };
    let configured = (entry.from_config)(&section)?;
    let base = |key: &str, text: Option<String>| {
        let base = text.as_deref().map(base_url).transpose();
        base.map_err(|error| ConfigProblem::of(entry.slug, key, error.to_string()))
    };
    let own = base("gateway", gateway)?;
    let api_url = base("api_url", configured.api_url)?;
    if own.is_some() && api_url.is_some() {
        return Err(ConfigProblem::of(entry.slug, "api_url", "is called directly: set either this or gateway"));
    }
    let gateway = own.or_else(|| global.map(str::to_owned)).filter(|_| api_url.is_none());
    let route = Route { platform: entry.slug.to_owned(), gateway, api_url, private_hosts: configured.private_hosts };
    let Configured { platform, provider, .. } = configured;
    let limits = budget.unwrap_or_default();
    check_limits(entry.slug, platform.info().budgets, &limits)?;
    Ok(Registered { platform, provider, enabled: enabled.unwrap_or(true), derives, route, limits })
}

/// Whether the operator's own limits are of budgets that the platform has.
fn check_limits(slug: &str, budgets: &[Budget], limits: &BTreeMap<String, u64>) -> Result<(), ConfigProblem> {
    let units: Vec<&str> = budgets.iter().map(|budget| budget.unit).collect();
    let problem = limits.iter().find_map(|(unit, limit)| match units.contains(&unit.as_str()) {
        false => Some(format!("nothing of this name is counted{}", nearest(unit, &units))),
        true => (*limit == 0).then(|| format!("{unit} must be 1 at least; enabled = false switches the platform off")),
    });
    problem.map_or(Ok(()), |message| Err(ConfigProblem::of(slug, "budget", message)))
}

/// The providers of these platforms.
pub fn providers<'a>(platforms: impl IntoIterator<Item = &'a Registered>) -> Registry {
    let provider = |known: &Registered| {
        let (provider, enabled, route) = (known.provider.clone()?, known.enabled, known.route.clone());
        Some(oauth::Registered { provider, enabled, route })
    };
    platforms.into_iter().filter_map(provider).collect()
}

impl Section<'_> {
    /// The keys that a platform's struct wants; it need not have the others.
    ///
    /// # Errors
    /// When a value has the wrong type.
    pub(super) fn read<T: DeserializeOwned>(&self) -> Result<T, ConfigProblem> {
        serde_path_to_error::deserialize(toml::Value::Table(self.table.clone()))
            .map_err(|error| self.problem(&error.path().to_string(), "has the wrong type"))
    }

    pub(super) fn problem(&self, key: &str, message: impl Into<String>) -> ConfigProblem {
        ConfigProblem::of(self.slug, key, message)
    }

    /// The secret of `key`: a credential `roster-{platform}-{key}`, else the variable, else the value in the config file
    /// or, as `{key}_file`, in a file of its own.
    pub(super) fn secret(
        &self,
        key: &str,
        variable: Option<&str>,
        inline: Option<Secret>,
        file: Option<&Path>,
    ) -> Result<Option<Secret>, ConfigProblem> {
        let file_key = format!("{key}_file");
        let credential = self.environment.credential(&credential_name(self.slug, key));
        if let Some(secret) = credential.map_err(|error| self.problem(key, error.to_string()))? {
            return Ok(Some(secret));
        }
        if let Some(value) = variable.and_then(|name| self.environment.variable(name)) {
            return Ok(Some(Secret::new(value)));
        }
        match (inline, file) {
            (Some(_), Some(_)) => Err(self.problem(&file_key, format!("set either this or {key}"))),
            (Some(secret), None) if secret.expose().trim().is_empty() => Err(self.problem(key, "is empty")),
            (Some(secret), None) => Ok(Some(secret)),
            (None, Some(path)) => {
                Secret::read(path).map(Some).map_err(|error| self.problem(&file_key, error.to_string()))
            }
            (None, None) => Ok(None),
        }
    }

    /// The operator's app: `None` when nothing of it is set. `scopes` are all that the platform has.
    ///
    /// # Errors
    /// When it is set in part, a secret's file cannot be read, or a scope is unknown or a needed one left out.
    pub(super) fn app(&self, scopes: &'static [Scope]) -> Result<Option<OAuthApp>, ConfigProblem> {
        let keys: AppKeys = self.read()?;
        self.check_scopes(keys.scopes.as_deref(), scopes)?;
        let config_id = keys.config_id.filter(|id| !id.trim().is_empty());
        let variable = |name: &str| self.environment.variable(name).map(str::to_owned);
        let of = |choose: fn(AppVariables) -> Option<&'static str>| self.variables.and_then(choose);
        let (id, secret) = (of(|it| Some(it.id)), of(|it| Some(it.secret)));
        let secret = self.secret("client_secret", secret, keys.client_secret, keys.client_secret_file.as_deref())?;
        let id = id.and_then(variable).or(keys.client_id).filter(|id| !id.trim().is_empty());
        let redirect_uri = of(|it| it.redirect_uri).and_then(variable).or(keys.redirect_uri);
        if redirect_uri.as_ref().is_some_and(|uri| oauth::redirect_problem("", uri).is_some()) {
            let wrong = "must be an https URL, or http to this machine, without user, password and #";
            return Err(self.problem("redirect_uri", wrong));
        }
        match (id, secret) {
            (Some(id), Some(secret)) => Ok(Some(OAuthApp { id, secret, redirect_uri, scopes: keys.scopes, config_id })),
            (None, None) => Ok(None),
            (Some(_), None) => {
                Err(self.problem("client_id", "needs client_secret_file with the app's secret beside it"))
            }
            (None, Some(_)) => Err(self.problem("client_secret", "needs client_id, the app's id, beside it")),
        }
    }
}

impl Section<'_> {
    fn check_scopes(&self, chosen: Option<&[String]>, all: &'static [Scope]) -> Result<(), ConfigProblem> {
        let Some(chosen) = chosen else { return Ok(()) };
        let names: Vec<&str> = all.iter().map(|scope| scope.name).collect();
        if let Some(unknown) = chosen.iter().find(|name| !names.contains(&name.as_str())) {
            return Err(self.problem("scopes", format!("one of them is unknown{}", nearest(unknown, &names))));
        }
        let left_out = all.iter().find(|scope| scope.needed && !chosen.iter().any(|name| name == scope.name));
        match left_out {
            Some(scope) => Err(self.problem("scopes", format!("needs {}: nothing is read without it", scope.name))),
            None => Ok(()),
        }
    }
}

/// `; did you mean …?` where one known word is near.
fn nearest(word: &str, known: &[&str]) -> String {
    let near = known
        .iter()
        .map(|candidate| (strsim::jaro_winkler(word, candidate), candidate))
        .filter(|(nearness, _)| *nearness > 0.75)
        .max_by(|(left, _), (right, _)| left.total_cmp(right));
    match near {
        Some((_, candidate)) => format!("; did you mean {candidate}?"),
        None => format!("; known are {}", known.join(", ")),
    }
}
