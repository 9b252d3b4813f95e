//! The config: one TOML file with a struct for each section, checked at the start; an error names the file, the line and what
//! to write instead.
//!
//! Platforms parse their own sections; this module only knows where they are in the file.

mod backup;
mod change;
mod channels;
mod retention;
mod rules;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use jiff::civil;
use jiff::tz::TimeZone;
use roster_protocol::rule::Rule;
use roster_protocol::time::Seconds;
use serde::Deserialize;
use toml::de::{DeArray, DeTable, DeValue};
use url::Url;

use self::backup::RawBackup;
pub use self::backup::{Backup, Encrypted};
pub use self::change::Change;
use self::change::RawChange;
use self::channels::RawRoute;
pub use self::channels::{
    Channels, ROUTE_KEYS, SECRETS as CHANNEL_SECRETS, Section as ChannelSection, keys as channel_keys,
};
pub use self::retention::{Kept, KeptOtherwise, OF_PLATFORM, Retention};
use self::retention::{RawRetention, size};
pub use self::rules::KEYS as RULE_KEYS;
use self::rules::RawRule;
use crate::http_client::base_url;
use crate::process::logs::{self, Format, Log};
use crate::schedule::Grid;
use crate::secret::file;

/// Everything that can be configured, checked. `Debug` omits what may be secret.
#[derive(Clone)]
pub struct Config {
    pub http: Http,
    pub store: Store,
    pub sync: Sync,
    pub network: Network,
    pub change: Change,
    pub retention: Retention,
    pub backup: Backup,
    /// By name.
    pub rules: Vec<Rule>,
    pub log: Log,
    /// Each platform's own section, as written.
    pub platforms: BTreeMap<String, toml::Table>,
    pub channels: Channels,
    /// Whether it was read from a file: without one these are the defaults.
    pub has_file: bool,
}

impl std::fmt::Debug for Config {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Config { http, store, sync, network, change, retention, backup, rules, log, platforms, channels, has_file } =
            self;
        let channels: Vec<&String> = channels.sections.keys().collect();
        let platforms: Vec<&String> = platforms.keys().collect();
        f.debug_struct("Config")
            .field("http", http)
            .field("store", store)
            .field("sync", sync)
            .field("has_proxy", &network.proxy.is_some())
            .field("change", change)
            .field("retention", retention)
            .field("backup", backup)
            .field("rules", rules)
            .field("log", log)
            .field("platforms", &platforms)
            .field("channels", &channels)
            .field("has_file", has_file)
            .finish()
    }
}

/// `[http]`: the listener.
#[derive(Clone, Debug)]
pub struct Http {
    /// `None`: off.
    pub listen: Option<SocketAddr>,
    /// Whether `/metrics` is served. It names no account, so it is on by default.
    pub metrics: bool,
    /// Where users' browsers reach the listener, through a reverse proxy for example; without a trailing slash.
    /// `None`: only at the listener's own address on this host.
    pub public_url: Option<Url>,
}

/// `[store]`: what is kept, and how.
#[derive(Clone, Debug, Default)]
pub struct Store {
    /// The master key's file, when the key is neither a credential nor in the state directory.
    pub master_key_file: Option<PathBuf>,
    /// Less than this free on its disk is too little; `None`: as much as it needs.
    pub free_bytes: Option<u64>,
}

/// `[sync]`: when platforms are requested, and how much at once.
#[derive(Clone, Debug)]
pub struct Sync {
    pub grid: Grid,
    /// Batches under way at once, of all platforms together.
    pub concurrency: usize,
    /// Batches under way at once of one platform: this is polite, and no platform can use up `concurrency`.
    pub concurrency_per_platform: usize,
    /// How long after a connection's run a request of a user gets that run instead of another one; zero: never.
    pub min_distance: Seconds,
    /// The base URL that every request is sent to instead of the providers' hosts.
    pub gateway: Option<String>,
}

/// `[network]`: how the internet is reached. A proxy's URL may contain a password, so it is never printed.
#[derive(Clone, Default)]
pub struct Network {
    /// An http or https proxy's URL; loopback gateways bypass it.
    pub proxy: Option<String>,
    /// Additional certificate authorities, PEM.
    pub ca_file: Option<PathBuf>,
}

