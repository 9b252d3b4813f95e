//! The file as it is written, section by section, and what it means.

use std::collections::BTreeMap;
use std::path::PathBuf;

use jiff::tz::TimeZone;
use serde::Deserialize;
use url::Url;

use super::access::RawAccess;
use super::backup::RawBackup;
use super::change::RawChange;
use super::channels::RawRoute;
use super::lengths::{daily_slot, interval, min_distance, within};
use super::retention::{RawRetention, size};
use super::rules::RawRule;
use super::{Channels, Config, Http, Network, Store, Sync};
use crate::http_client::base_url;
use crate::process::logs::{self, Format, Log};
use crate::schedule::Grid;

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawConfig {
    http: RawHttp,
    store: RawStore,
    sync: RawSync,
    network: RawNetwork,
    change: RawChange,
    retention: RawRetention,
    backup: RawBackup,
    pub(super) access: Option<RawAccess>,
    pub(super) rules: BTreeMap<String, RawRule>,
    log: RawLog,
    platforms: BTreeMap<String, toml::Table>,
    pub(super) channels: BTreeMap<String, toml::Table>,
    pub(super) routes: Vec<RawRoute>,
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
    master_key_passphrase_file: Option<PathBuf>,
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

/// A dotted key, and what is wrong with its value.
pub(super) type Problem = (&'static str, String);

impl RawConfig {
    pub(super) fn check(self) -> Result<Config, Problem> {
        Ok(Config {
            http: self.http.check()?,
            store: self.store.check()?,
            sync: self.sync.check()?,
            network: Network { proxy: self.network.proxy, ca_file: self.network.ca_file },
            change: self.change.check()?,
            retention: self.retention.check()?,
            backup: self.backup.check()?,
            access: None,
            rules: Vec::new(),
            log: self.log.check()?,
            platforms: self.platforms,
            channels: Channels::default(),
            has_file: true,
            fingerprint: 0,
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
        if self.master_key_file.is_some() && self.master_key_passphrase_file.is_some() {
            let message = "there is a master_key_file as well: leave one of them out".to_owned();
            return Err(("store.master_key_passphrase_file", message));
        }
        Ok(Store {
            master_key_file: self.master_key_file,
            master_key_passphrase_file: self.master_key_passphrase_file,
            free_bytes: free,
        })
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
