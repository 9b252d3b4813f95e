//! Channels and routes: where alerts are delivered.

use jiff::civil::Time;
use jiff::tz::TimeZone;
use jiff::{ToSpan, Zoned};
use roster_protocol::alert::Severity;
use roster_protocol::delivery::ChannelKind;
use roster_protocol::time::{Seconds, Timestamp};

use super::DESKTOP;

/// Where alerts are delivered.
#[derive(Clone, Debug, PartialEq)]
pub struct Routing {
    /// By name. The desktop is always among them.
    pub channels: Vec<ChannelInfo>,
    /// Whether the config names no desktop: then it is delivered everything unless a route names it.
    pub desktop_is_implicit: bool,
    /// Without any, every alert is delivered on every channel.
    pub routes: Vec<Route>,
    /// The zone of digests' times of day.
    pub zone: TimeZone,
}

/// What is known of a channel without its secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChannelInfo {
    pub name: String,
    /// What deliveries name it by: [`DESKTOP`], its name, or where it has several receivers its name and one of them.
    pub key: String,
    pub kind: ChannelKind,
    pub digest: Digest,
    /// How long a notice of a single move waits for a group that takes its place. Of the desktop none: a group's popup
    /// replaces those of its members.
    pub wait: Seconds,
}

/// When a channel sends what it has gathered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Digest {
    /// It gathers nothing.
    #[default]
    Off,
    Hourly,
    /// At this time of day.
    Daily(Time),
}

/// Which alerts are delivered on which channels. A matcher that is empty matches everything.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Route {
    /// Keys of channels.
    pub to: Vec<String>,
    pub rules: Vec<String>,
    pub severities: Vec<Severity>,
    pub tags: Vec<String>,
    pub platforms: Vec<String>,
    pub quiet: Option<Quiet>,
    pub escalate: Option<Escalation>,
}

/// The hours in which only what is critical is delivered.
#[derive(Clone, Debug, PartialEq)]
pub struct Quiet {
    pub from: Time,
    /// Another time than `from`; before it, the hours are over midnight.
    pub until: Time,
    pub zone: TimeZone,
}

/// Where an alert is delivered as well when it is not acknowledged in time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Escalation {
    pub after: Seconds,
    /// Keys of channels.
    pub to: Vec<String>,
}

impl Default for Routing {
    /// The desktop alone.
    fn default() -> Self {
        Self {
            channels: vec![ChannelInfo::desktop()],
            desktop_is_implicit: true,
            routes: Vec::new(),
            zone: TimeZone::UTC,
        }
    }
}

impl ChannelInfo {
    /// The desktop, which no config has to name.
    pub fn desktop() -> Self {
        let (name, key) = (DESKTOP.to_owned(), DESKTOP.to_owned());
        Self { name, key, kind: ChannelKind::Desktop, digest: Digest::Off, wait: Seconds(0) }
    }
}

impl Routing {
    /// The channel that deliveries name so.
    pub fn channel(&self, key: &str) -> Option<&ChannelInfo> {
        self.channels.iter().find(|channel| channel.key == key)
    }

    /// The channel that users name so, once for each of its receivers.
    pub fn named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a ChannelInfo> {
        self.channels.iter().filter(move |channel| channel.name == name)
    }

    /// What users call the channel that deliveries name so; a channel that is gone keeps its name.
    pub fn name_of<'a>(&'a self, key: &'a str) -> &'a str {
        self.channel(key).map_or(key, |channel| &channel.name)
    }
}

/// A channel as the log names it: by its name, and where it has several receivers the number of one, never an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogName {
    name: String,
    /// What no line of the log has.
    receiver: Option<String>,
}

