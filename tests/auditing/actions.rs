//! Every action of a user is a line of the audit log: each method that is classed as one is called over the real program,
//! and its line is found.

use std::collections::BTreeSet;
use std::path::Path;

use roster_protocol::alert::{About, AlertState};
use roster_protocol::audit::{AuditEntry, PauseTarget};
use roster_protocol::connection::{Account, Record};
use roster_protocol::consent::{ConsentBegun, ConsentMethod, ConsentState};
use roster_protocol::delivery::Delivery;
use roster_protocol::ids::ConsentId;
use roster_protocol::influencer::{InfluencerEdit, NewInfluencer};
use roster_protocol::metric::Numbers;
use roster_protocol::rule::RuleParts;
use roster_protocol::service::{AlertsQuery, AuditQuery, DeliveriesQuery};
use roster_protocol::silence::{NewSilence, SilenceEnd};
use roster_protocol::sync::SyncTarget;
use roster_protocol::time::{Day, Seconds};
use roster_protocol::transport::within;
use roster_protocol::{Alert, BackupSeal, RosterClient, RosterRequest, RosterResponse};
use roster_sandbox::{AccountEdit, Platform, Sandbox};
use rosterd::serve::rpc::class;

use crate::access::methods;
use crate::delivering::webhook;
use crate::support::consent::{APPS, approve};
use crate::support::programs::{Home, until};
use crate::support::raw::{self, Raw};
use crate::support::receiver::Receiver;
use crate::support::{LIMIT, synced_at_will};

const SKY: &str = "bluesky:mara.sky.test";

/// What is called, and which actions have not been.
struct Actions {
    raw: Raw,
    client: RosterClient,
    uid: u32,
    left: BTreeSet<&'static str>,
}

/// What a line has to say.
#[derive(Clone, Copy, Default)]
struct Line {
    action: &'static str,
    /// What its `on` contains.
    on: &'static str,
    /// The value before.
    old: Option<&'static str>,
    /// What the value after contains.
    new: &'static str,
}

fn line(action: &'static str, on: &'static str) -> Line {
    Line { action, on, ..Line::default() }
}

fn result(action: &'static str, on: &'static str, new: &'static str) -> Line {
    Line { new, ..line(action, on) }
}

fn change(action: &'static str, on: &'static str, old: &'static str, new: &'static str) -> Line {
    Line { old: Some(old), ..result(action, on, new) }
}

impl Actions {
    async fn at(socket: &Path, client: RosterClient) -> Self {
        let acts = methods::all().into_iter().map(|(_, request)| request).filter(|request| class::of(request).acts);
        let left = acts.map(|request| methods::name(&request)).collect();
        let uid = nix::unistd::geteuid().as_raw();
        Self { raw: Raw::connected(socket).await, client, uid, left }
    }

    async fn call(&mut self, request: RosterRequest) -> RosterResponse {
        self.raw.send(&raw::call(1, 30_000, request)).await.expect("sent");
        self.raw.response().await.expect("a response").message.expect("no failure of the transport")
    }

    async fn newest(&self) -> Vec<AuditEntry> {
        let query = AuditQuery { limit: 20, ..AuditQuery::default() };
        self.client.audit(within(LIMIT), query).await.expect("a response").expect("entries").rows
    }

    /// Calls a method that must succeed, and finds its line among those that it adds.
    async fn act(&mut self, request: RosterRequest, expected: Line) -> RosterResponse {
        let name = methods::name(&request);
        assert!(class::of(&request).acts, "{name}");
        let before = self.newest().await.first().map_or(0, |entry| entry.number);
        let response = self.call(request).await;
        let added: Vec<AuditEntry> = self.newest().await.into_iter().filter(|entry| entry.number > before).collect();
        let fits = |entry: &&AuditEntry| {
            entry.action == expected.action
                && entry.who.as_ref().is_some_and(|who| who.uid == self.uid)
                && entry.on.contains(expected.on)
                && expected.old.is_none_or(|old| entry.old.as_deref() == Some(old))
                && entry.new.as_deref().unwrap_or_default().contains(expected.new)
        };
        assert_eq!(added.iter().filter(fits).count(), 1, "{name}: no {:?} in {added:#?}", expected.action);
        self.left.remove(name);
        response
    }

