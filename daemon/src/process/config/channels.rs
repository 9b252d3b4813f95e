//! `[channels.*]` and `[[routes]]`: where alerts are delivered.
//!
//! Here is what all channels share: which keys each kind has, and the routes. What the keys of a channel mean is known where
//! the channel is made.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Time;
use jiff::tz::TimeZone;
use roster_protocol::alert::Severity;
use roster_protocol::delivery::ChannelKind;
use roster_protocol::rule::is_name;
use roster_protocol::text::clean;
use roster_protocol::time::Seconds;
use serde::Deserialize;
use toml::de::{DeTable, DeValue};

use super::unknown;
use crate::model::{ChannelInfo, DESKTOP, Digest, Escalation, Quiet, Route, Routing};

/// The most channels, and the most routes.
const MOST: usize = 100;
/// An alert that is unseen for longer than this is not escalated.
const LONGEST_ESCALATION: Seconds = Seconds(7 * 24 * 3600);

/// How long a single move waits for a group unless configured: accounts that fall together do so within seconds of a pass.
const WAIT: Seconds = Seconds(30);
/// After this no group begins with it any more.
const LONGEST_WAIT: Seconds = Seconds(15 * 60);

/// The channels as written, by name, and the routes.
#[derive(Clone, Default)]
pub struct Channels {
    pub sections: BTreeMap<String, Section>,
    pub routing: Routing,
}

/// A channel's section. It may hold secrets.
#[derive(Clone)]
pub struct Section {
    pub kind: ChannelKind,
    pub table: toml::Table,
}

/// Keys of channels whose values are secrets.
pub const SECRETS: [&str; 4] = ["url", "secret", "password", "token"];

/// The keys of a kind's section, besides `kind`.
pub const fn keys(kind: ChannelKind) -> &'static [&'static str] {
    match kind {
        ChannelKind::Desktop => &[],
        ChannelKind::Slack | ChannelKind::Discord => &["url", "url_file", "allow_private", "wait"],
        ChannelKind::Webhook => &["url", "url_file", "secret", "secret_file", "allow_private", "wait"],
        ChannelKind::Email => &["smtp", "username", "password", "password_file", "from", "to", "digest", "wait"],
        ChannelKind::Push => &["url", "url_file", "token", "token_file", "allow_private", "wait"],
    }
}

/// The keys of a route.
pub const ROUTE_KEYS: [&str; 7] = ["to", "rules", "severities", "tags", "platforms", "quiet", "escalate"];
const ESCALATION_KEYS: [&str; 2] = ["after", "to"];

/// Finds the first key of a channel that its kind does not have: its offset, and what to write instead.
pub(super) fn check_keys(channels: &DeTable<'_>) -> Result<(), (usize, String)> {
    for (name, value) in channels {
        let DeValue::Table(section) = value.get_ref() else { continue };
        let kind = section.iter().find(|(key, _)| key.get_ref() == "kind").map(|(_, value)| value.get_ref());
        let kind: Option<ChannelKind> = kind.and_then(DeValue::as_str).and_then(|kind| kind.parse().ok());
        let Some(kind) = kind else { continue };
        let known = [&["kind"], keys(kind)].concat();
        check(section, &format!("channels.{}", name.get_ref()), &known)?;
    }
    Ok(())
}

/// The same of routes.
pub(super) fn check_route_keys(routes: &DeValue<'_>) -> Result<(), (usize, String)> {
    let DeValue::Array(routes) = routes else { return Ok(()) };
    for route in routes {
        let DeValue::Table(route) = route.get_ref() else { continue };
        check(route, "routes", &ROUTE_KEYS)?;
        let escalate = route.iter().find(|(key, _)| key.get_ref() == "escalate");
        if let Some(DeValue::Table(escalate)) = escalate.map(|(_, value)| value.get_ref()) {
            check(escalate, "routes.escalate", &ESCALATION_KEYS)?;
        }
    }
    Ok(())
}

