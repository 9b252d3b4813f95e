//! What the gate lets pass, keeps and learns.

use super::*;
use crate::schedule::budget::Place;

const TUBE: [Budget; 2] = [
    Budget {
        unit: "units",
        path: "/youtube/v3/",
        cost: 1,
        per_batch: 0,
        limit: Some(1000),
        window: Window::Day(Place::LosAngeles),
        reserve: 10,
        is_optional: false,
    },
    Budget {
        unit: "stats calls",
        path: "/youtube/v3/videos:batchGetStats",
        cost: 1,
        per_batch: 0,
        limit: Some(50),
        window: Window::Day(Place::LosAngeles),
        reserve: 0,
        is_optional: false,
    },
];
const GRAM: [Budget; 1] = [Budget {
    unit: "percent",
    path: "/",
    cost: 0,
    per_batch: 0,
    limit: Some(100),
    window: Window::Reported,
    reserve: 20,
    is_optional: false,
}];
const HOSTS: [Budget; 1] = [Budget {
    unit: "requests",
    path: "/api/",
    cost: 1,
    per_batch: 0,
    limit: None,
    window: Window::Reported,
    reserve: 10,
    is_optional: false,
}];
const LIST: &str = "/youtube/v3/channels";

fn now() -> Timestamp {
    "2026-11-30T12:00:00Z".parse().expect("a time")
}

fn midnight() -> Timestamp {
    "2026-12-01T08:00:00Z".parse().expect("a time")
}

fn gate() -> Gate {
    let mut gate = Gate::default();
    gate.know("youtube", &TUBE, &BTreeMap::new());
    gate.know("instagram", &GRAM, &BTreeMap::new());
    gate.know("mastodon", &HOSTS, &BTreeMap::new());
    gate
}

fn spend(gate: &mut Gate, number: u64, priority: Priority) -> u64 {
    (0..number).filter(|_| gate.may_request("youtube", LIST, priority, now()).is_ok()).count() as u64
}

fn used(gate: &mut Gate, lane: &str, unit: &str) -> u64 {
    gate.rows(now()).iter().find(|row| row.key == of_app(lane, unit)).map_or(0, |row| row.used)
}

#[test]
fn a_user_may_spend_what_is_kept_from_what_is_due_and_that_more_than_what_catches_up() {
    let mut gate = gate();
    assert_eq!(spend(&mut gate, 2000, Priority::CatchUp), 800);
    assert_eq!(spend(&mut gate, 2000, Priority::Due), 100);
    assert_eq!(spend(&mut gate, 2000, Priority::Person), 100);
    let refused = gate.may_request("youtube", LIST, Priority::Person, now());
    let spent = Spent { unit: "units".into(), used: 1000, limit: 1000, until: midnight() };
    assert_eq!(spent.to_string(), "1000 of 1000 units are used");
    assert_eq!(refused, Err(spent));
    assert!(gate.may_request("youtube", LIST, Priority::CatchUp, midnight()).is_ok());
}

#[test]
fn a_request_is_counted_in_the_budget_with_the_longest_path() {
    let mut gate = gate();
    let mut ask = |path: &str| gate.may_request("youtube", path, Priority::Due, now());
    assert_eq!(ask(LIST), Ok(Some(("units", 1))));
    assert_eq!(ask("/youtube/v3/videos:batchGetStats"), Ok(Some(("stats calls", 1))));
    assert_eq!(ask("/youtube/v3/videos"), Ok(Some(("units", 1))));
    assert_eq!(ask("/token"), Ok(None));
    assert_eq!((used(&mut gate, "youtube", "units"), used(&mut gate, "youtube", "stats calls")), (2, 1));
    assert_eq!(gate.may_request("unknown", LIST, Priority::Due, now()), Ok(None));
}

#[test]
fn an_operator_chooses_another_limit() {
    let mut gate = gate();
    spend(&mut gate, 10, Priority::Due);
    gate.know("youtube", &TUBE, &BTreeMap::from([("units".to_owned(), 20)]));
    assert_eq!(spend(&mut gate, 2000, Priority::Due), 8);
    assert_eq!(spend(&mut gate, 2000, Priority::Person), 2);
}