    /// The same where the response is only whether it succeeded.
    async fn acts(&mut self, request: RosterRequest, expected: Line) {
        let name = methods::name(&request);
        let response = self.act(request, expected).await;
        assert_eq!(methods::error(response), None, "{name}");
    }

    async fn begin(&mut self, expected: Line) -> ConsentBegun {
        let (influencer, platform) = ("Oskar".to_owned(), "instagram".to_owned());
        let begin = RosterRequest::ConsentBegin { influencer, platform, method: ConsentMethod::Redirect, handle: None };
        match self.act(begin, expected).await {
            RosterResponse::ConsentBegin(begun) => begun.expect("begun"),
            _ => panic!("another response"),
        }
    }

    /// Consents as the owner, and returns the consent when it waits for a choice.
    async fn consent(&mut self) -> ConsentId {
        let begun = self.begin(result("consent.begin", "Oskar", "instagram")).await;
        let address = approve(&begun, "oskar.one", &[]).await;
        let paste = RosterRequest::ConsentPaste { address };
        self.acts(paste, result("consent.paste", "Oskar", "instagram")).await;
        let state = until("it waits for a choice", async || {
            let state = self.client.consent_state(within(LIMIT), begun.id).await.expect("a response").expect("ours");
            state.is_settled().then_some(state)
        });
        let state = state.await;
        assert!(matches!(state, ConsentState::Choose(_)), "{state:?}");
        begun.id
    }

    async fn fall_to(&mut self, sandbox: &Sandbox, followers: u64) {
        let edit = AccountEdit { followers: Some(followers), growth_per_day: Some(0.0), ..AccountEdit::default() };
        sandbox.world().put(Platform::Bluesky, "mara.sky.test", &edit).expect("a possible account");
        let ticket = self.client.sync(within(LIMIT), SyncTarget::All).await.expect("a response").expect("a ticket");
        let mut seen = 0;
        loop {
            let progress = self.client.sync_progress(within(LIMIT), ticket, seen).await;
            let progress = progress.expect("a response").expect("progress");
            seen += progress.runs.len() as u64;
            if progress.done {
                return;
            }
        }
    }

    async fn alert(&self) -> Alert {
        let query = AlertsQuery { state: Some(AlertState::Open), limit: 10, ..AlertsQuery::default() };
        let page = self.client.alerts(within(LIMIT), query).await.expect("a response").expect("alerts");
        page.rows.into_iter().find(|alert| matches!(alert.about, About::Connection { .. })).expect("an alert of Mara's")
    }

    async fn delivery(&self) -> Delivery {
        let query = DeliveriesQuery { limit: 10, ..DeliveriesQuery::default() };
        let page = self.client.deliveries(within(LIMIT), query).await.expect("a response").expect("deliveries");
        page.rows.into_iter().find(|delivery| delivery.channel == "ops").expect("a delivery")
    }
}

fn mara(edit: InfluencerEdit) -> RosterRequest {
    RosterRequest::Edit { influencer: "Mara".to_owned(), edit }
}

fn named(name: &str) -> RosterRequest {
    RosterRequest::Add { new: NewInfluencer { name: name.to_owned(), ..NewInfluencer::default() } }
}

fn account(handle: &str) -> Account {
    Account { platform: "bluesky".to_owned(), handle: handle.to_owned() }
}

async fn influencers(all: &mut Actions) {
    use RosterRequest as R;
    all.acts(named("Mara"), line("influencer.add", "Mara")).await;
    all.acts(named("Oskar"), line("influencer.add", "Oskar")).await;
    all.acts(named("Twin"), line("influencer.add", "Twin")).await;
    let note = |note: &str| mara(InfluencerEdit { note: Some(note.to_owned()), ..InfluencerEdit::default() });
    all.acts(note("tea"), change("influencer.note", "Mara", "", "tea")).await;
    all.acts(R::Undo {}, change("influencer.note", "Mara", "tea", "")).await;
    let merge = R::Merge { influencer: "Twin".to_owned(), into: "Mara".to_owned() };
    all.acts(merge, result("influencer.merge", "Mara", "Mara")).await;
}

