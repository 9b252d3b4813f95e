//! How alerts read in a popup. Pure: the caller shows the popup.

use crate::alert::{About, Alert, Severity};
use crate::ids::AlertId;
use crate::metric::Metric;
pub use crate::number::{grouped, signed_percent, value};
use crate::service::Notice;
use crate::text::clean;

/// The longest title of a popup, in visible characters (grapheme clusters).
pub const TITLE_CHARACTERS: usize = 80;

/// The longest body of a popup, before `& < >` are escaped.
pub const BODY_CHARACTERS: usize = 240;

/// More alerts than this at once become one popup.
const MOST_POPUPS: usize = 3;

/// What one popup shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Popup {
    pub title: String,
    /// Escaped for desktops that read markup.
    pub body: String,
    /// Of the gravest alert.
    pub severity: Severity,
    /// This popup and those before it show all notices up to this number, as far as they are shown.
    pub up_to: u64,
    /// What it is about; `None` when it is about many things. A popup replaces an earlier one about the same.
    pub case: Option<Case>,
    /// The alerts it shows, oldest first.
    pub alerts: Vec<AlertId>,
}

/// What an alert is about and why: an alert that grows keeps it, and so does the next alert of the same rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    rule: String,
    about: About,
    metric: Option<Metric>,
}

impl Case {
    /// That of an alert.
    pub fn of(alert: &Alert) -> Self {
        Self { rule: alert.rule.clone(), about: alert.about.clone(), metric: alert.metric }
    }
}

impl Popup {
    /// That of one alert.
    pub fn of(Notice { number, alert }: &Notice) -> Self {
        let (title, body) = popup_text(alert);
        let (case, alerts) = (Some(Case::of(alert)), vec![alert.id]);
        Self { title, body, severity: alert.severity, up_to: *number, case, alerts }
    }

    /// That of many alerts.
    fn summary(notices: Vec<Notice>) -> Self {
        let up_to = notices.last().map_or(0, |notice| notice.number);
        let alerts: Vec<Alert> = notices.into_iter().map(|notice| notice.alert).collect();
        let (title, body) = summary_text(&alerts);
        let severity = alerts.iter().map(|alert| alert.severity).max().unwrap_or(Severity::Info);
        Self { title, body, severity, up_to, case: None, alerts: alerts.iter().map(|alert| alert.id).collect() }
    }

    /// Its icon as the freedesktop.org Icon Naming Specification 0.8.90 names it; every desktop has these three.
    pub fn icon(&self) -> &'static str {
        match self.severity {
            Severity::Info => "dialog-information",
            Severity::Warning => "dialog-warning",
            Severity::Critical => "dialog-error",
        }
    }

    /// Its urgency as the Desktop Notifications Specification 1.2 numbers it: 0 low, 1 normal, 2 critical.
    pub fn urgency(&self) -> u64 {
        match self.severity {
            Severity::Info => 0,
            Severity::Warning => 1,
            Severity::Critical => 2,
        }
    }
}

/// The popups for these notices, in the order of opening: one for each case, or one for all when they are many. Alerts
/// that a group includes have none: the group's alert has.
pub fn popups(mut notices: Vec<Notice>) -> Vec<Popup> {
    notices.retain(|notice| notice.alert.group.is_none());
    notices.sort_by_key(|notice| notice.number);
    let cases: Vec<Case> = notices.iter().map(|notice| Case::of(&notice.alert)).collect();
    // The newest of each case: it would replace the others at once.
    let mut place = 0..;
    notices.retain(|_| place.next().is_some_and(|place| !cases[place + 1..].contains(&cases[place])));
    if notices.len() <= MOST_POPUPS {
        return notices.iter().map(Popup::of).collect();
    }
    vec![Popup::summary(notices)]
}

/// Title and body of one alert's popup: `Mara Lindqvist · youtube`, `followers −12.4 % (459,000 → 402,000)`.
///
/// Both are clean; the body is escaped, since desktops read markup in it.
pub fn popup_text(alert: &Alert) -> (String, String) {
    let (title, body) = plain_text(alert);
    (title, escaped(&body))
}

/// Title and body of one popup for many alerts: `17 alerts: Mara Lindqvist, …`, the gravest first.
pub fn summary_text(alerts: &[Alert]) -> (String, String) {
    let (title, body) = plain_summary(alerts);
    (title, escaped(&body))
}

