//! Every setting as it is in effect, and where it came from: what `rosterd check-config --effective` prints.
//!
//! The text is TOML again, with the origin of each value as a comment; what is not set stands there as a comment. No
//! secret is shown, only that there is one.

use std::fmt::Write;

use roster_protocol::text::clean;
use url::Url;

use crate::app::setup::Source;
use crate::platforms::{Entry, all, credential_name};
use crate::process::config::{Config, KNOWN};
use crate::process::logs;
use crate::secret::master_key::{self, KeySources};

/// One of the daemon's places: its name, its path, and what said so.
#[derive(Clone, Debug)]
pub struct Placed {
    pub name: &'static str,
    pub path: std::path::PathBuf,
    pub from: &'static str,
}

/// Where a value came from, and the value as TOML; `None`: not set.
struct Effect {
    value: Option<toml::Value>,
    from: String,
}

/// The defaults of [`Config`], as they would be written; what is not here is not set. A test holds the two together.
const DEFAULTS: &str = r#"
[http]
listen = "127.0.0.1:8787"
metrics = true
[sync]
interval = "6h"
daily_snapshot = "02:00"
timezone = "UTC"
concurrency = 64
concurrency_per_platform = 8
[change]
significant = "10%"
[log]
level = "info"
"#;

/// What stands in place of a secret.
const HIDDEN: &str = "***";
/// Platforms' keys whose values are secrets.
const SECRETS: [&str; 2] = ["client_secret", "api_key"];
/// The longest value that is shown whole.
const WIDEST: usize = 300;

/// The config in effect.
pub fn shown(source: &Source, text: &str, places: &[Placed], key: &KeySources<'_>) -> String {
    let mut shown = String::new();
    for Placed { name, path, from } in places {
        line(&mut shown, &format!("# {name} = {}", clean(&path.display().to_string(), WIDEST)), from);
    }
    line(&mut shown, "# master key", &master_key(key));
    let file = File::of(source, text);
    let defaults: toml::Table = toml::from_str(DEFAULTS).unwrap_or_default();
    for (section, keys) in KNOWN.iter().filter(|(_, keys)| !keys.is_empty()) {
        write(&mut shown, section, keys, |key| file.effect(&defaults, source, section, key));
    }
    for entry in all() {
        let section = format!("platforms.{}", entry.slug);
        write(&mut shown, &section, entry.keys, |key| file.effect_of_platform(source, entry, key));
    }
    shown
}

fn write(shown: &mut String, section: &str, keys: &[&str], effect: impl Fn(&str) -> Effect) {
    let _ = writeln!(shown, "\n[{section}]");
    for key in keys {
        let Effect { value, from } = effect(key);
        match value {
            Some(value) => line(shown, &format!("{key} = {value}"), &from),
            None => line(shown, &format!("# {key}"), &from),
        }
    }
}

/// Writing into a String cannot fail.
fn line(shown: &mut String, what: &str, from: &str) {
    let _ = writeln!(shown, "{what:<44}  # {from}");
}

fn master_key(sources: &KeySources<'_>) -> String {
    match sources.find() {
        Ok(Some(found)) => format!("{}, id {}", found.from, found.key.id()),
        Ok(None) => format!("none yet: {} is made together with the store", master_key::FILE),
        Err(error) => error.to_string(),
    }
}

/// The config's file, to look values up in.
struct File<'a> {
    name: String,
    text: &'a str,
    tables: toml::Table,
}

impl<'a> File<'a> {
    fn of(source: &Source, text: &'a str) -> Self {
        Self { name: source.file.display().to_string(), text, tables: toml::from_str(text).unwrap_or_default() }
    }

    fn written(&self, section: &[&str], key: &str) -> Option<Effect> {
        let mut table = &self.tables;
        for part in section {
            table = table.get(*part)?.as_table()?;
        }
        let value = table.get(key)?.clone();
        let line = Config::line_of_key(self.text, &format!("{}.{key}", section.join(".")));
        let from = format!("{}{}", self.name, line.map(|line| format!(":{line}")).unwrap_or_default());
        Some(Effect { value: Some(value), from })
    }

    fn effect(&self, defaults: &toml::Table, source: &Source, section: &str, key: &str) -> Effect {
        let variable = match (section, key) {
            ("log", "level") => Some(logs::LEVEL),
            ("log", "format") => Some(logs::FORMAT),
            _ => None,
        };
        if let Some(effect) = variable.and_then(|name| of_variable(source, name)) {
            return effect;
        }
        if let Some(effect) = self.written(&[section], key) {
            let is_proxy = (section, key) == ("network", "proxy");
            return Effect {
                value: effect.value.map(|value| if is_proxy { without_password(value) } else { value }),
                ..effect
            };
        }
        let default = defaults.get(section).and_then(|table| table.get(key)).cloned();
        of_default(default)
    }