#[test]
fn what_headers_report_holds_until_they_say_and_for_their_own_account_only() {
    let mut gate = gate();
    let limit = ReportedLimit { limit: 100, ends_at: now().plus_seconds(900) };
    gate.report(of_app("instagram", "percent"), 79, limit, now());
    let room = |gate: &mut Gate, priority, seconds| gate.room("instagram", priority, now().plus_seconds(seconds));
    assert_eq!(room(&mut gate, Priority::Due, 0), Ok(usize::MAX));
    gate.report(of_app("instagram", "percent"), 80, limit, now());
    assert_eq!(room(&mut gate, Priority::Due, 0).map_err(|spent| spent.until), Err(limit.ends_at));
    assert_eq!(room(&mut gate, Priority::Person, 0), Ok(usize::MAX));
    assert_eq!(room(&mut gate, Priority::Due, 900), Ok(usize::MAX));

    let own = |account: &str| BudgetKey { account: Some(account.to_owned()), ..of_app("instagram", "percent") };
    let at = now().plus_seconds(1000);
    let limit = ReportedLimit { limit: 100, ends_at: at.plus_seconds(1140) };
    gate.report(own("17"), 100, limit, at);
    gate.report(own("18"), 49, limit, at);
    assert_eq!(
        gate.account_refusal("instagram", "17", Priority::Person, at).map(|spent| spent.until),
        Some(limit.ends_at)
    );
    assert_eq!(gate.account_refusal("instagram", "18", Priority::Due, at), None);
    let of_accounts = |rows: Vec<Row>| rows.into_iter().filter(|row| row.key.account.is_some()).count();
    assert_eq!((of_accounts(gate.rows(at)), of_accounts(gate.rows(limit.ends_at))), (1, 0));
    assert_eq!(gate.account_refusal("instagram", "17", Priority::Due, limit.ends_at), None);
}

#[test]
fn each_host_has_its_own_window() {
    let mut gate = gate();
    let ask = |gate: &mut Gate, lane: &str| gate.may_request(lane, "/api/v1/accounts/{id}", Priority::Due, now());
    assert!(ask(&mut gate, "mastodon/a.example").is_ok());
    let limit = ReportedLimit { limit: 300, ends_at: now().plus_seconds(200) };
    gate.report(of_app("mastodon/a.example", "requests"), 270, limit, now());
    assert_eq!(ask(&mut gate, "mastodon/a.example").map_err(|spent| spent.until), Err(limit.ends_at));
    assert!(ask(&mut gate, "mastodon/b.example").is_ok());
    let rows = gate.rows(now());
    let is_shown = |lane: &str| rows.iter().any(|row| row.key.lane == lane);
    assert!(is_shown("mastodon/a.example") && !is_shown("mastodon/b.example"), "it has reported nothing: {rows:?}");
    // The server is right about what it has seen; what is on its way comes on top.
    let lane = "mastodon/c.example";
    assert!((0..300).all(|_| ask(&mut gate, lane).is_ok()));
    (0..298).for_each(|_| gate.landed(lane, "requests", 1));
    gate.report(of_app(lane, "requests"), 1, limit, now());
    assert_eq!(used(&mut gate, lane, "requests"), 3);
}

#[test]
fn as_many_accounts_fit_as_the_average_sync_says() {
    let mut gate = gate();
    gate.know("youtube", &TUBE[..1], &BTreeMap::new());
    assert_eq!(gate.room("youtube", Priority::Due, now()), Ok(900));
    assert_eq!(gate.daily("youtube")[0].per_account, 1000, "what a request costs, before anything was learned");
    gate.reserve("youtube", 100);
    assert_eq!(gate.room("youtube", Priority::Due, now()), Ok(800));
    // All of it is for a batch that runs.
    gate.reserve("youtube", 800);
    assert_eq!(gate.room("youtube", Priority::Due, now()).map_err(|spent| spent.used), Err(0));
    gate.release("youtube", 800);
    spend(&mut gate, 200, Priority::Due);
    gate.release("youtube", 100);
    gate.learn("youtube", 100, &BTreeMap::from([("units", 200)]));
    // 700 are left, and an account takes two.
    assert_eq!(gate.room("youtube", Priority::Due, now()), Ok(350));
    assert_eq!(gate.daily("youtube"), [Daily { unit: "units", per_account: 2000, available: 900 }]);
    gate.learn("youtube", 8, &BTreeMap::from([("units", 80)]));
    assert_eq!(gate.daily("youtube")[0].per_account, 3000);
    // A batch that sent nothing teaches nothing.
    gate.learn("youtube", 8, &BTreeMap::new());
    assert_eq!(gate.daily("youtube")[0].per_account, 3000);
    // What is left is too little for an account.
    spend(&mut gate, 697, Priority::Due);
    assert_eq!(gate.room("youtube", Priority::Due, now()), Ok(1));
    spend(&mut gate, 1, Priority::Due);
    assert_eq!(gate.room("youtube", Priority::Due, now()).map_err(|spent| spent.until), Err(midnight()));
    // What takes more than all there is begins all the same.
    gate.learn("youtube", 1, &BTreeMap::from([("units", 20_000)]));
    assert_eq!(gate.room("youtube", Priority::Due, midnight()), Ok(1));
}

