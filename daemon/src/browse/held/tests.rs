//! Everything that the store can hold about one person is in the export, whichever table it is in.

use std::collections::{BTreeMap, BTreeSet};

use roster_protocol::alert::AlertState;
use roster_protocol::audit::Who;
use roster_protocol::held::{Held, Part};
use roster_protocol::reported::{Audience, AudienceOf, DayMetric, ReportedDay};
use roster_protocol::request::ProviderRequest;
use roster_protocol::rule::{RuleParts, Scope};
use roster_protocol::service::PAGE_ROWS;
use roster_protocol::silence::Silence;
use roster_protocol::sync::Outcome;

use super::*;
use crate::alerts::rules::made_of;
use crate::app::testing::app_on;
use crate::decision::Decision;
use crate::decision::audit::{audit, influencer_named};
use crate::decision::undo;
use crate::model::{
    AudienceOn, BudgetKey, BudgetUse, Change, ConsentStep, DeliveryState, GrantState, Lease, Receipt, RequestBlock,
    Sealed,
};
use crate::roster::samples::*;
use crate::store::tables_about_people;
use crate::store::tests::disk::Disk;

const CONFIG: &str = "[sync]\ngateway = \"http://127.0.0.1:1\"\n[platforms.youtube]\napi_key = \"key\"\n";

fn ana() -> Who {
    Who { uid: 1000, name: "ana".to_owned() }
}

/// Something of a person in every table that can have it.
fn fill(decision: &mut Decision<'_>, id: InfluencerId, account: ConnectionId, name: &str, number: u8) {
    let before = influencer(id, name);
    let line = audit(decision, &ana(), "influencer.add", influencer_named(&before));
    decision.log(line);
    let after = crate::model::Influencer { note: Some(format!("a note on {name}")), ..before.clone() };
    undo::remember(decision, &ana(), undo::edited(&before, &after));
    let commit = &mut decision.commit;
    commit.roster.influencers.push(after);
    let known = connection(account, id, "youtube", &format!("@{name}"));
    commit.roster.connections.push(crate::model::Connection { first_day: Some(TODAY), ..known });
    commit.sync.snapshots.push((account, measured(Some(500), None)));
    let mut day = ReportedDay { date: TODAY, numbers: Default::default() };
    day.numbers.set(DayMetric::Reach, Some(5));
    commit.sync.reported.push((account, vec![day]));
    let audience = Audience { of: AudienceOf::Viewers, genders: vec![], ages: vec![], countries: vec![] };
    commit.sync.audiences.push(AudienceOn { connection: account, date: TODAY, audience });
    commit.sync.runs.push(run(account, id, "youtube", Outcome::Ok));
    commit.sync.changes.push(Change {
        at: NOON,
        connection: account,
        influencer: id,
        platform: "youtube".into(),
        metric: roster_protocol::metric::Metric::Followers,
        from: Some(1.0),
        to: Some(2.0),
        significant: false,
        cause: roster_protocol::alert::ChangeCause::Sync,
    });
    commit
        .sync
        .requests
        .push(RequestBlock { at: NOON.plus_seconds(i64::from(number)), requests: vec![request(account)] });
    let about = about(account, id);
    commit.alerting.alerts.push(alert(u64::from(number), AlertState::Resolved, about));
    commit.alerting.deliveries.push(delivery(u64::from(number), "mail", DeliveryState::Delivered));
    commit.alerting.silences.push(Silence {
        id: roster_protocol::ids::SilenceId::from_bytes([number; 5]),
        rule: None,
        platform: None,
        influencer: Some(id),
        tag: None,
        begun_at: NOON,
        until: NOON.plus_seconds(60),
        reason: format!("known of {name}"),
        by: "ana".into(),
    });
    let parts = RuleParts { percent: Some(3.0), ..RuleParts::default() };
    let mut rule = made_of(&format!("rule-{number}"), None, &parts).expect("a rule");
    rule.only = Scope { influencers: vec![id], ..Scope::default() };
    commit.alerting.rules.push(rule);
    let realm = format!("google {number}");
    commit.consents.grants.push(crate::model::Grant { realm, ..grant(number, GrantState::Live) });
    commit.consents.tokens.push(tokens(number, 1));
    commit.consents.grant_uses.push(used(account, number));
    let waiting = consent(None, ConsentStep::Waiting);
    let consent_id = roster_protocol::ids::ConsentId::from_bytes([number; 5]);
    commit.consents.consents.push(crate::model::Consent { id: consent_id, influencer: id, ..waiting });
    commit.webhooks.receipts.push(Receipt { at: NOON, key: [number; 32], marked: vec![(account, NOON)] });
    commit.webhooks.leases.push(Lease {
        connection: account,
        account: format!("id:@{name}"),
        token: format!("canary-token-{number}"),
        secret: Sealed(vec![number; 40]),
        address: format!("https://roster.example/canary-token-{number}"),
        requested_at: Some(NOON),
        ends_at: None,
        next_at: NOON,
        failures: 0,
        last_error: None,
    });
}