    fn effect_of_platform(&self, source: &Source, entry: &Entry, key: &str) -> Effect {
        let effect = self.of_platform(source, entry, key);
        let is_secret = SECRETS.contains(&key) && effect.value.is_some();
        Effect { value: if is_secret { Some(HIDDEN.into()) } else { effect.value }, ..effect }
    }

    fn of_platform(&self, source: &Source, entry: &Entry, key: &str) -> Effect {
        let credential = credential_name(entry.slug, key);
        if SECRETS.contains(&key) && matches!(source.environment.credential(&credential), Ok(Some(_))) {
            return Effect { value: Some(HIDDEN.into()), from: format!("the credential {credential}") };
        }
        if let Some(effect) = entry.variable(key).and_then(|name| of_variable(source, name)) {
            return effect;
        }
        let default = || entry.defaults.iter().find(|(name, _)| *name == key).map(|(_, value)| (*value).into());
        let default = || of_default(if key == "enabled" { Some(true.into()) } else { default() });
        self.written(&["platforms", entry.slug], key).unwrap_or_else(default)
    }
}

fn of_variable(source: &Source, name: &str) -> Option<Effect> {
    let value = source.environment.variable(name)?;
    Some(Effect { value: Some(clean(value, WIDEST).into()), from: format!("the variable {name}") })
}

fn of_default(value: Option<toml::Value>) -> Effect {
    let from = if value.is_some() { "default" } else { "not set" };
    Effect { value, from: from.to_owned() }
}

fn without_password(value: toml::Value) -> toml::Value {
    let Some(mut url) = value.as_str().and_then(|text| Url::parse(text).ok()) else { return HIDDEN.into() };
    let has_user = !url.username().is_empty() || url.password().is_some();
    // Only URLs that cannot have a user refuse to lose one.
    if has_user && (url.set_username(HIDDEN).is_err() || url.set_password(None).is_err()) {
        return HIDDEN.into();
    }
    url.as_str().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http_client::HttpLimits;
    use crate::process::environment::Environment;

    fn effective(text: &str, environment: Environment) -> String {
        let source = Source { file: "rosterd.toml".into(), environment, limits: HttpLimits::default() };
        let nowhere = std::path::Path::new("/nowhere");
        let key = source.environment.key_sources(None, nowhere);
        let place = Placed { name: "state_dir", path: nowhere.into(), from: "--state-dir" };
        shown(&source, text, &[place], &key)
    }

    #[test]
    fn defaults_are_shown_as_they_are() {
        let shown = effective("", Environment::default());
        let again = Config::parse(&shown, "shown").expect("TOML that means something");
        let empty = Config::parse("", "empty").expect("defaults");
        let sections = |config: &Config| format!("{:?}", Config { platforms: Default::default(), ..config.clone() });
        assert_eq!(sections(&again), sections(&empty));
        assert!(shown.contains("listen = \"127.0.0.1:8787\""), "{shown}");
    }

    #[test]
    fn each_value_names_its_origin_and_no_secret_is_shown() {
        let text = "[http]\nlisten = \"off\"\n\n[network]\nproxy = \"http://me:hunter2@proxy.example:3128\"\n\
                    [platforms.youtube]\napi_key = \"very-secret\"\n[platforms.instagram]\nclient_id = \"from-file\"\n";
        let around = Environment::new(
            &[("LOG_LEVEL", "debug"), ("INSTAGRAM_APP_ID", "from-variable"), ("INSTAGRAM_APP_SECRET", "also-secret")],
            None,
        );
        let shown = effective(text, around);
        let has = |line: &str| {
            let squeezed = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(shown.lines().any(|shown| squeezed(shown) == line), "{line} in\n{shown}");
        };
        has("# state_dir = /nowhere # --state-dir");
        has("listen = \"off\" # rosterd.toml:2");
        has("proxy = \"http://***@proxy.example:3128/\" # rosterd.toml:5");
        has("level = \"debug\" # the variable LOG_LEVEL");
        has("api_key = \"***\" # rosterd.toml:7");
        has("client_id = \"from-variable\" # the variable INSTAGRAM_APP_ID");
        has("client_secret = \"***\" # the variable INSTAGRAM_APP_SECRET");
        has("login = \"facebook\" # default");
        has("# public_url # not set");
        for secret in ["hunter2", "very-secret", "also-secret"] {
            assert!(!shown.contains(secret), "{shown}");
        }
    }
}