#[test]
fn a_crash_forgets_nothing_and_an_end_is_exact() {
    let mut before = gate();
    let (mut stored, mut writes) = (Vec::new(), 0);
    for spent in 1..=95 {
        spend(&mut before, 1, Priority::Due);
        if before.has_unstored() {
            (stored, _) = before.take_unstored(now());
            writes += 1;
        }
        let mut after = gate();
        after.restore(stored.clone(), now());
        let known = used(&mut after, "youtube", "units");
        assert!((spent..=spent + 10).contains(&known), "{spent} spent, {known} known");
    }
    assert_eq!(writes, 9);
    let mut after = gate();
    after.restore(before.take_all(), now());
    assert_eq!(used(&mut after, "youtube", "units"), 95);
    assert!(before.take_all().is_empty(), "it is stored");
}

#[test]
fn what_counts_no_more_is_deleted() {
    let mut gate = gate();
    let account = BudgetKey { account: Some("17".into()), ..of_app("instagram", "percent") };
    let ended = ReportedLimit { limit: 100, ends_at: now() };
    let old = |key: &BudgetKey| BudgetUse {
        key: key.clone(),
        parts: vec![(now().plus_seconds(-60), 90)],
        reported: Some(ended),
        per_account: None,
    };
    let unknown = of_app("youtube", "quota");
    gate.restore(vec![old(&account), old(&unknown), old(&of_app("instagram", "percent"))], now());
    assert!(gate.has_unstored());
    assert_eq!(gate.take_unstored(now()), (vec![], vec![account.clone(), unknown]));
    let limit = ReportedLimit { limit: 100, ends_at: now().plus_seconds(60) };
    gate.report(account.clone(), 90, limit, now());
    assert_eq!(gate.take_unstored(now()).0.len(), 1);
    gate.report(account.clone(), 10, limit, now());
    assert_eq!(gate.take_unstored(now()), (vec![], vec![account]));
}

#[test]
fn room_that_a_response_reports_is_noticed() {
    let mut gate = gate();
    let mut report = |used, seconds| {
        let limit = ReportedLimit { limit: 300, ends_at: now().plus_seconds(seconds) };
        gate.report(of_app("mastodon/a.example", "requests"), used, limit, now());
        gate.take_freed()
    };
    assert!(!report(10, 200) && !report(5, 200), "there was room all the time");
    assert!(!report(299, 200), "less of it");
    assert!(report(299, 150), "what waits until the end waits for another one");
    assert!(!report(299, 160), "a later end wakes nothing before it");
    assert!(report(20, 160), "what waits until the end need not");
    assert!(!report(20, 160));
}

#[test]
fn room_that_time_brings_is_noticed_whichever_caller_looks_first() {
    let looks: [fn(&mut Gate); 3] = [
        |gate| drop(gate.room("youtube", Priority::Due, midnight())),
        |gate| drop(gate.may_request("youtube", LIST, Priority::Person, midnight())),
        |gate| drop(gate.rows(midnight())),
    ];
    for look in looks {
        let mut gate = gate();
        spend(&mut gate, 900, Priority::Due);
        // What waits sleeps until midnight, and another caller is there before it.
        assert_eq!(gate.kept_back(Priority::Due, now()).len(), 1);
        assert!(!gate.take_freed());
        look(&mut gate);
        assert!(gate.kept_back(Priority::Due, now()).is_empty(), "nothing says when it ended");
        assert!(gate.take_freed());
    }
}