fn check(table: &DeTable<'_>, path: &str, known: &[&str]) -> Result<(), (usize, String)> {
    match table.iter().find(|(key, _)| !known.contains(&key.get_ref().as_ref())) {
        None => Ok(()),
        Some((key, _)) => {
            let name = key.get_ref();
            Err((key.span().start, unknown("key", &format!("{path}.{name}"), name, known)))
        }
    }
}

/// `[[routes]]` as written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawRoute {
    #[serde(default)]
    to: Vec<String>,
    #[serde(default)]
    rules: Vec<String>,
    #[serde(default)]
    severities: Vec<String>,
    #[serde(default)]
    tags: Vec<String>,
    #[serde(default)]
    platforms: Vec<String>,
    quiet: Option<String>,
    escalate: Option<RawEscalation>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawEscalation {
    after: String,
    to: Vec<String>,
}

/// A dotted key, with an index where it is in a list, and what is wrong with it.
type Problem = (String, String);

/// The channels and routes of the config; `zone` is the daemon's.
pub(super) fn read(
    channels: BTreeMap<String, toml::Table>,
    routes: Vec<RawRoute>,
    zone: &TimeZone,
) -> Result<Channels, Problem> {
    if channels.len() > MOST || routes.len() > MOST {
        let what = if channels.len() > MOST { "channels" } else { "routes" };
        return Err((what.to_owned(), format!("there are more than {MOST} {what}")));
    }
    let sections: BTreeMap<String, Section> = channels
        .into_iter()
        .map(|(name, table)| section(&name, table).map(|section| (name, section)))
        .collect::<Result<_, _>>()?;
    let mut infos = Vec::new();
    for (name, section) in &sections {
        infos.extend(receivers(name, section)?);
    }
    let mut desktops = infos.iter().filter(|info| info.kind == ChannelKind::Desktop);
    let desktop_is_implicit = desktops.next().is_none();
    if let Some(second) = desktops.next() {
        return Err((format!("channels.{}", second.name), "there is one desktop: give it one name".to_owned()));
    }
    if desktop_is_implicit {
        infos.push(ChannelInfo::desktop());
    }
    infos.sort_by(|one, other| one.name.cmp(&other.name));
    let mut routing = Routing { channels: infos, desktop_is_implicit, routes: Vec::new(), zone: zone.clone() };
    let routes = routes.into_iter().enumerate();
    routing.routes = routes
        .map(|(index, raw)| {
            let at = |(key, message): (&str, String)| (format!("routes.{index}.{key}"), message);
            route(raw, &routing).map_err(at)
        })
        .collect::<Result<_, _>>()?;
    Ok(Channels { sections, routing })
}

fn section(name: &str, mut table: toml::Table) -> Result<Section, Problem> {
    let at = |key: &str, message: String| (format!("channels.{name}{key}"), message);
    if !is_name(name) {
        let wrong = "a channel's name has lower-case letters, digits and -, 40 at most".to_owned();
        return Err(at("", wrong));
    }
    let all = ChannelKind::ALL.map(ChannelKind::as_str).join(", ");
    let kind = match table.remove("kind") {
        Some(toml::Value::String(kind)) => kind.parse().map_err(|_| at(".kind", format!("is one of {all}")))?,
        Some(_) => return Err(at(".kind", format!("is one of {all}"))),
        None => return Err(at("", format!("needs kind, one of {all}"))),
    };
    if name == DESKTOP && kind != ChannelKind::Desktop {
        return Err(at(".kind", "a channel of this name is the desktop: give another channel another name".to_owned()));
    }
    Ok(Section { kind, table })
}

/// A channel as deliveries have it. Each recipient of an e-mail is one, so that what one server refuses is not sent twice
/// to others.
fn receivers(name: &str, section: &Section) -> Result<Vec<ChannelInfo>, Problem> {
    let info = info(name, section)?;
    let to = section.table.get("to").and_then(toml::Value::as_array).filter(|_| section.kind == ChannelKind::Email);
    let Some(to) = to else { return Ok(vec![info]) };
    let addresses = to.iter().map(|to| address(to.as_str().unwrap_or_default()));
    Ok(addresses.map(|address| ChannelInfo { key: format!("{name}/{address}"), ..info.clone() }).collect())
}