impl LogName {
    /// That of the channel that deliveries name so.
    pub fn of(routing: &Routing, key: &str) -> Self {
        let (name, receiver) = key.split_once('/').map_or((key, None), |(name, receiver)| (name, Some(receiver)));
        let place = routing.named(name).position(|channel| channel.key == key);
        let number = place.filter(|_| receiver.is_some()).map(|place| format!("/{}", place + 1));
        Self { name: format!("{name}{}", number.unwrap_or_default()), receiver: receiver.map(str::to_owned) }
    }

    /// A text of a receiver's server without the receiver's address.
    pub fn without_receiver(&self, text: &str) -> String {
        let Some(receiver) = self.receiver.as_deref().filter(|receiver| !receiver.is_empty()) else {
            return text.to_owned();
        };
        let receiver = receiver.to_ascii_lowercase();
        // Both are as long in lower case as they are.
        let lower = text.to_ascii_lowercase();
        let mut left = String::new();
        let mut end = 0;
        for (at, found) in lower.match_indices(&receiver) {
            left.push_str(&text[end..at]);
            left.push_str("[the receiver]");
            end = at + found.len();
        }
        left + &text[end..]
    }
}

impl std::fmt::Display for LogName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.name)
    }
}

impl Quiet {
    /// When the quiet hours of `now` are over; `None` outside them.
    pub fn ends_after(&self, now: Timestamp) -> Option<Timestamp> {
        let local = now.to_jiff().to_zoned(self.zone.clone());
        let time = local.time();
        let is_quiet = match self.from < self.until {
            true => self.from <= time && time < self.until,
            false => self.from <= time || time < self.until,
        };
        if is_quiet { next_at(&local, self.until) } else { None }
    }
}

impl Digest {
    /// The first time from `now` on at which what is gathered is sent; `None`: it is not gathered.
    pub fn next(self, now: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        match self {
            Digest::Off => None,
            Digest::Hourly => next_hour(&now.to_jiff().to_zoned(zone.clone())),
            Digest::Daily(time) => next_at(&now.to_jiff().to_zoned(zone.clone()), time),
        }
    }
}

/// The first time after `now` at which local clocks show a full hour. Not everywhere that is one in UTC, and a few clocks are
/// moved by half an hour.
fn next_hour(now: &Zoned) -> Option<Timestamp> {
    let hour = |from: &Zoned| {
        let into = i64::from(from.minute()) * 60 + i64::from(from.second());
        let begun = from.checked_sub(into.seconds().nanoseconds(from.subsec_nanosecond())).ok()?;
        begun.checked_add(1.hour()).ok()
    };
    let first = hour(now)?;
    let full = if first.minute() == 0 { first } else { hour(&first)? };
    Some(full.timestamp().into())
}