#[test]
fn what_catches_up_waits_for_its_own_time() {
    let mut gate = gate();
    let lanes = |gate: &mut Gate, priority, at| {
        let kept = gate.kept_back(priority, at).into_iter();
        kept.map(|(lane, spent)| (lane, spent.until)).collect::<Vec<_>>()
    };
    let youtube = vec![("youtube".to_owned(), midnight())];
    spend(&mut gate, 790, Priority::CatchUp);
    assert!(lanes(&mut gate, Priority::CatchUp, now()).is_empty());
    spend(&mut gate, 10, Priority::CatchUp);
    // What is due now may be requested; what is late waits until midnight, which something has to wake it at.
    assert_eq!(lanes(&mut gate, Priority::CatchUp, now()), youtube);
    assert!(lanes(&mut gate, Priority::Due, now()).is_empty());
    spend(&mut gate, 100, Priority::Due);
    assert_eq!(lanes(&mut gate, Priority::Due, now()), youtube);
    assert!(lanes(&mut gate, Priority::CatchUp, midnight()).is_empty());
}

proptest::proptest! {
    /// Only limits that may be near their end are looked at: whatever happens, none is overlooked.
    #[test]
    fn what_is_kept_back_is_found_as_if_all_were_looked_at(
        steps in proptest::collection::vec((0u8..7, 0usize..4, 1u64..120), 1..80),
    ) {
        let mut gate = gate();
        let lanes = ["youtube", "instagram", "mastodon/a.example", "mastodon/b.example"];
        let mut at = now();
        for (step, lane, number) in steps {
            let (lane, accounts) = (lanes[lane], number as usize / 10);
            let unit = gate.budgets[lane::platform_of(lane)][0].budget.unit;
            match step {
                0 => drop((0..number).map(|_| gate.may_request(lane, LIST, Priority::Person, at)).collect::<Vec<_>>()),
                1 => drop(gate.may_request(lane, "/api/v1/accounts", Priority::Due, at)),
                2 => {
                    let limit = ReportedLimit { limit: 100, ends_at: at.plus_seconds(300) };
                    gate.report(of_app(lane, unit), number.min(100), limit, at);
                }
                3 => gate.reserve(lane, accounts),
                4 => gate.learn(lane, accounts, &BTreeMap::from([(unit, number)])),
                5 => at = at.plus_seconds(number as i64 * 100),
                _ => gate.know("youtube", &TUBE, &BTreeMap::from([("units".to_owned(), number * 10)])),
            }
            for priority in [Priority::CatchUp, Priority::Due, Priority::Person] {
                let all: BTreeSet<String> = gate.uses.keys().map(|key| key.lane.clone()).collect();
                let mut room = |lane: String| gate.room(&lane, priority, at).err().map(|spent| (lane, spent));
                let expected: Vec<_> = all.into_iter().filter_map(&mut room).collect();
                proptest::prop_assert_eq!(gate.kept_back(priority, at), expected);
            }
        }
    }

    /// Room that was refused and is there again is noticed, whichever caller finds it. What is learned from a batch and what it
    /// releases is followed by its end, and another config by its own notice.
    #[test]
    fn room_that_was_refused_before_is_noticed(
        steps in proptest::collection::vec((0u8..5, 0usize..4, 1u64..120), 1..80),
    ) {
        let mut gate = gate();
        let lanes = ["youtube", "instagram", "mastodon/a.example", "mastodon/b.example"];
        gate.know("youtube", &TUBE, &BTreeMap::from([("units".to_owned(), 200)]));
        let mut at = now();
        for (step, lane, number) in steps {
            let (lane, scheduled) = (lanes[lane], [Priority::Due, Priority::CatchUp]);
            let unit = gate.budgets[lane::platform_of(lane)][0].budget.unit;
            let refused = scheduled.map(|priority| gate.kept_back(priority, at));
            gate.take_freed();
            match step {
                0 => drop((0..number).map(|_| gate.may_request(lane, LIST, Priority::Person, at)).collect::<Vec<_>>()),
                1 => drop(gate.may_request(lane, "/api/v1/accounts", Priority::Due, at)),
                2 => {
                    let limit = ReportedLimit { limit: 20 + number, ends_at: at.plus_seconds(300) };
                    gate.report(of_app(lane, unit), number / 2 * 2, limit, at);
                }
                3 => drop(gate.rows(at)),
                _ => at = at.plus_seconds(number as i64 * 100),
            }
            for (priority, refused) in scheduled.into_iter().zip(refused) {
                let has_room = refused.iter().any(|(lane, _)| gate.room(lane, priority, at).is_ok());
                proptest::prop_assert!(!has_room || gate.has_freed);
            }
        }
    }
}
