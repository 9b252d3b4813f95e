//! Every method with the role that it needs, as the config's documentation lists them: written here a second time, so that a
//! changed class is noticed. A method that is missing does not compile, or fails its test.

use std::collections::BTreeSet;

use roster_protocol::access::Role;
use roster_protocol::audit::PauseTarget;
use roster_protocol::connection::{Account, Record};
use roster_protocol::consent::ConsentMethod;
use roster_protocol::error::{ErrorKind, RosterError};
use roster_protocol::ids::{AlertId, ConsentId};
use roster_protocol::influencer::NewInfluencer;
use roster_protocol::metric::Numbers;
use roster_protocol::silence::{NewSilence, SilenceEnd};
use roster_protocol::sync::{SyncTarget, SyncTicket};
use roster_protocol::time::{Day, Seconds};
use roster_protocol::{BackupSeal, RosterRequest, RosterResponse};
use rosterd::serve::rpc::class;

/// Names of all methods, and which of their responses is an error.
macro_rules! methods {
    ($($name:ident)*) => {
        const NAMES: &[&str] = &[$(stringify!($name)),*];

        pub fn name(request: &RosterRequest) -> &'static str {
            match request { RosterRequest::Ping {} => "Ping", $(RosterRequest::$name { .. } => stringify!($name),)* }
        }

        pub fn error(response: RosterResponse) -> Option<RosterError> {
            match response { RosterResponse::Ping(()) => None, $(RosterResponse::$name(result) => result.err(),)* }
        }
    };
}

methods! {
    Status Figures LogLevel Retention ChooseRetention Platforms Budgets TestPlatform CheckStore Examine Influencers Influencer Namesakes
    LookUp Movers Add Edit Remove ErasePreview Erase Erased Undo Merge Connect ConsentBegin ConsentState ConsentPaste ConsentOpen ConsentChoose ConsentCancel Grants
    Disconnect Pause SetInterval SetHandle Connection Connections Sync SyncProgress Requests Runs Due History Record Changes Alerts
    Acknowledge AssignAlert ReadAlerts Alert Rules AddRule EditRule RemoveRule TestRule Silences AddSilence EndSilence Channels
    TestChannel Deliveries RetryDelivery Backup BackupPiece BackupKept Keys RotateKey RetireKey Access Audit EventsSince Notices
    NoticesShown RevokeAll VerifyAudit Held
}

/// Whether a response says that the caller's role is too low.
pub fn is_refused(response: RosterResponse) -> bool {
    error(response).is_some_and(|error| error.kind == ErrorKind::NotPermitted)
}

/// A call of each method, those that need more last; none of them names anything that is there.
pub fn all() -> Vec<(Role, RosterRequest)> {
    let of = |role: Role| move |request| (role, request);
    let viewer = viewers().into_iter().map(of(Role::Viewer));
    viewer
        .chain(analysts().into_iter().map(of(Role::Analyst)))
        .chain(admins().into_iter().map(of(Role::Admin)))
        .collect()
}

fn none() -> String {
    "none-such".to_owned()
}

fn account() -> Account {
    Account { platform: none(), handle: none() }
}