/// Title and body of one notice for these alerts, clean, where nothing reads markup.
pub fn notice_text(alerts: &[Alert]) -> (String, String) {
    if let [alert] = alerts { plain_text(alert) } else { plain_summary(alerts) }
}

fn plain_text(alert: &Alert) -> (String, String) {
    (clean(&whose(alert), TITLE_CHARACTERS), clean(&what_happened(alert), BODY_CHARACTERS))
}

fn plain_summary(alerts: &[Alert]) -> (String, String) {
    let mut gravest: Vec<&Alert> = alerts.iter().collect();
    gravest.sort_by_key(|alert| std::cmp::Reverse(alert.severity));
    let mut names: Vec<&str> = Vec::new();
    for alert in &gravest {
        if !names.contains(&alert.subject().0) {
            names.push(alert.subject().0);
        }
    }
    let title = format!("{} alerts: {}", alerts.len(), names.join(", "));
    let named: Vec<String> =
        gravest.iter().take(5).map(|alert| format!("{}: {}", whose(alert), what_happened(alert))).collect();
    (clean(&title, TITLE_CHARACTERS), clean(&named.join("; "), BODY_CHARACTERS))
}

fn whose(alert: &Alert) -> String {
    let (who, platform) = alert.subject();
    let who = clean(who, TITLE_CHARACTERS - 20);
    platform.map_or_else(|| who.clone(), |platform| format!("{who} · {platform}"))
}

/// What happened: the numbers where there are some, or else the reason.
fn what_happened(alert: &Alert) -> String {
    match (alert.metric, alert.from, alert.to) {
        (Some(metric), Some(from), Some(to)) => moved(metric, from, to, alert.change),
        _ => alert.why.clone(),
    }
}

