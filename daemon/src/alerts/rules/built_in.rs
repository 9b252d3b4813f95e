//! The rules that are built in. Pure.

use roster_protocol::alert::Severity;
use roster_protocol::metric::{Metric, Ratio};
use roster_protocol::rule::{Direction, Happening, Moved, Rule, STALE_INTERVALS, Scope, Test, Window};
use roster_protocol::time::Seconds;

const DAY: u64 = 24 * 3600;
/// From so many followers on, less of them is news.
const LARGE: u64 = 250_000;
const MILESTONES: [u64; 5] = [10_000, 100_000, 1_000_000, 10_000_000, 100_000_000];

/// The rules that are in use unless the config or the store say otherwise.
///
/// A share alone is nearly useless: of 4,401 days of 227 channels two moved by more than a tenth, both of one tiny account.
/// So the usual rules compare with the account's own days, and the plain ones catch what is large for every account and
/// accounts that are known for a few days only.
pub fn built_in() -> Vec<Rule> {
    use Direction::{Both, Down, Up};
    use Severity::{Critical, Info, Warning};
    let followers = Metric::Followers;
    let moved = |metric, direction, over, share: f64, absolute: f64, unusual: f64| {
        let given = |value: f64| (value > 0.0).then_some(value);
        let share = given(share).and_then(|share| Ratio::from_f64(share / 100.0));
        Test::Moved(Moved { metric, direction, over, share, absolute: given(absolute), unusual: given(unusual) })
    };
    let happened = |event| Test::Happened { event, intervals: STALE_INTERVALS };
    let rule = |name: &str, severity, cooldown_days: u64, test| Rule {
        name: name.to_owned(),
        enabled: true,
        test,
        severity,
        cooldown: Seconds(cooldown_days * DAY),
        only: Scope::default(),
    };
    let large = |name: &str, severity, cooldown_days, test| {
        let only = Scope { followers_min: Some(LARGE), ..Scope::default() };
        Rule { only, ..rule(name, severity, cooldown_days, test) }
    };
    vec![
        rule("big-drop", Warning, 3, moved(followers, Down, Window::Day, 5.0, 100.0, 0.0)),
        rule("big-rise", Info, 3, moved(followers, Up, Window::Day, 15.0, 200.0, 0.0)),
        rule("unusual-drop", Warning, 3, moved(followers, Down, Window::Day, 2.5, 50.0, 6.0)),
        large("unusual-drop-large", Warning, 3, moved(followers, Down, Window::Day, 1.0, 0.0, 6.0)),
        rule("unusual-rise", Info, 3, moved(followers, Up, Window::Day, 2.5, 75.0, 6.0)),
        large("unusual-rise-large", Info, 3, moved(followers, Up, Window::Day, 1.2, 0.0, 6.0)),
        rule("slow-drain", Warning, 45, moved(followers, Down, Window::Month, 10.0, 50.0, 3.0)),
        large("slow-drain-large", Warning, 45, moved(followers, Down, Window::Month, 4.0, 0.0, 3.0)),
        rule("milestone", Info, 7, Test::Crossed { metric: followers, direction: Up, levels: MILESTONES.to_vec() }),
        rule("engagement-range", Info, 7, moved(Metric::EngagementRate, Both, Window::Week, 40.0, 0.0, 6.0)),
        rule("audience-shift", Info, 30, moved(Metric::AudienceFemale, Both, Window::Month, 0.0, 0.1, 0.0)),
        rule("stale", Warning, 1, happened(Happening::Stale)),
        rule("needs-person", Warning, 0, happened(Happening::NeedsPerson)),
        rule("consent-ends", Info, 0, happened(Happening::Token)),
        rule("platform-down", Warning, 0, happened(Happening::PlatformDown)),
        rule("metric-withdrawn", Info, 0, happened(Happening::MetricWithdrawn)),
        rule("store-size", Warning, 0, happened(Happening::StoreSize)),
        rule("listener", Critical, 0, happened(Happening::Listener)),
        rule("disk", Warning, 0, happened(Happening::Disk)),
        rule("store", Critical, 0, happened(Happening::Store)),
        rule("refusals", Warning, 0, happened(Happening::Refusals)),
        rule("network", Critical, 0, happened(Happening::Network)),
        rule("clock", Critical, 0, happened(Happening::Clock)),
        rule("descriptors", Warning, 0, happened(Happening::Descriptors)),
        rule("desktop", Info, 0, happened(Happening::Desktop)),
    ]
}
