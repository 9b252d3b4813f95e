//! The words `roster` and `rosterd` share: values, the service, and the transport that carries it.
//!
//! Nothing here decides anything; types say what a number is, in which unit, and what `None` means.
//! The modules follow a number on its path:
//! time, ids, the metric, the connection it belongs to, the influencer, the run that fetched it,
//! the alert it may raise, the event that announces it, the service that returns it.

pub mod access;
pub mod alert;
pub mod audit;
pub mod backup;
pub mod connection;
pub mod consent;
pub mod delivery;
pub mod doctor;
pub mod error;
pub mod event;
pub mod folding;
pub mod held;
pub mod ids;
pub mod influencer;
pub mod json;
pub mod keys;
pub mod metric;
pub mod mover;
pub mod notice;
pub mod number;
pub mod paths;
pub mod query;
pub mod reported;
pub mod request;
pub mod retention;
pub mod rule;
/// For tests.
#[cfg(any(test, feature = "samples"))]
pub mod samples;
pub mod service;
pub mod silence;
pub mod status;
pub mod stored;
pub mod sync;
pub mod text;
pub mod time;
pub mod transport;
pub mod undo;
pub mod erasure;
mod words;

pub use access::{Access, GivenRole, Role};
pub use alert::{About, Alert, AlertState, Change, ChangeCause, Explained, Severity};
pub use audit::{AuditCheck, AuditEntry, Who};
pub use backup::{BackupBegun, BackupEnd, BackupPiece, BackupSeal};
pub use connection::{
    Account, AccountPreview, Badge, ByHand, Connection, ConnectionStatus, Profile, ReadWith, Record, Recorded,
    Snapshot, Source, Week,
};
pub use consent::{
    ConnectionPage, ConnectionRow, ConsentBegun, ConsentChoice, ConsentMethod, ConsentState, ConsentedConnection,
    Grant, MissingScope, PlatformCheck, Renews, RevokedAll, TokenModel,
};
pub use doctor::{Examination, Finding, ServiceUnit, Verdict};
pub use error::{ErrorKind, RosterError};
pub use event::{Cursor, Event, EventBatch};
pub use ids::{AlertId, ConnectionId, ConsentId, DeliveryId, GrantId, InfluencerId, RunId, SilenceId};
pub use influencer::{
    EditBase, Influencer, InfluencerEdit, InfluencerPage, InfluencerQuery, InfluencerRow, NewInfluencer, SortBy,
};
pub use keys::{KeyBackup, KeyInfo, KeyState, Keys, Retired};
pub use metric::{AgeRange, Mean, Metric, MetricSet, Numbers, Ratio, Unit};
pub use mover::{MovedBy, Mover, MoversQuery};
pub use request::{ProviderRequest, RequestError, RequestOutcome};
pub use service::{Roster, RosterClient, RosterRequest, RosterResponse};
pub use status::{ApiAccess, BackupStatus, Budget, PlatformState, PlatformStatus, Status};
pub use stored::{CheckedTable, StoreCheck};
pub use sync::{Cause, DuePage, DueRow, EndedBatch, Outcome, Run, SyncProgress, SyncTarget, SyncTicket};
pub use time::{Date, Day, Seconds, Since, Timestamp};
