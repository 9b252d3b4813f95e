//! The default rules about followers as a detector of moves in labelled histories: the daemon's own pure code, one account
//! at a time, as it is called after each sync.

use std::sync::LazyLock;

use roster_labelled::{Detection, Direction, History};
use roster_protocol::metric::Metric;
use roster_protocol::rule::{Rule, Scope, Test};
use roster_protocol::time::Timestamp;
use rosterd::alerts::measured::{Mark, Measured};
use rosterd::alerts::path::{Path, Point};
use rosterd::alerts::rules::Rules;

/// The default rules about followers. Milestones are left out: they are no moves.
static RULES: LazyLock<Vec<Rule>> = LazyLock::new(|| {
    let rules = Rules::default();
    rules.about(Metric::Followers).filter(|rule| matches!(rule.test, Test::Moved(_))).cloned().collect()
});

/// Whether a rule is about an account of this size, as it was last measured.
fn is_about(only: &Scope, path: &Path) -> bool {
    only.followers_min.is_none_or(|least| path.last().is_some_and(|last| last.value >= least as f64))
}

/// What they say of a history.
pub fn default_rules(history: &History) -> Vec<Detection> {
    let (mut path, mut marks, mut found) = (Path::default(), Vec::<Mark>::new(), Vec::<Detection>::new());
    let mut open: Vec<usize> = Vec::new();
    for point in &history.points {
        let now = Point { at: Timestamp(point.at * 1000), value: point.followers as f64 };
        open.retain(|at| {
            let is_over = marks[*at].is_taken_back_by(now.value);
            if is_over {
                found[*at].resolved_at = Some(point.at);
            }
            !is_over
        });
        let measured = Measured {
            metric: Metric::Followers,
            now,
            step: Some(point.step as f64),
            points: path.points(),
            since: Timestamp(0),
            marks: &marks,
        };
        if let Some(one) = measured.found(RULES.iter().filter(|rule| is_about(&rule.only, &path))).pop() {
            let is_fall = one.to.value < one.from.value;
            let direction = if is_fall { Direction::Down } else { Direction::Up };
            open.retain(|at| found[*at].direction != direction);
            open.push(found.len());
            found.push(Detection { at: point.at, direction, resolved_at: None });
            marks.push(Mark {
                rule: one.rule.name.clone(),
                metric: Metric::Followers,
                opened_at: now.at,
                from: one.from.value,
                from_at: one.from.at,
                to: one.to.value,
                is_crossing: false,
            });
        }
        path.put(now);
    }
    found
}