/// The first time after `now` at which local clocks show `time`. Where they skip it, when they have.
fn next_at(now: &Zoned, time: Time) -> Option<Timestamp> {
    let on =
        |days: i64| now.date().checked_add(days.days()).ok()?.to_datetime(time).to_zoned(now.time_zone().clone()).ok();
    let later = (0..=2).filter_map(on).find(|at| at > now);
    later.map(|at| at.timestamp().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().expect(text)
    }

    #[test]
    fn the_log_names_no_receiver() {
        let channel = |name: &str, key: &str| ChannelInfo {
            name: name.to_owned(),
            key: key.to_owned(),
            kind: ChannelKind::Email,
            ..ChannelInfo::desktop()
        };
        let mails = ["mail/ana@x.example", "mail/bo@x.example"].map(|key| channel("mail", key));
        let channels = [&mails[..], &[channel("team", "team")]].concat();
        let routing = Routing { channels, ..Routing::default() };
        let check = |key: &str, name: &str| assert_eq!(LogName::of(&routing, key).to_string(), name);
        check("team", "team");
        check("mail/ana@x.example", "mail/1");
        check("mail/bo@x.example", "mail/2");
        check("mail/gone@x.example", "mail");
        let said = |text: &str| LogName::of(&routing, "mail/bo@x.example").without_receiver(text);
        assert_eq!(said("550 <Bo@X.example>: no bo@x.example"), "550 <[the receiver]>: no [the receiver]");
        assert_eq!(said("Grüße"), "Grüße");
        assert_eq!(LogName::of(&routing, "team").without_receiver("no team"), "no team");
    }

    #[test]
    fn quiet_hours_are_local_and_may_be_over_midnight() {
        let zone = TimeZone::get("Europe/Athens").expect("a zone");
        let night = |from: i8, until: i8| Quiet {
            from: Time::constant(from, 0, 0, 0),
            until: Time::constant(until, 0, 0, 0),
            zone: zone.clone(),
        };
        let check = |quiet: &Quiet, now: &str, expected: Option<&str>| {
            assert_eq!(quiet.ends_after(at(now)), expected.map(at), "{now}");
        };
        // Athens is two hours ahead in winter, three in summer.
        let over_midnight = night(22, 7);
        check(&over_midnight, "2026-11-21T19:59:59Z", None);
        check(&over_midnight, "2026-11-21T20:00:00Z", Some("2026-11-22T05:00:00Z"));
        check(&over_midnight, "2026-11-22T04:59:59Z", Some("2026-11-22T05:00:00Z"));
        check(&over_midnight, "2026-11-22T05:00:00Z", None);
        check(&over_midnight, "2026-07-01T19:30:00Z", Some("2026-07-02T04:00:00Z"));
        let siesta = night(14, 16);
        check(&siesta, "2026-11-21T13:00:00Z", Some("2026-11-21T14:00:00Z"));
        check(&siesta, "2026-11-21T20:00:00Z", None);
        // On 2026-03-29 clocks go from 03:00 to 04:00: 03:00 is when they have.
        check(&night(22, 3), "2026-03-29T00:30:00Z", Some("2026-03-29T01:00:00Z"));
    }

    #[test]
    fn a_digest_is_sent_at_the_next_hour_or_time_of_day() {
        let zone = TimeZone::get("Europe/Athens").expect("a zone");
        let check = |digest: Digest, now: &str, expected: Option<&str>| {
            assert_eq!(digest.next(at(now), &zone), expected.map(at), "{now}");
        };
        check(Digest::Off, "2026-11-21T12:00:00Z", None);
        check(Digest::Hourly, "2026-11-21T12:00:00Z", Some("2026-11-21T13:00:00Z"));
        check(Digest::Hourly, "2026-11-21T12:59:59Z", Some("2026-11-21T13:00:00Z"));
        check(Digest::Hourly, "2026-11-21T12:59:59.999Z", Some("2026-11-21T13:00:00Z"));
        let hourly = |zone: &str, now: &str, expected: &str| {
            let zone = TimeZone::get(zone).expect("a zone");
            assert_eq!(Digest::Hourly.next(at(now), &zone), Some(at(expected)), "{now}");
        };
        // India is five hours and a half ahead, Nepal a quarter of an hour more.
        hourly("Asia/Kolkata", "2026-11-21T12:00:00Z", "2026-11-21T12:30:00Z");
        hourly("Asia/Kolkata", "2026-11-21T12:30:00Z", "2026-11-21T13:30:00Z");
        hourly("Asia/Kathmandu", "2026-11-21T12:14:59.5Z", "2026-11-21T12:15:00Z");
        // In the hour that is twice, each counts; at 02:00 of 2026-10-04 clocks of Lord Howe go to 02:30.
        hourly("Europe/Athens", "2026-10-25T00:30:00Z", "2026-10-25T01:00:00Z");
        hourly("Australia/Lord_Howe", "2026-10-03T15:15:00Z", "2026-10-03T16:00:00Z");
        let daily = Digest::Daily(Time::constant(8, 0, 0, 0));
        check(daily, "2026-11-21T05:59:59Z", Some("2026-11-21T06:00:00Z"));
        check(daily, "2026-11-21T06:00:00Z", Some("2026-11-22T06:00:00Z"));
    }
}