async fn connections(all: &mut Actions) {
    use RosterRequest as R;
    let (sky, day) = (|| SKY.to_owned(), Day::Ago(1));
    let look_up = |handle: &str| R::LookUp { account: account(handle) };
    all.acts(look_up("mara.sky.test"), result("lookup", "an account on bluesky", "found")).await;
    let connect = R::Connect { influencer: "Mara".to_owned(), account: account("mara.sky.test") };
    all.acts(connect, line("connection.connect", SKY)).await;
    all.acts(look_up("mara.sky.test"), result("lookup", SKY, "found")).await;
    let interval = R::SetInterval { connection: sky(), interval: Some(Seconds(7200)), based_on: None };
    all.acts(interval, change("connection.interval", SKY, "default", "7200 s")).await;
    let pause = |paused| R::Pause { target: PauseTarget::One(SKY.to_owned()), paused };
    all.acts(pause(true), line("pause", SKY)).await;
    all.acts(pause(false), line("resume", SKY)).await;
    all.acts(R::Sync { target: SyncTarget::One(sky()) }, result("sync", SKY, "1 requested")).await;
    all.acts(R::Sync { target: SyncTarget::All }, result("sync", "everything", "requested")).await;
    let numbers = Numbers { followers: Some(90_000), ..Numbers::default() };
    let record = Record { day, numbers, replace: true, keep: false };
    all.acts(R::Record { connection: sky(), record }, result("snapshot.record", SKY, "90000")).await;
}

async fn alerts(all: &mut Actions, sandbox: &Sandbox) {
    use RosterRequest as R;
    all.fall_to(sandbox, 100_000).await;
    all.fall_to(sandbox, 20_000).await;
    let alert = all.alert().await;
    let assign = R::AssignAlert { alert: alert.id.to_string(), user: Some("ana".to_owned()) };
    all.acts(assign, result("alert.assign", "", "ana")).await;
    let acknowledge = R::Acknowledge { alerts: vec![alert.id], note: Some("seen".to_owned()) };
    all.acts(acknowledge, result("alert.acknowledge", "", "seen")).await;
    let parts = |percent| RuleParts { percent: Some(percent), ..RuleParts::default() };
    let name = || "a-drop".to_owned();
    all.acts(R::AddRule { name: name(), parts: parts(3.0) }, result("rule.add", "a-drop", "3")).await;
    all.acts(R::EditRule { name: name(), parts: parts(4.0) }, result("rule.edit", "a-drop", "4")).await;
    all.acts(R::RemoveRule { name: name() }, line("rule.remove", "a-drop")).await;
    let silence = NewSilence {
        rule: None,
        platform: Some("bluesky".to_owned()),
        influencer: None,
        tag: None,
        ends: SilenceEnd::After(Seconds(3600)),
        reason: "a campaign".to_owned(),
    };
    let silence = match all.act(R::AddSilence { silence }, result("silence.add", "bluesky", "a campaign")).await {
        RosterResponse::AddSilence(silence) => silence.expect("silenced").silence.id,
        _ => panic!("another response"),
    };
    all.acts(R::EndSilence { silence: silence.to_string() }, line("silence.end", "bluesky")).await;
    all.acts(R::TestChannel { channel: "ops".to_owned() }, result("channel.test", "ops", "delivered")).await;
    let delivery = all.delivery().await.id.to_string();
    all.acts(R::RetryDelivery { delivery }, line("delivery.retry", "ops")).await;
}

async fn consents(all: &mut Actions) {
    use RosterRequest as R;
    let begun = all.begin(result("consent.begin", "Oskar", "instagram")).await;
    all.acts(R::ConsentCancel { consent: begun.id }, result("consent.cancel", "Oskar", "instagram")).await;
    let consent = all.consent().await;
    let choose = R::ConsentChoose { consent, accounts: vec!["oskar.one".to_owned()] };
    all.acts(choose, line("connection.connect", "instagram:oskar.one")).await;
    all.acts(R::RevokeAll {}, result("consent.revoke_all", "all consents", "1")).await;
}