/// The address in `Ana <ana@example.com>`.
fn address(text: &str) -> String {
    let inner = text.rsplit_once('<').map_or(text, |(_, address)| address.trim_end().trim_end_matches('>'));
    clean(inner, 254).to_lowercase()
}

fn info(name: &str, section: &Section) -> Result<ChannelInfo, Problem> {
    let digest = match section.table.get("digest") {
        None => Some(Digest::Off),
        Some(text) => text.as_str().and_then(digest),
    };
    let wrong = || (format!("channels.{name}.digest"), "is \"off\", \"hourly\" or a time such as \"08:00\"".to_owned());
    if section.kind == ChannelKind::Desktop {
        return Ok(ChannelInfo { name: name.to_owned(), ..ChannelInfo::desktop() });
    }
    let wait = section.table.get("wait").map_or(Ok(WAIT), |text| wait(text.as_str().unwrap_or_default()));
    let wait = wait.map_err(|message| (format!("channels.{name}.wait"), message))?;
    let (name, key) = (name.to_owned(), name.to_owned());
    Ok(ChannelInfo { name, key, kind: section.kind, digest: digest.ok_or_else(wrong)?, wait })
}

fn wait(text: &str) -> Result<Seconds, String> {
    let span: Option<jiff::Span> = text.parse().ok();
    let seconds = span.and_then(|span| span.total(jiff::Unit::Second).ok());
    let seconds = seconds.filter(|seconds| (0.0..=LONGEST_WAIT.0 as f64).contains(seconds));
    let wrong = || "is not between 0s and 15m: write \"30s\", or \"0s\" for none".to_owned();
    seconds.map(|seconds| Seconds(seconds as u64)).ok_or_else(wrong)
}

fn digest(text: &str) -> Option<Digest> {
    match text {
        "off" => Some(Digest::Off),
        "hourly" => Some(Digest::Hourly),
        time => time_of_day(time).map(Digest::Daily),
    }
}

fn time_of_day(text: &str) -> Option<Time> {
    Time::strptime("%H:%M", text).ok()
}

fn route(raw: RawRoute, routing: &Routing) -> Result<Route, (&'static str, String)> {
    if let Some(rule) = raw.rules.iter().find(|rule| !is_name(rule)) {
        return Err(("rules", format!("{rule:?} is no name of a rule")));
    }
    let severities = raw.severities.iter().map(|text| severity(text)).collect::<Result<_, _>>();
    let quiet = raw.quiet.as_deref().map(|text| quiet(text, &routing.zone)).transpose();
    Ok(Route {
        to: keys_of(&raw.to, routing).map_err(|message| ("to", message))?,
        rules: raw.rules,
        severities: severities.map_err(|message| ("severities", message))?,
        tags: raw.tags,
        platforms: raw.platforms,
        quiet: quiet.map_err(|message| ("quiet", message))?,
        escalate: raw
            .escalate
            .map(|raw| escalation(raw, routing))
            .transpose()
            .map_err(|message| ("escalate", message))?,
    })
}

fn escalation(raw: RawEscalation, routing: &Routing) -> Result<Escalation, String> {
    let after = super::interval(&raw.after)?;
    if after > LONGEST_ESCALATION {
        return Err(format!("{:?} is longer than 7d", raw.after));
    }
    let to = keys_of(&raw.to, routing)?;
    if to.iter().any(|key| key == DESKTOP) {
        return Err("the desktop shows an alert at once: escalate to another channel".to_owned());
    }
    Ok(Escalation { after, to })
}

