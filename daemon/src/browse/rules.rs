//! Alert rules, and what they would have said of the stored history.

use std::collections::HashMap;

use roster_protocol::error::RosterError;
use roster_protocol::metric::Metric;
use roster_protocol::rule::{Backtest, LONGEST_NAME, ListedRule, Origin, RuleParts, TestedAlert};
use roster_protocol::time::{Date, Since, Timestamp};

use crate::alerts::backtest::{self, Series};
use crate::alerts::evaluate::relative;
use crate::alerts::explain;
use crate::alerts::measured::Found;
use crate::alerts::rules::{InUse, made_of, metric_of};
use crate::app::{App, read_error};
use crate::decision::alerting::is_about;
use crate::model::Connection;
use crate::roster::{Roster, rows};
use crate::store::{AlertCounts, HistoryQuery, MetricHistory};

/// How many examples a test of a rule names.
const EXAMPLES: usize = 10;
/// How many histories are read at once.
const AT_ONCE: usize = 200;

/// How far back the alerts of each rule are counted, in days.
const COUNTED_DAYS: i64 = 30;

/// All rules in use, by name.
///
/// # Errors
/// When the store cannot be read.
pub async fn all(app: &App) -> Result<Vec<ListedRule>, RosterError> {
    let since = app.clock.now().plus_seconds(-COUNTED_DAYS * 24 * 3600);
    let counts = app.store.read(AlertCounts { since }).await.map_err(|error| read_error(&error))?;
    let file = app.setup().file.display().to_string();
    Ok(app.look(|roster| roster.rules.all().map(|used| listed(roster, used, &counts, &file)).collect()))
}

/// The rule of this name.
///
/// # Errors
/// When there is none, or the store cannot be read.
pub async fn one(app: &App, name: &str) -> Result<ListedRule, RosterError> {
    let found = all(app).await?.into_iter().find(|listed| listed.rule.name == name);
    found.ok_or_else(|| RosterError::not_found("no such rule").hint("`roster rules list` shows all"))
}

fn listed(roster: &Roster, used: &InUse, counts: &HashMap<String, u64>, file: &str) -> ListedRule {
    let open = roster.alerts.values().filter(|alert| alert.rule == used.rule.name).count() as u64;
    let InUse { rule, origin, overrides } = used.clone();
    let alerts_30d = counts.get(&rule.name).copied().unwrap_or_default();
    let file = (origin == Origin::Config).then(|| file.to_owned());
    ListedRule { rule, origin, overrides, open, alerts_30d, file }
}

/// What the rule of this name, changed where `parts` names it, would have said since then.
///
/// # Errors
/// A rule that is about no number, what makes no rule; when the history cannot be read.
pub async fn test(app: &App, name: &str, parts: &RuleParts, since: Option<Since>) -> Result<Backtest, RosterError> {
    let base = app.look(|roster| roster.rules.get(name).map(|used| used.rule.clone()));
    if base.is_none() && *parts == RuleParts::default() {
        let named = roster_protocol::text::clean(name, LONGEST_NAME);
        let hint = "`roster rules list` shows all; or say what it would be, such as --percent 5 --direction down";
        return Err(RosterError::not_found(format!("no rule {named:?}")).hint(hint));
    }
    let rule = made_of(name, base.as_ref(), parts).map_err(RosterError::usage)?;
    let Some(metric) = metric_of(&rule) else {
        return Err(RosterError::usage(format!("{name} is about an event: only rules about numbers can be tested")));
    };
    let (grid, now) = (app.setup().config.sync.grid.clone(), app.clock.now());
    let from = since.map_or(Timestamp(0), |since| grid.since(since, now));
    let since = grid.date_of(from);
    let accounts: Vec<Connection> =
        app.look(|roster| roster.connected().filter(|one| is_about(&rule.only, roster, one)).cloned().collect());
    let mut tested = Backtest { rule, since, accounts: 0, days: 0, alerts: 0, alerted: 0, examples: Vec::new() };
    for some in accounts.chunks(AT_ONCE) {
        let of = |one: &Connection| HistoryQuery { since: Some(since), ..HistoryQuery::of(one) };
        let read = some.iter().map(|one| app.store.read(MetricHistory { of: of(one), metric }));
        let read = futures::future::try_join_all(read).await.map_err(|error| read_error(&error))?;
        app.look(|roster| {
            some.iter().zip(&read).for_each(|(one, days)| add(&mut tested, roster, one, (metric, days)));
        });
    }
    Ok(tested)
}

/// Adds what the rule would have said of one account.
fn add(tested: &mut Backtest, roster: &Roster, account: &Connection, (metric, days): (Metric, &[(Date, f64)])) {
    if days.is_empty() {
        return;
    }
    let latest = account.latest.as_ref().filter(|_| metric == Metric::Followers);
    let rounding = latest.and_then(|latest| latest.followers_step.zip(latest.numbers.followers));
    let step = |value: f64| rounding.map(|rounding| step_at(rounding, value));
    let found = backtest::over(&tested.rule, Series { metric, days, step: &step });
    tested.accounts += 1;
    tested.days += days.len() as u64;
    tested.alerts += found.len() as u64;
    tested.alerted += u64::from(!found.is_empty());
    let example = |one: &Found<'_>| TestedAlert {
        influencer: account.influencer,
        influencer_name: rows::name_of(roster, account.influencer),
        connection: account.id,
        platform: account.platform.clone(),
        date: Date(one.to.at.0.div_euclid(24 * 3_600_000) as i32),
        metric,
        from: one.from.value,
        to: one.to.value,
        score: one.score,
        why: explain::why(metric, one),
    };
    let examples: Vec<TestedAlert> = found.iter().map(example).collect();
    tested.examples.extend(examples);
    tested.examples.sort_by(|a, b| strength(b).total_cmp(&strength(a)));
    tested.examples.truncate(EXAMPLES);
}

/// How good an example an alert is: by how unusual the move is, or else by its share.
fn strength(example: &TestedAlert) -> f64 {
    let share = relative(example.from, example.to).map_or(0.0, f64::abs);
    example.score.unwrap_or(share * 100.0)
}

/// The step with which a number of this size is reported, where another is reported with that many digits.
fn step_at((step, of): (u64, u64), value: f64) -> f64 {
    let digits = |value: f64| value.max(1.0).log10().floor();
    let scaled = step as f64 * 10_f64.powf(digits(value) - digits(of as f64));
    scaled.max(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_reported_with_as_many_digits_at_every_size() {
        let step = |value: f64| step_at((10_000, 1_230_000), value);
        assert_eq!(
            [1_999_999.0, 123_000.0, 1_234.0, 999.0, 5.0, 12_300_000.0].map(step),
            [10_000.0, 1_000.0, 10.0, 1.0, 1.0, 100_000.0]
        );
    }
}