fn request(connection: ConnectionId) -> ProviderRequest {
    ProviderRequest {
        at: NOON,
        platform: "youtube".into(),
        endpoint: "GET /youtube/v3/channels".into(),
        connection: Some(connection),
        accounts: 1,
        status: Some(200),
        error: None,
        duration_ms: 5,
        bytes: 100,
    }
}

/// All that is held of someone, by its parts.
async fn held(app: &Arc<App>, named: &str) -> BTreeMap<Part, Vec<Held>> {
    let (mut all, mut mark) = (BTreeMap::<Part, Vec<Held>>::new(), None);
    for _ in 0..1000 {
        let page = page(app, &ana(), named, mark).await.expect("a page");
        page.rows.into_iter().for_each(|(part, held)| all.entry(part).or_default().push(held));
        mark = page.next;
        if mark.is_none() {
            return all;
        }
    }
    panic!("it does not end");
}

#[tokio::test]
async fn what_any_table_holds_of_a_person_is_exported_and_nothing_of_another() {
    let disk = Disk::default();
    let app = app_on(&disk, CONFIG, NOON);
    app.load_recent().await;
    for (id, account, name, number) in [(MARA, TUBE, "mara", 1), (LEA, HERS, "canary", 2)] {
        let filled = app.decide(|decision| {
            fill(decision, id, account, name, number);
            Ok(())
        });
        filled.await.expect("stored");
    }
    let spent = |account: &str| BudgetUse {
        key: BudgetKey { lane: "youtube".into(), unit: "units".into(), account: Some(account.to_owned()) },
        parts: vec![(NOON, 5)],
        reported: None,
        per_account: None,
    };
    app.gate.with(|gate| gate.restore(vec![spent("id:@mara"), spent("id:@canary")], NOON));

    let all = held(&app, "mara").await;
    let parts: BTreeSet<Part> = tables_about_people().into_iter().filter_map(|(_, part)| part).collect();
    assert_eq!(parts, Part::ALL.into_iter().collect(), "a part without a table is none");
    assert_eq!(all.keys().copied().collect::<BTreeSet<Part>>(), parts, "a part of a person's is missing");
    let text = format!("{all:?}");
    assert!(!text.to_lowercase().contains("canary"), "another person's, or a secret: {text}");
    assert!(!text.contains(&HERS.to_string()) && !text.contains(&LEA.to_string()), "{text}");
    for part in Part::ALL {
        let rows = &all[&part];
        assert!(rows.len() == 1 || part == Part::Audit, "{part:?}: {rows:?}");
    }
    let Held::History { days, snapshots, .. } = &all[&Part::History][0] else { panic!("{all:?}") };
    assert_eq!((days.len(), snapshots.len()), (1, 1));
}

#[tokio::test]
async fn a_long_log_is_searched_page_by_page_to_its_end() {
    let disk = Disk::default();
    let app = app_on(&disk, CONFIG, NOON);
    app.load_recent().await;
    app.decide(|decision| {
        fill(decision, MARA, TUBE, "mara", 1);
        Ok(())
    })
    .await
    .expect("stored");
    let many = PAGE_ROWS as usize * SEARCHED + 300;
    app.decide(|decision| {
        for _ in 0..many {
            let line = audit(decision, &ana(), "sync", "everything");
            decision.log(line);
        }
        Ok(())
    })
    .await
    .expect("stored");
    let all = held(&app, "mara").await;
    assert_eq!(all[&Part::Audit].len(), 2, "the first line is behind all those that are about nothing of theirs");
}

#[test]
fn a_mark_leads_back_to_its_place() {
    let place = Position { part: 18, within: vec![1, 2, 3] };
    assert_eq!(Position::of(Some(place.mark())).expect("ours"), place);
    assert_eq!(Position::of(None).expect("the begin"), Position::default());
    assert!(Position::of(Some(Vec::new())).is_err());
}
