//! The config report: every setting in use and where it came from, as `rosterd check-config --effective` prints it.
//!
//! The report is TOML again, with the origin of each value as a comment; a key that is not set is written as a comment. No
//! secret is printed, only that there is one.

use std::fmt::Write;

use roster_protocol::delivery::ChannelKind;
use roster_protocol::text::clean;
use url::Url;

use crate::app::setup::{SECRETS, Source};
use crate::platforms::{Entry, all, credential_name};
use crate::process::config::{CHANNEL_SECRETS, Config, KNOWN, OF_PLATFORM, RULE_KEYS, channel_keys};
use crate::process::logs;
use crate::secret::keyring::Named;
use crate::secret::master_key::{self, Found, KeySources};

/// One of the daemon's paths: its name, the path, and what set it.
#[derive(Clone, Debug)]
pub struct PathSetting {
    pub name: &'static str,
    pub path: std::path::PathBuf,
    pub from: &'static str,
}

/// A value as TOML, and where it came from; `None`: not set.
struct Setting {
    value: Option<toml::Value>,
    from: String,
}

/// The defaults of [`Config`], as the file would have them; a key that is not here is not set by default. A test checks that
/// the two agree.
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
min_distance = "10s"
[change]
significant = "10%"
[retention]
snapshots = "2y"
runs = "90d"
[backup]
every = "24h"
keep = 14
[log]
level = "info"
"#;

/// What is printed instead of a secret.
const HIDDEN: &str = "***";
/// The longest value that is printed whole.
const WIDEST: usize = 300;

/// The config in use, as a report.
pub fn report(source: &Source, text: &str, paths: &[PathSetting], key: &KeySources<'_>) -> String {
    let mut report = String::new();
    for PathSetting { name, path, from } in paths {
        line(&mut report, &format!("# {name} = {}", clean(&path.display().to_string(), WIDEST)), from);
    }
    line(&mut report, "# master key", &master_key(key));
    let file = File::of(source, text);
    let defaults: toml::Table = toml::from_str(DEFAULTS).unwrap_or_default();
    // An empty section would admit root and the owner alone: without it there are no roles.
    let is_there = |section: &str| section != "access" || file.tables.contains_key(section);
    for (section, keys) in KNOWN.iter().filter(|(section, keys)| !keys.is_empty() && is_there(section)) {
        write(&mut report, section, keys, |key| file.setting(&defaults, source, section, key));
    }
    for slug in file.kept_otherwise() {
        let written = |key: &str| file.written(&["retention", slug], key).unwrap_or_else(|| of_default(None));
        write(&mut report, &format!("retention.{slug}"), &OF_PLATFORM, written);
    }
    for entry in all() {
        let section = format!("platforms.{}", entry.slug);
        write(&mut report, &section, &entry.keys(), |key| file.setting_of_platform(source, entry, key));
    }
    for name in file.rules() {
        let written = |key: &str| file.written(&["rules", name], key).unwrap_or_else(|| of_default(None));
        write(&mut report, &format!("rules.{name}"), &RULE_KEYS, written);
    }
    for (name, kind) in file.channels() {
        let section = ["channels", name];
        let keys = [&["kind"], channel_keys(kind)].concat();
        let written = |key: &str| file.written(&section, key).map_or_else(|| of_default(None), |it| hidden(it, key));
        write(&mut report, &section.join("."), &keys, written);
    }
    file.routes(&mut report);
    report
}

fn write(report: &mut String, section: &str, keys: &[&str], setting: impl Fn(&str) -> Setting) {
    let _ = writeln!(report, "\n[{section}]");
    for key in keys {
        let Setting { value, from } = setting(key);
        match value {
            Some(value) => line(report, &format!("{key} = {value}"), &from),
            None => line(report, &format!("# {key}"), &from),
        }
    }
}

/// Writes a line; writing into a String cannot fail.
fn line(report: &mut String, what: &str, from: &str) {
    let _ = writeln!(report, "{what:<44}  # {from}");
}

fn master_key(sources: &KeySources<'_>) -> String {
    match sources.find() {
        Ok(Some(Found { from, .. })) if sources.store == [0; 16] && from.is_passphrase() => from.to_string(),
        Ok(Some(found)) => format!("{}, id {}", found.from, Named(&found.ring.ids())),
        Ok(None) => format!("none yet: {} is made together with the store", master_key::FILE),
        Err(error) => error.to_string(),
    }
}