fn viewers() -> Vec<RosterRequest> {
    use RosterRequest as R;
    let ticket = SyncTicket { id: 1, expected: 0, skipped: 0, earlier: 0 };
    vec![
        R::Ping {},
        R::Status {},
        R::Figures { days: 1 },
        R::LogLevel { level: None },
        R::Retention { counts: true },
        R::Platforms {},
        R::Budgets {},
        R::Influencers { query: Default::default() },
        R::Influencer { influencer: none() },
        R::Namesakes { name: none() },
        R::Held { influencer: none(), mark: None },
        R::Movers { query: Default::default() },
        R::ConsentState { consent: ConsentId::from_bytes([1; 5]) },
        R::ConsentOpen { influencer: none(), platform: none() },
        R::Grants {},
        R::Connection { connection: none() },
        R::Connections { query: Default::default() },
        R::SyncProgress { ticket, seen: 0 },
        R::Requests { query: Default::default() },
        R::Runs { query: Default::default() },
        R::Due { query: Default::default() },
        R::History { connection: none(), since: None, until: None },
        R::Changes { query: Default::default() },
        R::Alerts { query: Default::default() },
        R::ReadAlerts { alerts: None },
        R::Alert { alert: none() },
        R::Rules {},
        R::TestRule { name: none(), parts: Default::default(), since: None },
        R::Silences {},
        R::Channels {},
        R::Deliveries { query: Default::default() },
        R::Keys {},
        R::Access {},
        R::Audit { query: Default::default() },
        R::VerifyAudit {},
        R::EventsSince { after: Default::default() },
        R::Notices {},
        R::NoticesShown { number: 0 },
    ]
}

fn analysts() -> Vec<RosterRequest> {
    use RosterRequest as R;
    let new = NewInfluencer { name: "Mara".to_owned(), accounts: Vec::new(), tags: Vec::new(), note: None };
    let record = Record { day: Day::Ago(0), numbers: Numbers::default(), replace: false, keep: false };
    let silence = NewSilence {
        rule: Some(none()),
        platform: None,
        influencer: None,
        tag: None,
        ends: SilenceEnd::After(Seconds(60)),
        reason: none(),
    };
    vec![
        R::TestPlatform { platform: none() },
        R::Examine {},
        R::LookUp { account: account() },
        R::Add { new },
        R::Edit { influencer: none(), edit: Default::default() },
        R::Undo {},
        R::Merge { influencer: none(), into: none() },
        R::Connect { influencer: none(), account: account() },
        R::ConsentBegin { influencer: none(), platform: none(), method: ConsentMethod::Redirect, handle: None },
        R::ConsentPaste { address: none() },
        R::ConsentChoose { consent: ConsentId::from_bytes([1; 5]), accounts: Vec::new() },
        R::ConsentCancel { consent: ConsentId::from_bytes([1; 5]) },
        R::Pause { target: PauseTarget::One(none()), paused: true },
        R::SetInterval { connection: none(), interval: None, based_on: None },
        R::SetHandle { connection: none(), handle: none(), another: false },
        R::Sync { target: SyncTarget::Due },
        R::Record { connection: none(), record },
        R::Acknowledge { alerts: vec![AlertId::from_bytes([1; 5])], note: None },
        R::AssignAlert { alert: none(), user: None },
        R::AddSilence { silence },
        R::EndSilence { silence: none() },
        R::RetryDelivery { delivery: none() },
    ]
}

fn admins() -> Vec<RosterRequest> {
    use RosterRequest as R;
    vec![
        R::LogLevel { level: Some("info".to_owned()) },
        R::ChooseRetention {},
        R::Remove { influencer: none() },
        R::ErasePreview { influencer: none() },
        R::Erase { influencer: none() },
        R::Erased { from: 0 },
        R::Disconnect { connection: none(), delete_history: true },
        R::AddRule { name: none(), parts: Default::default() },
        R::EditRule { name: none(), parts: Default::default() },
        R::RemoveRule { name: none() },
        R::TestChannel { channel: none() },
        R::Backup { seal: BackupSeal::AsConfigured, with_keys: false },
        R::BackupPiece {},
        R::CheckStore {},
        R::BackupKept {},
        R::RevokeAll {},
        R::RotateKey {},
        R::RetireKey { key: none(), sure: false },
    ]
}

#[test]
fn each_method_has_the_role_that_is_documented() {
    let all = all();
    let named: BTreeSet<&str> = all.iter().map(|(_, request)| name(request)).collect();
    assert_eq!(named, NAMES.iter().copied().chain(["Ping"]).collect());
    for (role, request) in &all {
        assert_eq!(class::of(request).role, *role, "{}", name(request));
    }
}
