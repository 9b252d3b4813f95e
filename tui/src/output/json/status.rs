//! JSON of the daemon's state: `status`, `platforms`.

use roster_protocol::status as protocol;
use serde::Serialize;

use super::time;

/// The daemon at a glance.
#[derive(Debug, Serialize)]
pub struct Status {
    version: String,
    protocol: u16,
    uptime_s: u64,
    influencers: u64,
    next_due_at: Option<String>,
    connections: Connections,
    coverage_24h: Coverage,
    adoption: Adoption,
    data: Data,
    platforms: Vec<Platform>,
    store: Store,
    /// Why nothing is synced or stored at present.
    not_ready: Option<String>,
    /// Why HTTP is not served where the config says.
    listener_lost: Option<String>,
    config: Config,
}

#[derive(Debug, Serialize)]
struct Config {
    loaded_at: Option<String>,
    /// Why the config in the file is not the one in use.
    refused: Option<String>,
}

#[derive(Debug, Serialize)]
struct Connections {
    total: u64,
    fresh: u64,
    stale: u64,
    never: u64,
    error: u64,
    reauthorize: u64,
    paused: u64,
}

#[derive(Debug, Serialize)]
struct Coverage {
    expected: u64,
    ok: u64,
    partial: u64,
    failed: u64,
    skipped: u64,
}

impl From<protocol::Coverage> for Coverage {
    fn from(coverage: protocol::Coverage) -> Self {
        let protocol::Coverage { expected, ok, partial, failed, skipped } = coverage;
        Self { expected, ok, partial, failed, skipped }
    }
}

/// Influencers by how far they are connected.
#[derive(Debug, Serialize)]
struct Adoption {
    connected: u64,
    on_all_platforms: u64,
}

/// The newest numbers of all connected accounts.
#[derive(Debug, Serialize)]
struct Data {
    numbers: u64,
    by_hand: u64,
    oldest_at: Option<String>,
}

#[derive(Debug, Serialize)]
struct Store {
    bytes: u64,
    snapshots: u64,
    writable: bool,
}

impl From<&protocol::Status> for Status {
    fn from(status: &protocol::Status) -> Self {
        let protocol::ConnectionCounts { total, fresh, stale, never, error, reauthorize, paused } = status.connections;
        let protocol::Adoption { connected, on_all_platforms } = status.adoption;
        let protocol::DataQuality { numbers, by_hand, oldest_at } = status.data;
        Self {
            version: status.version.clone(),
            protocol: status.protocol,
            uptime_s: status.uptime_s,
            influencers: status.influencers,
            next_due_at: time(status.next_due_at),
            connections: Connections { total, fresh, stale, never, error, reauthorize, paused },
            coverage_24h: status.coverage_24h.into(),
            adoption: Adoption { connected, on_all_platforms },
            data: Data { numbers, by_hand, oldest_at: time(oldest_at) },
            platforms: status.platforms.iter().map(Platform::from).collect(),
            store: Store {
                bytes: status.store.bytes,
                snapshots: status.store.snapshots,
                writable: status.store.writable,
            },
            not_ready: status.not_ready.clone(),
            listener_lost: status.listener_lost.clone(),
            config: Config { loaded_at: time(Some(status.config_loaded_at)), refused: status.config_refused.clone() },
        }
    }
}

/// One platform in `status`.
#[derive(Debug, Serialize)]
struct Platform {
    platform: String,
    enabled: bool,
    configured: bool,
    state: &'static str,
    last_ok_at: Option<String>,
    coverage_24h: Coverage,
}

impl From<&protocol::PlatformStatus> for Platform {
    fn from(platform: &protocol::PlatformStatus) -> Self {
        Self {
            platform: platform.platform.clone(),
            enabled: platform.enabled,
            configured: platform.configured,
            state: platform.state.as_str(),
            last_ok_at: time(platform.last_ok_at),
            coverage_24h: platform.coverage_24h.into(),
        }
    }
}

/// What `platforms` gives.
#[derive(Debug, Serialize)]
pub struct PlatformList {
    platforms: Vec<PlatformDetails>,
}

/// One platform with what it takes to read it.
#[derive(Debug, Serialize)]
struct PlatformDetails {
    #[serde(flatten)]
    status: Platform,
    api: &'static str,
    /// The scopes that a consent requests; empty where none is needed.
    scopes: Vec<String>,
    redirect_uri: Option<String>,
}

impl From<&[protocol::PlatformStatus]> for PlatformList {
    fn from(platforms: &[protocol::PlatformStatus]) -> Self {
        let details = |platform: &protocol::PlatformStatus| PlatformDetails {
            status: platform.into(),
            api: platform.api.as_str(),
            scopes: platform.scopes.clone(),
            redirect_uri: platform.redirect_uri.clone(),
        };
        Self { platforms: platforms.iter().map(details).collect() }
    }
}