/// The config file, in which values are looked up.
struct File<'a> {
    name: String,
    text: &'a str,
    tables: toml::Table,
}

impl<'a> File<'a> {
    fn of(source: &Source, text: &'a str) -> Self {
        Self { name: source.file.display().to_string(), text, tables: toml::from_str(text).unwrap_or_default() }
    }

    /// The platforms whose numbers are kept otherwise than their terms say.
    fn kept_otherwise(&self) -> impl Iterator<Item = &str> {
        let retention = self.tables.get("retention").and_then(toml::Value::as_table).into_iter().flatten();
        retention.filter(|(_, value)| value.is_table()).map(|(slug, _)| slug.as_str())
    }

    /// The rules of the config.
    fn rules(&self) -> impl Iterator<Item = &str> {
        let rules = self.tables.get("rules").and_then(toml::Value::as_table).into_iter().flatten();
        rules.map(|(name, _)| name.as_str())
    }

    fn channels(&self) -> impl Iterator<Item = (&str, ChannelKind)> {
        let channels = self.tables.get("channels").and_then(toml::Value::as_table).into_iter().flatten();
        channels.filter_map(|(name, section)| Some((name.as_str(), section.get("kind")?.as_str()?.parse().ok()?)))
    }

    fn routes(&self, report: &mut String) {
        let routes = self.tables.get("routes").and_then(toml::Value::as_array).into_iter().flatten();
        for (index, route) in (0..).zip(routes) {
            let _ = writeln!(report, "\n[[routes]]");
            for (key, value) in route.as_table().into_iter().flatten() {
                let at = Config::line_of_key(self.text, &format!("routes.{index}.{key}"));
                line(report, &format!("{key} = {value}"), &self.place(at));
            }
        }
    }

    fn place(&self, line: Option<usize>) -> String {
        format!("{}{}", self.name, line.map(|line| format!(":{line}")).unwrap_or_default())
    }

    fn written(&self, section: &[&str], key: &str) -> Option<Setting> {
        let mut table = &self.tables;
        for part in section {
            table = table.get(*part)?.as_table()?;
        }
        let value = table.get(key)?.clone();
        let line = Config::line_of_key(self.text, &format!("{}.{key}", section.join(".")));
        Some(Setting { value: Some(value), from: self.place(line) })
    }

    fn setting(&self, defaults: &toml::Table, source: &Source, section: &str, key: &str) -> Setting {
        let variable = match (section, key) {
            ("log", "level") => Some(logs::LEVEL),
            ("log", "format") => Some(logs::FORMAT),
            _ => None,
        };
        if let Some(setting) = variable.and_then(|name| of_variable(source, name)) {
            return setting;
        }
        if let Some(setting) = self.written(&[section], key) {
            let is_proxy = (section, key) == ("network", "proxy");
            return Setting {
                value: setting.value.map(|value| if is_proxy { without_password(value) } else { value }),
                ..setting
            };
        }
        let default = defaults.get(section).and_then(|table| table.get(key)).cloned();
        of_default(default)
    }

    fn setting_of_platform(&self, source: &Source, entry: &Entry, key: &str) -> Setting {
        let setting = self.of_platform(source, entry, key);
        let is_secret = SECRETS.contains(&key) && setting.value.is_some();
        Setting { value: if is_secret { Some(HIDDEN.into()) } else { setting.value }, ..setting }
    }

    fn of_platform(&self, source: &Source, entry: &Entry, key: &str) -> Setting {
        let credential = credential_name(entry.slug, key);
        if SECRETS.contains(&key) && matches!(source.environment.credential(&credential), Ok(Some(_))) {
            return Setting { value: Some(HIDDEN.into()), from: format!("the credential {credential}") };
        }
        if let Some(setting) = entry.variable(key).and_then(|name| of_variable(source, name)) {
            return setting;
        }
        let default = || entry.defaults.iter().find(|(name, _)| *name == key).map(|(_, value)| (*value).into());
        let default = || of_default(if key == "enabled" { Some(true.into()) } else { default() });
        self.written(&["platforms", entry.slug], key).unwrap_or_else(default)
    }
}

