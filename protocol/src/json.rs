//! The JSON of an alert, which `roster alerts --json` and webhooks have alike.
//!
//! Apart from the types, so that the wire can change without a script noticing. Times are RFC 3339, rates ratios; what is
//! not known is `null`, never 0.

use serde::Serialize;
use serde_json::Number;

use crate::alert;
use crate::metric::{Metric, Unit};
use crate::rule::Window;

/// One alert.
#[derive(Debug, Serialize)]
pub struct Alert {
    id: String,
    state: &'static str,
    rule: String,
    influencer: Option<String>,
    influencer_name: Option<String>,
    connection: Option<String>,
    platform: Option<String>,
    metric: Option<&'static str>,
    from: Option<Number>,
    to: Option<Number>,
    change: Option<Number>,
    opened_at: String,
    why: String,
    about: &'static str,
    window: Option<&'static str>,
    from_at: Option<String>,
    usual: Option<Number>,
    peers: Option<Number>,
    step: Option<u64>,
    score: Option<Number>,
    severity: &'static str,
    acknowledged_by: Option<String>,
    acknowledged_at: Option<String>,
    note: Option<String>,
    assigned_to: Option<String>,
    group: Option<String>,
    members: Option<u64>,
    silenced: bool,
    silenced_until: Option<String>,
    assigned_at: Option<String>,
    /// `null` where it is for no user alone.
    unread: Option<bool>,
    mine: Option<bool>,
}

impl From<&alert::Alert> for Alert {
    fn from(alert: &alert::Alert) -> Self {
        let explained = alert.explained;
        Self {
            id: alert.id.to_string(),
            state: alert.state.as_str(),
            rule: alert.rule.clone(),
            influencer: alert.about.influencer().map(|id| id.to_string()),
            influencer_name: alert.influencer_name.clone(),
            connection: alert.about.connection().map(|id| id.to_string()),
            platform: alert.about.platform().map(str::to_owned),
            metric: alert.metric.map(Metric::as_str),
            from: alert.from.map(|value| metric_value(alert.metric, value)),
            to: alert.to.map(|value| metric_value(alert.metric, value)),
            change: alert.change.map(|change| rounded(change, 4)),
            opened_at: alert.opened_at.to_string(),
            why: alert.why.clone(),
            about: alert.about.as_str(),
            window: explained.window.map(Window::as_str),
            from_at: explained.from_at.map(|at| at.to_string()),
            usual: explained.usual.map(|usual| rounded(usual.as_f64(), 4)),
            peers: explained.peers.map(|peers| rounded(peers.as_f64(), 4)),
            step: explained.step,
            score: explained.score.map(|score| rounded(score, 1)),
            severity: alert.severity.as_str(),
            acknowledged_by: alert.acknowledged_by.clone(),
            acknowledged_at: alert.acknowledged_at.map(|at| at.to_string()),
            note: alert.note.clone(),
            assigned_to: alert.assigned_to.clone(),
            group: alert.group.map(|id| id.to_string()),
            members: (alert.members > 0).then_some(alert.members),
            silenced: alert.silenced.is_silent(),
            silenced_until: alert.silenced.until.map(|at| at.to_string()),
            assigned_at: alert.assigned_at.map(|at| at.to_string()),
            unread: alert.yours.map(|yours| yours.unread),
            mine: alert.yours.map(|yours| yours.mine),
        }
    }
}

/// A value in its metric's form: counts whole, averages with two decimals, rates as ratios.
pub fn metric_value(metric: Option<Metric>, value: f64) -> Number {
    match metric.map(Metric::unit) {
        Some(Unit::Count) => rounded(value.round(), 0),
        Some(Unit::Ratio) => rounded(value, 6),
        Some(Unit::Mean) | None => rounded(value, 2),
    }
}

/// `value` with at most so many decimals; a whole one without a point.
pub fn rounded(value: f64, decimals: i32) -> Number {
    let factor = 10f64.powi(decimals);
    let value = if value.abs() < 1e9 { (value * factor).round() / factor } else { value };
    if value.fract() == 0.0 && value.abs() < 9e18 {
        return Number::from(value as i64);
    }
    // Values come from integers, so they are finite; any other value would not be JSON.
    Number::from_f64(value).unwrap_or_else(|| Number::from(0))
}