/// What deliveries name the channels by that a route names; each once.
fn keys_of(names: &[String], routing: &Routing) -> Result<Vec<String>, String> {
    if names.is_empty() {
        return Err("name one channel at least: to = [\"…\"]".to_owned());
    }
    let known: Vec<&str> = routing.channels.iter().map(|channel| channel.name.as_str()).collect();
    let mut keys = BTreeSet::new();
    for name in names {
        if !known.contains(&name.as_str()) {
            return Err(unknown("channel", &format!("{name:?}"), name, &known));
        }
        keys.extend(routing.named(name).map(|channel| channel.key.clone()));
    }
    Ok(keys.into_iter().collect())
}

fn severity(text: &str) -> Result<Severity, String> {
    let all = [Severity::Info, Severity::Warning, Severity::Critical];
    let found = all.into_iter().find(|severity| severity.as_str() == text);
    found.ok_or_else(|| format!("{text:?} is no severity: info, warning, critical"))
}

/// `22:00-07:00`, with or without a zone behind it.
fn quiet(text: &str, own: &TimeZone) -> Result<Quiet, String> {
    let wrong = || format!("{text:?} is no time: write \"22:00-07:00\" or \"22:00-07:00 Europe/Athens\"");
    let (hours, zone) = text.trim().split_once(' ').map_or((text.trim(), None), |(hours, zone)| (hours, Some(zone)));
    let (from, until) = hours.split_once('-').ok_or_else(wrong)?;
    let (from, until) = time_of_day(from).zip(time_of_day(until)).ok_or_else(wrong)?;
    if from == until {
        return Err("both times are the same: a channel that is always quiet is taken out of the route".to_owned());
    }
    let zone = match zone.map(str::trim) {
        None => own.clone(),
        Some(name) => TimeZone::get(name)
            .map_err(|_| format!("{name:?} is no time zone: write an IANA name such as \"Europe/Athens\""))?,
    };
    Ok(Quiet { from, until, zone })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::config::Config;

    const CHANNELS: &str =
        "[channels.desk]\nkind = \"desktop\"\n[channels.team]\nkind = \"slack\"\nurl = \"https://x\"\n";

    #[test]
    fn channels_and_routes_are_read() {
        let routes = "[[routes]]\nto = [\"team\", \"desk\"]\nrules = [\"big-drop\"]\nseverities = [\"critical\"]\n\
                      quiet = \"22:00-07:30\"\nescalate = { after = \"30m\", to = [\"team\"] }\n";
        let text = format!("[sync]\ntimezone = \"Europe/Athens\"\n{CHANNELS}{routes}");
        let config = Config::parse(&text, "f").expect("a good config");
        let routing = config.channels.routing;
        let names: Vec<_> = routing.channels.iter().map(|it| (it.name.as_str(), it.key.as_str(), it.kind)).collect();
        assert_eq!(names, [("desk", DESKTOP, ChannelKind::Desktop), ("team", "team", ChannelKind::Slack)]);
        let route = &routing.routes[0];
        assert_eq!(
            (route.to.as_slice(), route.severities.as_slice()),
            (&[DESKTOP.to_owned(), "team".to_owned()][..], &[Severity::Critical][..])
        );
        let quiet = route.quiet.as_ref().expect("quiet hours");
        assert_eq!((quiet.from, quiet.until), (Time::constant(22, 0, 0, 0), Time::constant(7, 30, 0, 0)));
        assert_eq!(quiet.zone, TimeZone::get("Europe/Athens").expect("a zone"));
        let escalate = route.escalate.as_ref().expect("an escalation");
        assert_eq!((escalate.after, escalate.to.as_slice()), (Seconds(1800), &["team".to_owned()][..]));
        assert_eq!(routing.channels.iter().map(|it| it.wait.0).collect::<Vec<_>>(), [0, 30]);
        let waits = |wait: &str| {
            let config = Config::parse(&format!("{CHANNELS}wait = \"{wait}\"\n"), "f").expect("a good config");
            config.channels.routing.channel("team").map(|it| it.wait.0)
        };
        assert_eq!((waits("0s"), waits("15m"), waits("1m 5s")), (Some(0), Some(900), Some(65)));
        let none = Config::parse("", "f").expect("defaults").channels.routing;
        assert_eq!(none, Routing { zone: TimeZone::UTC, ..Routing::default() });
    }

    #[test]
    fn each_recipient_of_an_email_has_deliveries_of_its_own() {
        let text = "[channels.mail]\nkind = \"email\"\ndigest = \"08:00\"\nto = [\"Ana <Ana@example.com>\", \"bo@x.example\"]\n\
                    [[routes]]\nto = [\"mail\"]\n";
        let routing = Config::parse(text, "f").expect("a good config").channels.routing;
        assert_eq!(routing.routes[0].to, ["mail/ana@example.com", "mail/bo@x.example"]);
        assert_eq!(routing.name_of("mail/bo@x.example"), "mail");
        assert_eq!(
            routing.channel("mail/bo@x.example").map(|it| it.digest),
            Some(Digest::Daily(Time::constant(8, 0, 0, 0)))
        );
    }

    #[test]
    fn an_error_names_the_line_and_what_to_write_instead() {
        let check = |text: &str, expected: &str| {
            let error = Config::parse(&format!("{CHANNELS}{text}"), "f").err().unwrap_or_else(|| panic!("{text}"));
            assert_eq!(error.to_string(), expected, "{text}");
        };
        check(
            "[channels.x]\nkind = \"slak\"",
            "f:7: channels.x.kind: is one of desktop, slack, discord, webhook, email, push",
        );
        check("[channels.x]\n", "f:6: channels.x: needs kind, one of desktop, slack, discord, webhook, email, push");
        check(
            "[channels.X]\nkind = \"push\"",
            "f:6: channels.X: a channel's name has lower-case letters, digits and -, 40 at most",
        );
        check(
            "[channels.x]\nkind = \"push\"\nurll = \"https://x\"",
            "f:8: unknown key channels.x.urll; did you mean url?",
        );
        check("[channels.two]\nkind = \"desktop\"", "f:6: channels.two: there is one desktop: give it one name");
        check(
            "[channels.x]\nkind = \"email\"\ndigest = \"dayly\"",
            "f:8: channels.x.digest: is \"off\", \"hourly\" or a time such as \"08:00\"",
        );
        let wait = "f:9: channels.x.wait: is not between 0s and 15m: write \"30s\", or \"0s\" for none";
        for wrong in ["\"16m\"", "\"-1s\"", "\"soon\"", "30"] {
            check(&format!("[channels.x]\nkind = \"slack\"\nurl = \"https://x\"\nwait = {wrong}"), wait);
        }
        check(
            "[channels.desk2]\nkind = \"desktop\"\nwait = \"30s\"",
            "f:8: unknown key channels.desk2.wait; known are kind",
        );
        check("[[routes]]\nto = [\"teem\"]", "f:7: unknown channel \"teem\"; did you mean team?");
        check("[[routes]]\nrules = []", "f:6: name one channel at least: to = [\"…\"]");
        check(
            "[[routes]]\nto = [\"team\"]\n\n[[routes]]\nto = [\"team\"]\nqiet = \"\"",
            "f:11: unknown key routes.qiet; did you mean quiet?",
        );
        check(
            "[[routes]]\nto = [\"team\"]\n[[routes]]\nto = [\"team\"]\nquiet = \"late\"",
            "f:10: \"late\" is no time: write \"22:00-07:00\" or \"22:00-07:00 Europe/Athens\"",
        );
        check(
            "[[routes]]\nto = [\"team\"]\nescalate = { after = \"30m\", too = [\"team\"] }",
            "f:8: unknown key routes.escalate.too; did you mean to?",
        );
        check(
            "[[routes]]\nto = [\"team\"]\nescalate = { after = \"30m\", to = [\"desk\"] }",
            "f:8: the desktop shows an alert at once: escalate to another channel",
        );
        check(
            "[[routes]]\nto = [\"team\"]\nseverities = [\"bad\"]",
            "f:8: \"bad\" is no severity: info, warning, critical",
        );
    }
}
