//! Alerts, rules, and where alerts were delivered.

use roster_protocol::delivery::{Delivery, DeliveryKind, DeliveryState};
use roster_protocol::rule::{
    Backtest, Direction, Happening, ListedRule, Moved, Origin, Rule, STALE_INTERVALS, Scope, Severity, Test,
    TestedAlert, Window,
};
use roster_protocol::{About, Alert, AlertId, AlertState, DeliveryId, Explained, Metric, Ratio, RosterError, Seconds};

use super::{NOW, TODAY, connection_id, influencer_id, minutes_ago};

pub fn alerts() -> Vec<Alert> {
    let account = |connection: u64, platform: &str| About::Connection {
        connection: connection_id(connection),
        influencer: influencer_id(3),
        platform: platform.to_owned(),
    };
    let alert = |number: u64, state: AlertState, minutes: i64| Alert {
        id: AlertId::from_bytes(influencer_id(number).0),
        state,
        about: account(3, "youtube"),
        influencer_name: Some("Oskar & Ines".to_owned()),
        from: Some(459_000.0),
        to: Some(402_000.0),
        change: Some(-0.124),
        opened_at: minutes_ago(minutes),
        why: "followers fell by 12.4 %, from 459,000 to 402,000, within a day; 10 % counts as significant".to_owned(),
        ..crate::samples::alert()
    };
    let explained = Explained {
        window: Some(Window::Day),
        from_at: Some(minutes_ago(2 * 1440 + 6 * 60)),
        usual: Some(Ratio(3_000)),
        peers: Some(Ratio(-1_000)),
        step: Some(1_000),
        score: Some(-41.3),
    };
    vec![
        Alert { rule: "big-drop".to_owned(), explained, ..alert(1, AlertState::Open, 2 * 1440) },
        Alert {
            rule: "needs-person".to_owned(),
            severity: Severity::Critical,
            about: account(31, "instagram"),
            metric: None,
            from: None,
            to: None,
            change: None,
            why: "Instagram does not accept the consent any more: connect it again".to_owned(),
            ..alert(2, AlertState::Open, 3 * 1440)
        },
        Alert {
            influencer_name: Some("Mara Lindqvist".to_owned()),
            ended_at: Some(minutes_ago(90)),
            acknowledged_by: Some("ada".to_owned()),
            acknowledged_at: Some(minutes_ago(90)),
            note: Some("her agent knows, the campaign ended".to_owned()),
            assigned_to: Some("ben".to_owned()),
            assigned_at: Some(minutes_ago(60)),
            ..alert(3, AlertState::Acknowledged, 6 * 1440)
        },
    ]
}

/// One that was delivered, one that failed, and one that was given up.
pub fn deliveries(alert: AlertId) -> Vec<Delivery> {
    let delivered = Delivery {
        id: DeliveryId::from_bytes([1; 5]),
        alert,
        channel: "team".to_owned(),
        receiver: None,
        kind: DeliveryKind::Opened,
        state: DeliveryState::Delivered,
        attempts: 1,
        next_at: None,
        last_error: None,
        delivered_at: Some(minutes_ago(2 * 1440)),
        receipt: Some("ok".to_owned()),
    };
    let failed = Delivery {
        channel: "mail".to_owned(),
        receiver: Some("ada@team.example".to_owned()),
        state: DeliveryState::Pending,
        attempts: 3,
        next_at: Some(NOW.plus_seconds(1_500)),
        last_error: Some("451 try again later".to_owned()),
        delivered_at: None,
        receipt: None,
        ..delivered.clone()
    };
    let dead = Delivery {
        id: DeliveryId::from_bytes([3; 5]),
        channel: "hook".to_owned(),
        receiver: None,
        kind: DeliveryKind::Escalated,
        state: DeliveryState::Dead,
        next_at: None,
        last_error: Some("410 Gone".to_owned()),
        ..failed.clone()
    };
    vec![delivered, failed, dead]
}

/// A built-in one, one of the config, and one that a user switched off.
pub fn rules() -> Vec<ListedRule> {
    let moved = Moved {
        metric: Metric::Followers,
        direction: Direction::Down,
        over: Window::Day,
        share: Some(Ratio(50_000)),
        absolute: Some(100.0),
        unusual: None,
    };
    let rule = |name: &str, severity: Severity, test: Test| Rule {
        name: name.to_owned(),
        enabled: true,
        test,
        severity,
        cooldown: Seconds(72 * 3600),
        only: Scope::default(),
    };
    let listed = |rule: Rule, origin: Origin, overrides: Vec<Origin>, open: u64| ListedRule {
        alerts_30d: 3 * open,
        file: (origin == Origin::Config).then(|| "/etc/roster/rosterd.toml".to_owned()),
        rule,
        origin,
        overrides,
        open,
    };
    let milestone =
        Test::Crossed { metric: Metric::Followers, direction: Direction::Up, levels: vec![10_000, 100_000] };
    let needs_person = Test::Happened { event: Happening::NeedsPerson, intervals: STALE_INTERVALS };
    let only = Scope { tags: vec!["beauty".to_owned()], followers_min: Some(1_000), ..Scope::default() };
    vec![
        listed(rule("big-drop", Severity::Warning, Test::Moved(moved)), Origin::Config, vec![Origin::BuiltIn], 1),
        listed(rule("milestone", Severity::Info, milestone), Origin::BuiltIn, vec![], 0),
        listed(
            Rule { only, enabled: false, ..rule("mine", Severity::Critical, Test::Moved(moved)) },
            Origin::Store,
            vec![],
            0,
        ),
        listed(rule("needs-person", Severity::Warning, needs_person), Origin::BuiltIn, vec![], 1),
    ]
}

/// What the rule of this name would have said.
pub fn backtest(name: &str) -> Result<Backtest, RosterError> {
    let rule = rules().into_iter().find(|listed| listed.rule.name == name).map(|listed| listed.rule);
    let rule = rule.unwrap_or_else(|| rules().swap_remove(0).rule);
    if let Test::Happened { .. } = rule.test {
        let message = format!("{name} is about an event: only rules about numbers can be tested");
        return Err(RosterError::usage(message));
    }
    let example = |number: u64, name: &str, from: f64, to: f64| TestedAlert {
        influencer: influencer_id(number),
        influencer_name: name.to_owned(),
        connection: connection_id(number),
        platform: "youtube".to_owned(),
        date: TODAY.plus_days(-40 * number as i32),
        metric: Metric::Followers,
        from,
        to,
        score: None,
        why: format!("followers fell within 24 hours, from {from} to {to}"),
    };
    let examples =
        vec![example(3, "Oskar & Ines", 459_000.0, 402_000.0), example(1, "Mara Lindqvist", 12_345.0, 10_400.0)];
    let since = TODAY.plus_days(-365);
    Ok(Backtest { rule, since, accounts: 12, days: 4_380, alerts: 6, alerted: 2, examples })
}
