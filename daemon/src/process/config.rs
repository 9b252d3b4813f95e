//! The config: one TOML file with a struct for each section, checked at the start; an error names the file, the line and what
//! to write instead.
//!
//! Platforms parse their own sections; this module only knows where they are in the file.

mod access;
mod backup;
mod change;
mod channels;
mod keys;
mod lengths;
mod raw;
mod retention;
mod rules;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use roster_protocol::rule::Rule;
use roster_protocol::time::Seconds;
use toml::de::DeTable;
use url::Url;
use xxhash_rust::xxh3::xxh3_64;

pub use self::access::{Access, Grant, Principal};
pub use self::backup::{Backup, Encrypted};
pub use self::change::Change;
pub use self::channels::{
    Channels, ROUTE_KEYS, SECRETS as CHANNEL_SECRETS, Section as ChannelSection, keys as channel_keys,
};
pub(crate) use self::keys::KNOWN;
use self::keys::{check_keys, line_of, offset_of, plain, unknown};
pub use self::lengths::interval;
use self::raw::{Problem, RawConfig};
pub use self::retention::{Kept, KeptOtherwise, OF_PLATFORM, Retention};
pub use self::rules::KEYS as RULE_KEYS;
use crate::process::logs::Log;
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
    /// `None`: without the section, all whom the socket's directory lets in may do everything.
    pub access: Option<Access>,
    /// By name.
    pub rules: Vec<Rule>,
    pub log: Log,
    /// Each platform's own section, as written.
    pub platforms: BTreeMap<String, toml::Table>,
    pub channels: Channels,
    /// Whether it was read from a file: without one these are the defaults.
    pub has_file: bool,
    /// Of its text: another one is another config.
    pub fingerprint: u64,
}

impl std::fmt::Debug for Config {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Config { http, store, sync, network, change, retention, backup, access, rules, log, .. } = self;
        let Config { platforms, channels, has_file, .. } = self;
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
            .field("access", access)
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
    /// The file with a passphrase that the master key is made of.
    pub master_key_passphrase_file: Option<PathBuf>,
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

/// A longer file is no config.
const MOST_BYTES: u64 = 1024 * 1024;

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
            at(line, plain(error.message()))
        };
        let tree = DeTable::parse(text).map_err(syntax)?;
        check_keys(tree.get_ref()).map_err(|(offset, message)| at(Some(line_of(text, offset)), message))?;
        let mut raw: RawConfig = toml::from_str(text).map_err(syntax)?;
        let rules = std::mem::take(&mut raw.rules);
        let (channels, routes) = (std::mem::take(&mut raw.channels), std::mem::take(&mut raw.routes));
        let located = |(key, message): (&str, String)| {
            at(offset_of(tree.get_ref(), key).map(|offset| line_of(text, offset)), message)
        };
        let access = std::mem::take(&mut raw.access).map(|raw| access::read(raw, text)).transpose();
        let access = access.map_err(|(line, message)| at(Some(line), message))?;
        let config = raw.check().map_err(located)?;
        let rules = rules::read(rules).map_err(|(key, message)| located((&key, message)))?;
        let channels = channels::read(channels, routes, &config.sync.grid.zone);
        let named = |(key, message): (String, String)| {
            let message = if key.starts_with("channels.") { format!("{key}: {message}") } else { message };
            located((&key, message))
        };
        let channels = channels.map_err(named)?;
        Ok(Config { access, rules, channels, fingerprint: xxh3_64(text.as_bytes()), ..config })
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

#[cfg(test)]
mod tests;