/// `followers −12.4 % (459,000 → 402,000)`; without a change only both values.
pub fn moved(metric: Metric, from: f64, to: f64, change: Option<f64>) -> String {
    let values = format!("{} → {}", value(metric, from), value(metric, to));
    let metric = metric.as_str().replace('_', " ");
    match change {
        Some(change) => format!("{metric} {} ({values})", signed_percent(change)),
        None => format!("{metric} {values}"),
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{ConnectionId, InfluencerId};
    use crate::samples;

    fn alert(name: &str) -> Alert {
        Alert {
            influencer_name: Some(name.into()),
            from: Some(459_000.0),
            to: Some(402_000.0),
            change: Some(402_000.0 / 459_000.0 - 1.0),
            ..samples::alert()
        }
    }

    /// The alert with this number, of a connection of its own.
    fn notice(number: u8) -> Notice {
        let about = About::Connection {
            connection: ConnectionId::from_bytes([number; 5]),
            influencer: InfluencerId::from_bytes([2; 5]),
            platform: "youtube".into(),
        };
        let id = AlertId::from_bytes([number; 5]);
        Notice { number: number.into(), alert: Alert { id, about, ..alert("Mara Lindqvist") } }
    }

    fn notices(numbers: std::ops::RangeInclusive<u8>) -> Vec<Notice> {
        numbers.rev().map(notice).collect()
    }

    #[test]
    fn few_alerts_are_shown_one_by_one_in_order() {
        let shown = popups(notices(5..=7));
        assert_eq!(shown.iter().map(|popup| popup.up_to).collect::<Vec<_>>(), [5, 6, 7]);
        assert_eq!((shown[0].title.clone(), shown[0].body.clone()), popup_text(&alert("Mara Lindqvist")));
        assert_eq!((shown[0].urgency(), shown[0].icon()), (1, "dialog-warning"));
        assert_eq!(shown[0].alerts, [AlertId::from_bytes([5; 5])]);
        assert!(popups(vec![]).is_empty());
    }

    #[test]
    fn of_each_case_only_the_newest_is_shown() {
        let later = |number: u64, of: u8| Notice { number, ..notice(of) };
        let shown = popups(vec![later(9, 1), notice(1), notice(2), later(7, 2), notice(3), later(8, 1)]);
        assert_eq!(shown.iter().map(|popup| popup.up_to).collect::<Vec<_>>(), [3, 7, 9]);
        assert_eq!(shown[2].case, Popup::of(&notice(1)).case);
        assert_ne!(shown[2].case, shown[1].case);
        let level = Notice { number: 8, alert: Alert { rule: "level".into(), ..notice(1).alert } };
        assert_eq!(popups(vec![notice(1), level]).len(), 2, "another rule");
        let member = Notice { number: 8, alert: Alert { group: Some(notice(1).alert.id), ..notice(3).alert } };
        assert_eq!(popups(vec![notice(1), member.clone()]).len(), 1, "its group has a popup");
        assert!(popups(vec![member]).is_empty());
    }

    #[test]
    fn many_alerts_are_shown_as_one_as_grave_as_the_gravest() {
        let mut many = notices(1..=17);
        many[3].alert.severity = Severity::Critical;
        let shown = popups(many);
        let [Popup { title, up_to: 17, severity: Severity::Critical, .. }] = &shown[..] else { panic!("{shown:?}") };
        assert_eq!((shown[0].urgency(), shown[0].icon()), (2, "dialog-error"));
        assert!(title.starts_with("17 alerts: Mara Lindqvist"), "{title}");
        assert_eq!((&shown[0].case, shown[0].alerts.len()), (&None, 17));
    }

    #[test]
    fn one_alert_names_who_and_what() {
        let (title, body) = popup_text(&alert("Mara Lindqvist"));
        assert_eq!(title, "Mara Lindqvist · youtube");
        assert_eq!(body, "followers −12.4 % (459,000 → 402,000)");
        let ended = Alert { metric: None, why: "consent ended & <b>more</b>".into(), ..alert("Oskar & Ines") };
        let (title, body) = popup_text(&ended);
        assert_eq!(title, "Oskar & Ines · youtube");
        assert_eq!(body, "consent ended &amp; &lt;b&gt;more&lt;/b&gt;");
        assert_eq!(notice_text(std::slice::from_ref(&ended)).1, "consent ended & <b>more</b>");
        let down = Alert { about: About::Platform("tiktok".into()), influencer_name: None, metric: None, ..alert("") };
        assert_eq!(popup_text(&down).0, "tiktok");
        assert_eq!(popup_text(&Alert { about: About::Daemon, ..down }).0, "rosterd");
        let risen = Alert { from: Some(0.0), change: None, ..alert("x") };
        assert_eq!(popup_text(&risen).1, "followers 0 → 402,000");
    }

    #[test]
    fn many_alerts_become_one_popup_with_the_gravest_first() {
        let mut alerts = vec![alert("Mara Lindqvist"); 16];
        alerts.push(Alert { severity: Severity::Critical, ..alert("nightgarden") });
        let (title, body) = summary_text(&alerts);
        assert_eq!(title, "17 alerts: nightgarden, Mara Lindqvist");
        assert!(body.starts_with("nightgarden · youtube: followers −12.4 %"), "{body}");
        assert!(body.chars().count() <= BODY_CHARACTERS);
    }

    #[test]
    fn hostile_names_stay_one_short_line() {
        let hostile = format!("\u{1b}]0;x\u{7}<img src=x>\u{202e}\n{}", "y".repeat(500));
        let alert = Alert { metric: None, why: hostile.clone(), ..alert(&hostile) };
        for (title, body) in [popup_text(&alert), summary_text(&vec![alert.clone(); 9])] {
            assert!(title.chars().count() <= TITLE_CHARACTERS, "{title}");
            assert!(!body.contains(['<', '>', '\n', '\u{1b}', '\u{202e}']), "{body}");
            assert!(!title.contains(['\n', '\u{1b}', '\u{202e}']), "{title}");
        }
        assert!(popup_text(&alert).0.ends_with("· youtube"));
    }

    proptest::proptest! {
        #[test]
        fn no_markup_and_no_control_is_in_any_popup(name in "(\\PC|\\pC|[<>&;]){0,60}", why in "(\\PC|\\pC|[<>&;]){0,400}") {
            let alert = Alert { metric: None, why, ..alert(&name) };
            for (title, body) in [popup_text(&alert), summary_text(&[alert.clone(), alert.clone()])] {
                proptest::prop_assert!(!title.contains(char::is_control) && !body.contains(char::is_control));
                let plain = ["&amp;", "&lt;", "&gt;"].iter().fold(body.clone(), |text, entity| text.replace(entity, ""));
                proptest::prop_assert!(!plain.contains(['<', '>', '&']), "{body:?}");
            }
        }
    }
}