async fn the_daemon(all: &mut Actions) {
    use RosterRequest as R;
    let debug = R::LogLevel { level: Some("debug".to_owned()) };
    all.acts(debug, change("log.level", "rosterd", "info", "debug")).await;
    all.acts(R::ChooseRetention {}, line("retention.choose", "rosterd")).await;
    let test = R::TestPlatform { platform: "bluesky".to_owned() };
    all.acts(test, result("platform.test", "bluesky", "nothing is wrong")).await;
    all.acts(R::Examine {}, result("daemon.examine", "rosterd", "findings")).await;
    all.acts(R::CheckStore {}, result("store.check", "store", "whole")).await;
    let passphrase = BackupSeal::Passphrase("a long one of several words".to_owned());
    let begun = all.act(R::Backup { seal: passphrase, with_keys: false }, line("backup.begin", "store")).await;
    assert_eq!(methods::error(begun), None);
    loop {
        match all.call(R::BackupPiece {}).await {
            RosterResponse::BackupPiece(piece) if piece.as_ref().is_ok_and(|piece| piece.end.is_none()) => {}
            RosterResponse::BackupPiece(piece) => break drop(piece.expect("the last piece")),
            _ => panic!("another response"),
        }
    }
    all.acts(R::BackupKept {}, result("backup", "store", "records")).await;
    all.acts(R::RotateKey {}, line("keys.rotate", "store")).await;
    let old = until("the first key is not needed", async || {
        let keys = all.client.keys(within(LIMIT)).await.expect("a response").expect("keys").keys;
        let unused = keys.into_iter().find(|key| key.state == roster_protocol::keys::KeyState::Unused);
        unused.map(|key| key.id)
    });
    let retire = R::RetireKey { key: old.await, sure: true };
    all.acts(retire, line("keys.retire", "store")).await;
}

async fn ends(all: &mut Actions) {
    use RosterRequest as R;
    let handle = R::SetHandle { connection: SKY.to_owned(), handle: "mia.sky.test".to_owned(), another: true };
    all.acts(R::Held { influencer: "Mara".to_owned(), mark: None }, line("influencer.export", "Mara")).await;
    all.acts(handle, result("connection.handle", "mara.sky.test", "mia.sky.test")).await;
    let disconnect = R::Disconnect { connection: "bluesky:mia.sky.test".to_owned(), delete_history: false };
    all.acts(disconnect, line("connection.disconnect", "mia.sky.test")).await;
    all.acts(R::Remove { influencer: "Mara".to_owned() }, line("influencer.remove", "Mara")).await;
    // Its line has an id, and no name.
    all.acts(R::Erase { influencer: "Oskar".to_owned() }, line("influencer.erase", "")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_action_of_a_user_is_a_line_of_the_audit_log() {
    let sandbox = roster_sandbox::Options { accounts: 0, ..Default::default() };
    let sandbox = Sandbox::start(sandbox).await.expect("the sandbox listens");
    let accounts = [
        (Platform::Bluesky, "mara.sky.test"),
        (Platform::Bluesky, "mia.sky.test"),
        (Platform::Instagram, "oskar.one"),
        (Platform::Instagram, "oskar.two"),
    ];
    for (platform, handle) in accounts {
        let owner = (platform == Platform::Instagram).then(|| "Oskar".to_owned());
        let growth_per_day = Some(0.0);
        let edit = AccountEdit { followers: Some(5000), growth_per_day, owner, ..AccountEdit::default() };
        sandbox.world().put(platform, handle, &edit).expect("a possible account");
    }
    let receiver = Receiver::new().await;
    let home = Home::new(&format!("{}{APPS}{}", synced_at_will(&sandbox), webhook("ops", &receiver)));
    let daemon = home.start().await;
    let mut all = Actions::at(&home.socket(), daemon.client.clone()).await;
    influencers(&mut all).await;
    connections(&mut all).await;
    alerts(&mut all, &sandbox).await;
    consents(&mut all).await;
    the_daemon(&mut all).await;
    ends(&mut all).await;
    assert_eq!(all.left, BTreeSet::new(), "these leave no line that is looked for");
    // What was refused or read leaves none.
    let before = all.newest().await;
    assert!(methods::error(all.call(RosterRequest::Remove { influencer: "no-such".to_owned() }).await).is_some());
    assert_eq!(all.newest().await, before);
}