/// A channel's setting without what is secret.
fn hidden(setting: Setting, key: &str) -> Setting {
    let hide = |value: toml::Value| match CHANNEL_SECRETS.contains(&key) {
        true => HIDDEN.into(),
        false if key == "smtp" => without_password(value),
        false => value,
    };
    Setting { value: setting.value.map(hide), ..setting }
}

fn of_variable(source: &Source, name: &str) -> Option<Setting> {
    let value = source.environment.variable(name)?;
    Some(Setting { value: Some(clean(value, WIDEST).into()), from: format!("the variable {name}") })
}

fn of_default(value: Option<toml::Value>) -> Setting {
    let from = if value.is_some() { "default" } else { "not set" };
    Setting { value, from: from.to_owned() }
}

fn without_password(value: toml::Value) -> toml::Value {
    let Some(mut url) = value.as_str().and_then(|text| Url::parse(text).ok()) else { return HIDDEN.into() };
    let has_user = !url.username().is_empty() || url.password().is_some();
    // Setting the user fails only for URLs that cannot have one.
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

    fn report_of(text: &str, environment: Environment) -> String {
        let source = Source { file: "rosterd.toml".into(), environment, limits: HttpLimits::default() };
        let nowhere = std::path::Path::new("/nowhere");
        let store = crate::process::config::Store::default();
        let key = source.environment.key_sources(&store, nowhere);
        let state_dir = PathSetting { name: "state_dir", path: nowhere.into(), from: "--state-dir" };
        report(&source, text, &[state_dir], &key)
    }

    #[test]
    fn defaults_are_reported_as_they_are() {
        let report = report_of("", Environment::default());
        let again = Config::parse(&report, "report").expect("TOML that means something");
        let empty = Config::parse("", "empty").expect("defaults");
        let sections = |config: &Config| format!("{:?}", Config { platforms: Default::default(), ..config.clone() });
        assert_eq!(sections(&again), sections(&empty));
        assert!(report.contains("listen = \"127.0.0.1:8787\""), "{report}");
    }

    #[test]
    fn each_value_names_its_origin_and_no_secret_is_printed() {
        let text = "[http]\nlisten = \"off\"\n\n[network]\nproxy = \"http://me:hunter2@proxy.example:3128\"\n\
                    [platforms.youtube]\napi_key = \"very-secret\"\n[platforms.instagram]\nclient_id = \"from-file\"\n\
                    verify_token = \"known-to-meta\"\n[retention.youtube]\npublic = \"90d\"\nreason = \"audited\"\n\
                    [channels.team]\nkind = \"slack\"\nurl = \"https://hooks.example/hidden\"\n\
                    [[routes]]\nto = [\"team\"]\n[rules.big-drop]\npercent = 2.0\nonly = { tags = [\"a\"] }\n";
        let environment = Environment::new(
            &[("LOG_LEVEL", "debug"), ("INSTAGRAM_APP_ID", "from-variable"), ("INSTAGRAM_APP_SECRET", "also-secret")],
            None,
        );
        let report = report_of(text, environment);
        let has = |line: &str| {
            let squeezed = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(report.lines().any(|reported| squeezed(reported) == line), "{line} in\n{report}");
        };
        has("# state_dir = /nowhere # --state-dir");
        has("listen = \"off\" # rosterd.toml:2");
        has("proxy = \"http://***@proxy.example:3128/\" # rosterd.toml:5");
        has("level = \"debug\" # the variable LOG_LEVEL");
        has("api_key = \"***\" # rosterd.toml:7");
        has("client_id = \"from-variable\" # the variable INSTAGRAM_APP_ID");
        has("client_secret = \"***\" # the variable INSTAGRAM_APP_SECRET");
        has("verify_token = \"***\" # rosterd.toml:10");
        has("public = \"90d\" # rosterd.toml:12");
        has("reason = \"audited\" # rosterd.toml:13");
        has("url = \"***\" # rosterd.toml:16");
        has("to = [\"team\"] # rosterd.toml:18");
        has("percent = 2.0 # rosterd.toml:20");
        has("only = { tags = [\"a\"] } # rosterd.toml:21");
        has("# after_consent # not set");
        has("login = \"facebook\" # default");
        has("# public_url # not set");
        for secret in ["hunter2", "very-secret", "also-secret", "known-to-meta", "hooks.example"] {
            assert!(!report.contains(secret), "{report}");
        }
    }
}