/// What is wrong with a config, where, and what to write instead.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}{}: {message}", line.map(|line| format!(":{line}")).unwrap_or_default())]
pub struct ConfigError {
    pub file: String,
    /// From 1; `None` when the error concerns the whole file.
    pub line: Option<usize>,
    pub message: String,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct RawConfig {
    http: RawHttp,
    store: RawStore,
    sync: RawSync,
    network: RawNetwork,
    change: RawChange,
    retention: RawRetention,
    backup: RawBackup,
    rules: BTreeMap<String, RawRule>,
    log: RawLog,
    platforms: BTreeMap<String, toml::Table>,
    channels: BTreeMap<String, toml::Table>,
    routes: Vec<RawRoute>,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct RawHttp {
    listen: Option<String>,
    metrics: Option<bool>,
    public_url: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct RawStore {
    master_key_file: Option<PathBuf>,
    free: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct RawSync {
    interval: Option<String>,
    daily_snapshot: Option<String>,
    timezone: Option<String>,
    concurrency: Option<usize>,
    concurrency_per_platform: Option<usize>,
    min_distance: Option<String>,
    gateway: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct RawNetwork {
    proxy: Option<String>,
    ca_file: Option<PathBuf>,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct RawLog {
    level: Option<String>,
    format: Option<Format>,
}

/// Sections and keys of this version, from which an error suggests the nearest.
pub(crate) const KNOWN: [(&str, &[&str]); 12] = [
    ("http", &["listen", "metrics", "public_url"]),
    ("store", &["master_key_file", "free"]),
    (
        "sync",
        &[
            "interval",
            "daily_snapshot",
            "timezone",
            "concurrency",
            "concurrency_per_platform",
            "min_distance",
            "gateway",
        ],
    ),
    ("network", &["proxy", "ca_file"]),
    ("change", &["significant"]),
    ("retention", &["snapshots", "runs", "size"]),
    ("backup", &["to", "every", "keep", "recipient", "passphrase_file"]),
    ("rules", &[]),
    ("log", &["level", "format"]),
    ("platforms", &[]),
    ("channels", &[]),
    ("routes", &[]),
];

/// A longer file is no config.
const MOST_BYTES: u64 = 1024 * 1024;

/// Shorter intervals only hammer the platforms.
const SHORTEST_INTERVAL: Seconds = Seconds(10);
const LONGEST_INTERVAL: Seconds = Seconds(366 * 24 * 3600);

impl Config {
    /// The config in `path`, which must be there.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        Self::parse(&text_of(path)?, &name_of(path))
    }

    /// The config in `path`; where there is nothing, not even a link to a missing file, the defaults.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn load_if_there(path: &Path) -> Result<Self, ConfigError> {
        let is_missing = |error: &std::io::Error| error.kind() == std::io::ErrorKind::NotFound;
        match path.symlink_metadata() {
            Err(error) if is_missing(&error) => Ok(Self { has_file: false, ..Self::parse("", &name_of(path))? }),
            _ => Self::load(path),
        }
    }

    /// The config in `text`; `file` is its name for errors.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn parse(text: &str, file: &str) -> Result<Self, ConfigError> {
        let at = |line, message: String| ConfigError { file: file.to_owned(), line, message };
        let syntax = |error: toml::de::Error| {
            let line = error.span().map(|span| line_of(text, span.start));
            at(line, error.message().to_owned())
        };
        let tree = DeTable::parse(text).map_err(syntax)?;
        check_keys(tree.get_ref()).map_err(|(offset, message)| at(Some(line_of(text, offset)), message))?;
        let mut raw: RawConfig = toml::from_str(text).map_err(syntax)?;
        let rules = std::mem::take(&mut raw.rules);
        let (channels, routes) = (std::mem::take(&mut raw.channels), std::mem::take(&mut raw.routes));
        let located = |(key, message): (&str, String)| {
            at(offset_of(tree.get_ref(), key).map(|offset| line_of(text, offset)), message)
        };
        let config = raw.check().map_err(located)?;
        let rules = rules::read(rules).map_err(|(key, message)| located((&key, message)))?;
        let channels = channels::read(channels, routes, &config.sync.grid.zone);
        let channels = channels.map_err(|(key, message)| located((&key, message)))?;
        Ok(Config { rules, channels, ..config })
    }

    /// The line of a dotted key in a file's text, for errors that are found later.
    pub fn line_of_key(text: &str, key: &str) -> Option<usize> {
        let tree = DeTable::parse(text).ok()?;
        offset_of(tree.get_ref(), key).map(|offset| line_of(text, offset))
    }
}

/// The text of a config file.
///
/// # Errors
/// When it cannot be read.
pub fn text_of(path: &Path) -> Result<String, ConfigError> {
    let failed = |message: String| ConfigError { file: name_of(path), line: None, message };
    let bytes = file::read(path, MOST_BYTES).map_err(|error| failed(error.to_string()))?;
    String::from_utf8(bytes.to_vec()).map_err(|_| failed("it is no text in UTF-8".to_owned()))
}

fn name_of(path: &Path) -> String {
    path.display().to_string()
}

fn line_of(text: &str, offset: usize) -> usize {
    text.bytes().take(offset).filter(|byte| *byte == b'\n').count() + 1
}

/// Finds the first key that this version does not have: its offset, and what to write instead.
fn check_keys(tree: &DeTable<'_>) -> Result<(), (usize, String)> {
    let sections: Vec<&str> = KNOWN.iter().map(|(section, _)| *section).collect();
    for (section, value) in tree {
        let (name, offset) = (section.get_ref().as_ref(), section.span().start);
        let Some((_, keys)) = KNOWN.iter().find(|(known, _)| *known == name) else {
            return Err((offset, unknown("section", name, name, &sections)));
        };
        if name == "routes" {
            channels::check_route_keys(value.get_ref())?;
        }
        let DeValue::Table(table) = value.get_ref() else { continue };
        if name == "rules" {
            rules::check_keys(table)?;
        }
        if name == "channels" {
            channels::check_keys(table)?;
        }
        for (key, value) in table.iter().filter(|_| !keys.is_empty()) {
            let table_name = key.get_ref();
            if let ("retention", DeValue::Table(of_platform)) = (name, value.get_ref()) {
                if let Some((key, _)) =
                    of_platform.iter().find(|(key, _)| !OF_PLATFORM.contains(&key.get_ref().as_ref()))
                {
                    let path = format!("{name}.{}.{}", table_name, key.get_ref());
                    return Err((key.span().start, unknown("key", &path, key.get_ref(), &OF_PLATFORM)));
                }
                continue;
            }
            if !keys.contains(&key.get_ref().as_ref()) {
                let path = format!("{name}.{}", key.get_ref());
                return Err((key.span().start, unknown("key", &path, key.get_ref(), keys)));
            }
        }
    }
    Ok(())
}

fn unknown(what: &str, path: &str, name: &str, known: &[&str]) -> String {
    let distance = |candidate: &&&str| strsim::osa_distance(candidate, name);
    match known.iter().min_by_key(distance).filter(|nearest| distance(nearest) <= name.len() / 2 + 1) {
        Some(nearest) => format!("unknown {what} {path}; did you mean {nearest}?"),
        None => format!("unknown {what} {path}; known are {}", known.join(", ")),
    }
}

/// The offset of a dotted key in the text.
fn offset_of(tree: &DeTable<'_>, key: &str) -> Option<usize> {
    let (first, rest) = key.split_once('.').map_or((key, None), |(first, rest)| (first, Some(rest)));
    let (found, value) = tree.iter().find(|(name, _)| name.get_ref().as_ref() == first)?;
    match (rest, value.get_ref()) {
        (Some(rest), DeValue::Table(table)) => offset_of(table, rest).or(Some(found.span().start)),
        (Some(rest), DeValue::Array(list)) => offset_in(list, rest).or(Some(found.span().start)),
        _ => Some(found.span().start),
    }
}

/// The offset of `2.key` in a list of tables.
fn offset_in(list: &DeArray<'_>, key: &str) -> Option<usize> {
    let (index, rest) = key.split_once('.')?;
    let found = list.get(index.parse::<usize>().ok()?)?;
    let DeValue::Table(table) = found.get_ref() else { return None };
    offset_of(table, rest).or(Some(found.span().start))
}

type Problem = (&'static str, String);

impl RawConfig {
    fn check(self) -> Result<Config, Problem> {
        Ok(Config {
            http: self.http.check()?,
            store: self.store.check()?,
            sync: self.sync.check()?,
            network: Network { proxy: self.network.proxy, ca_file: self.network.ca_file },
            change: self.change.check()?,
            retention: self.retention.check()?,
            backup: self.backup.check()?,
            rules: Vec::new(),
            log: self.log.check()?,
            platforms: self.platforms,
            channels: Channels::default(),
            has_file: true,
        })
    }
}

impl RawHttp {
    fn check(self) -> Result<Http, Problem> {
        // Loopback: no other host can connect until an admin decides so.
        let listen = match self.listen.as_deref().unwrap_or("127.0.0.1:8787") {
            "off" => None,
            address => Some(address.parse().map_err(|_| {
                ("http.listen", format!("{address:?} is no address: write \"127.0.0.1:8787\", or \"off\""))
            })?),
        };
        let public_url = self.public_url.map(|text| {
            base_url(&text).ok().and_then(|base| Url::parse(&base).ok()).ok_or_else(|| {
                // What has an @ may hold a password.
                let what = if text.contains('@') { "it".to_owned() } else { format!("{text:?}") };
                (
                    "http.public_url",
                    format!("{what} is no https URL: write \"https://roster.example\", as browsers will see it"),
                )
            })
        });
        Ok(Http { listen, metrics: self.metrics.unwrap_or(true), public_url: public_url.transpose()? })
    }
}

impl RawStore {
    fn check(self) -> Result<Store, Problem> {
        let free = self.free.map(|text| size(&text)).transpose().map_err(|message| ("store.free", message))?;
        Ok(Store { master_key_file: self.master_key_file, free_bytes: free })
    }
}

impl RawSync {
    fn check(self) -> Result<Sync, Problem> {
        // Four times a day: fresh enough for a green badge of 24 h even when one run fails.
        let interval =
            interval(self.interval.as_deref().unwrap_or("6h")).map_err(|message| ("sync.interval", message))?;
        let daily = match self.daily_snapshot.as_deref().unwrap_or("02:00") {
            "off" => None,
            time => Some(daily_slot(time).ok_or_else(|| {
                ("sync.daily_snapshot", format!("{time:?} is no time of day: write \"02:00\", or \"off\""))
            })?),
        };
        let name = self.timezone.as_deref().unwrap_or("UTC");
        let zone = TimeZone::get(name).map_err(|_| {
            ("sync.timezone", format!("{name:?} is no time zone: write an IANA name such as \"Europe/Athens\""))
        })?;
        Ok(Sync {
            grid: Grid { zone, daily, interval },
            concurrency: within("sync.concurrency", self.concurrency.unwrap_or(64), 1024)?,
            concurrency_per_platform: within(
                "sync.concurrency_per_platform",
                self.concurrency_per_platform.unwrap_or(8),
                1024,
            )?,
            min_distance: min_distance(self.min_distance.as_deref().unwrap_or("10s"))
                .map_err(|message| ("sync.min_distance", message))?,
            gateway: self.gateway,
        })
    }
}

impl RawLog {
    fn check(self) -> Result<Log, Problem> {
        let level = self.level.unwrap_or_else(|| Log::default().level);
        logs::filter(&level).map_err(|message| ("log.level", message))?;
        Ok(Log { level, format: self.format })
    }
}

fn within(key: &'static str, value: usize, most: usize) -> Result<usize, Problem> {
    match (1..=most).contains(&value) {
        true => Ok(value),
        false => Err((key, format!("{value} is not from 1 to {most}"))),
    }
}

fn daily_slot(text: &str) -> Option<civil::Time> {
    civil::Time::strptime("%H:%M", text).ok()
}

/// Parses an interval such as `6h`, `90m`, `1h 30m`, `2d`.
///
/// # Errors
/// In a sentence: no length of time, too short or too long.
pub fn interval(text: &str) -> Result<Seconds, String> {
    let wrong = || format!("{text:?} is no length of time: write \"6h\", \"30m\" or \"2d\"");
    let span: jiff::Span = text.parse().map_err(|_| wrong())?;
    let seconds = span.total((jiff::Unit::Second, jiff::SpanRelativeTo::days_are_24_hours())).map_err(|_| wrong())?;
    let allowed = SHORTEST_INTERVAL.0 as f64..=LONGEST_INTERVAL.0 as f64;
    match allowed.contains(&seconds) {
        true => Ok(Seconds(seconds as u64)),
        false => Err(format!("{text:?} is not between 10s and 366d")),
    }
}

/// A distance between two syncs of one connection: `10s`, or `0s`.
fn min_distance(text: &str) -> Result<Seconds, String> {
    let span: Option<jiff::Span> = text.parse().ok();
    let seconds = span.and_then(|span| span.total(jiff::Unit::Second).ok());
    seconds
        .filter(|seconds| (0.0..=3600.0).contains(seconds))
        .map(|seconds| Seconds(seconds as u64))
        .ok_or_else(|| format!("{text:?} is not between 0s and 1h: write \"10s\", or \"0s\" for none"))
}

#[cfg(test)]
mod tests {
    use roster_protocol::metric::Ratio;

    use super::*;

    #[test]
    fn the_empty_config_is_the_defaults() {
        let config = Config::parse("", "rosterd.toml").expect("defaults");
        assert_eq!(config.http.listen, Some(([127, 0, 0, 1], 8787).into()));
        assert_eq!(config.sync.grid.interval, Seconds(6 * 3600));
        assert_eq!(config.change.significant, Ratio(100_000));
    }

    #[test]
    fn an_error_names_file_line_and_what_to_write_instead() {
        let check = |text: &str, expected: &str| {
            let error = Config::parse(text, "rosterd.toml").expect_err(text);
            assert_eq!(error.to_string(), expected, "{text}");
        };
        check("[sync]\nintervall = \"6h\"", "rosterd.toml:2: unknown key sync.intervall; did you mean interval?");
        check("\n[snyc]", "rosterd.toml:2: unknown section snyc; did you mean sync?");
        check(
            "[http]\npublic_url = \"ftp://x\"",
            "rosterd.toml:2: \"ftp://x\" is no https URL: write \"https://roster.example\", as browsers will see it",
        );
        check("[sync]\ninterval = \"5s\"", "rosterd.toml:2: \"5s\" is not between 10s and 366d");
        check(
            "[sync]\ninterval = \"soon\"",
            "rosterd.toml:2: \"soon\" is no length of time: write \"6h\", \"30m\" or \"2d\"",
        );
        check(
            "[sync]\n\ntimezone = \"Mars/Olympus\"",
            "rosterd.toml:3: \"Mars/Olympus\" is no time zone: write an IANA name such as \"Europe/Athens\"",
        );
        check("[sync]\nconcurrency = 0", "rosterd.toml:2: 0 is not from 1 to 1024");
        check("[store]\nfree = \"5%\"", "rosterd.toml:2: \"5%\" is no size: write \"500MB\" or \"10GB\"");
        check("[change]\nsignificant = \"-5%\"", "rosterd.toml:2: \"-5%\" is no percentage above 0: write \"10%\"");
        check(
            "[http]\nlisten = \"here\"",
            "rosterd.toml:2: \"here\" is no address: write \"127.0.0.1:8787\", or \"off\"",
        );
        for text in ["[http]\nmetrics = \"yes\"", "[http", "[sync]\ninterval = 6"] {
            assert!(Config::parse(text, "f").expect_err(text).line.is_some(), "{text}");
        }
    }

    #[test]
    fn intervals_have_the_usual_forms() {
        let check = |text: &str, seconds| assert_eq!(interval(text), Ok(Seconds(seconds)), "{text}");
        check("10s", 10);
        check("90m", 5400);
        check("6h", 21600);
        check("1h 30m", 5400);
        check("2d", 172_800);
        assert!(interval("").is_err());
        assert!(interval("-6h").is_err());
    }

    #[test]
    fn a_distance_between_syncs_may_be_none() {
        let check = |text: &str, expected: Option<u64>| {
            assert_eq!(min_distance(text).ok(), expected.map(Seconds), "{text}");
        };
        check("10s", Some(10));
        check("0s", Some(0));
        check("1h", Some(3600));
        check("2h", None);
        check("-1s", None);
        check("10", None);
        assert_eq!(Config::parse("", "f").expect("defaults").sync.min_distance, Seconds(10));
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_a_config_or_an_error(text in "\\PC{0,80}|[\\[\\]a-z.=\"\n]{0,60}") {
            let _ = Config::parse(&text, "f");
        }
    }
}
