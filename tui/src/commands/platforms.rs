//! `roster platforms`: how each platform is configured and behaves, and whether its set-up works.

use futures::future::join_all;
use roster_protocol::notice::grouped;
use roster_protocol::{ApiAccess, PlatformCheck, PlatformState, PlatformStatus, RosterClient};

use crate::client::{long_call, response, short_call};
use crate::output::json;
use crate::output::rows::Form;
use crate::output::table::{Cell, Table, Tone};
use crate::output::text::{ago, ahead, date_of};
use crate::output::{Ending, Failure, Look, while_read};
use crate::session::Session;

/// `roster platforms`
#[derive(Debug, clap::Args)]
pub struct Platforms {
    #[command(subcommand)]
    verb: Option<Verb>,
    #[command(flatten)]
    form: Form,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Checks whether a platform is set up right, by real calls where they show it; ends with 1 when something is not,
    /// with 6 when that is so of some of all
    Test {
        /// The platform; without it, all that are configured
        platform: Option<String>,
    },
}

impl Platforms {
    pub(crate) async fn run(self, session: &mut Session) -> Result<Ending, Failure> {
        session.output.shape(&self.form, false)?;
        let client = session.connect().await?;
        if let Some(Verb::Test { platform: Some(platform) }) = self.verb {
            let checks = client.test_platform(long_call(), platform.to_lowercase());
            let checks = while_read(async { Ok(response(checks.await)?) }).await?;
            let json = || json::consent::CheckList::from(checks.as_slice());
            session.output.print(json, |look| check_table(&checks, look))?;
            return Ok(if is_well(&checks) { Ending::Done } else { Ending::NotWell });
        }
        let platforms = response(client.platforms(short_call()).await)?;
        if self.verb.is_some() {
            return test_all(&client, &platforms, session).await;
        }
        session.output.print(
            || json::status::PlatformList::from(platforms.as_slice()),
            |look| platform_table(&platforms, look) + &consent_table(&platforms, look),
        )?;
        Ok(Ending::Done)
    }
}

/// Tests each platform that is configured, and ends as a command about many does.
async fn test_all(
    client: &RosterClient,
    platforms: &[PlatformStatus],
    session: &mut Session,
) -> Result<Ending, Failure> {
    let is_tested = |platform: &&PlatformStatus| platform.enabled && platform.configured;
    let (tested, others): (Vec<_>, Vec<_>) = platforms.iter().partition(is_tested);
    let test = async |platform: &PlatformStatus| {
        let checks = response(client.test_platform(long_call(), platform.platform.clone()).await);
        // One that cannot be tested does not hide the others.
        let checks = checks.unwrap_or_else(|error| {
            vec![PlatformCheck { what: "test".to_owned(), ok: Some(false), message: error.message }]
        });
        (platform.platform.clone(), checks)
    };
    let tested = while_read(async { Ok(join_all(tested.into_iter().map(test)).await) }).await?;
    let json = || json::consent::TestedPlatforms::of(&tested);
    session.output.print(json, |look| tested_table(&tested, look))?;
    if !others.is_empty() {
        let names: Vec<&str> = others.iter().map(|platform| platform.platform.as_str()).collect();
        session.output.remark(&format!("not configured, and not tested: {}", names.join(", ")));
    }
    let well = tested.iter().filter(|(_, checks)| is_well(checks)).count();
    Ok(Ending::of(well as u64, tested.len() as u64))
}

/// What the settings of each platform's app must contain; empty where no platform needs consent.
fn consent_table(platforms: &[PlatformStatus], look: &Look) -> String {
    let mut table = Table::new(&["PLATFORM", "APP", "=REDIRECT URI", "=ASKS FOR"]);
    for platform in platforms.iter().filter(|platform| platform.redirect_uri.is_some()) {
        table.row([
            platform.platform.as_str().into(),
            if platform.consents { Cell::new("● set up", Tone::Good) } else { Cell::new("not set up", Tone::Quiet) },
            platform.redirect_uri.as_deref().unwrap_or_default().into(),
            platform.scopes.join(" ").into(),
        ]);
    }
    match table.render(look.paint) {
        empty if empty.is_empty() => empty,
        table => format!("\n{table}"),
    }
}

/// One line for each thing that was checked.
fn check_table(checks: &[PlatformCheck], look: &Look) -> String {
    let mut table = Table::new(&["", "WHAT", "=FOUND"]);
    for check in checks {
        table.row([sign(check), check.what.as_str().into(), check.message.as_str().into()]);
    }
    table.render(look.paint)
}

/// The same of several platforms, each named once.
fn tested_table(tested: &[(String, Vec<PlatformCheck>)], look: &Look) -> String {
    let mut table = Table::new(&["PLATFORM", "", "WHAT", "=FOUND"]);
    for (platform, checks) in tested {
        for (index, check) in checks.iter().enumerate() {
            let platform = if index == 0 { platform.as_str() } else { "" };
            table.row([platform.into(), sign(check), check.what.as_str().into(), check.message.as_str().into()]);
        }
    }
    table.render(look.paint)
}

fn sign(check: &PlatformCheck) -> Cell {
    match check.ok {
        Some(true) => Cell::new("✓", Tone::Good),
        Some(false) => Cell::new("✗", Tone::Bad),
        None => Cell::new("?", Tone::Warn),
    }
}

/// Whether nothing is known not to be well.
fn is_well(checks: &[PlatformCheck]) -> bool {
    checks.iter().all(|check| check.ok != Some(false))
}

/// One line for each platform.
pub(super) fn platform_table(platforms: &[PlatformStatus], look: &Look) -> String {
    let mut table = Table::new(&["PLATFORM", "STATE", "NEEDS", ">CONNECTIONS", "24 H", "LAST OK", "NEXT", "=WHY"]);
    for platform in platforms {
        table.row([
            platform.platform.as_str().into(),
            state(platform),
            needs(platform).into(),
            grouped(platform.connections).into(),
            share(platform).into(),
            ago(platform.last_ok_at, &look.now).into(),
            ahead(platform.next_due_at, &look.now).into(),
            why(platform, look).into(),
        ]);
    }
    table.render(look.paint)
}

/// Why the state is not ok, and what it reports no more.
fn why(platform: &PlatformStatus, look: &Look) -> String {
    let withdrawn = platform.withdrawn.iter().map(|(metric, since)| {
        format!("no longer reports {}, since {}", metric.label(), date_of(*since, look.now.time_zone()))
    });
    platform.reason.clone().into_iter().chain(withdrawn).collect::<Vec<_>>().join("; ")
}

fn state(platform: &PlatformStatus) -> Cell {
    match platform.state {
        _ if !platform.enabled => Cell::new("off", Tone::Quiet),
        _ if platform.paused => Cell::new("‖ paused", Tone::Plain),
        PlatformState::Ok if platform.reason.is_some() => Cell::new("◐ ok", Tone::Warn),
        PlatformState::Ok => Cell::new("● ok", Tone::Good),
        PlatformState::Limited => Cell::new("◐ limited", Tone::Warn),
        PlatformState::Down => Cell::new("✗ down", Tone::Bad),
        PlatformState::Unconfigured => Cell::new("not configured", Tone::Quiet),
    }
}

fn needs(platform: &PlatformStatus) -> &'static str {
    match (platform.api, platform.consents) {
        (ApiAccess::Public, _) => "a handle",
        (ApiAccess::Key, false) => "an API key",
        (ApiAccess::Key, true) => "an API key, or consent",
        (ApiAccess::Consent, _) => "consent",
    }
}

fn share(platform: &PlatformStatus) -> String {
    let coverage = platform.coverage_24h;
    if coverage.expected == 0 {
        return crate::output::text::UNKNOWN.to_owned();
    }
    let share = 100.0 * (coverage.ok + coverage.partial) as f64 / coverage.expected as f64;
    format!("{:.1}%", (share * 10.0).floor() / 10.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    #[test]
    fn json_has_the_names_scripts_rely_on() {
        let platforms = samples::status().platforms;
        insta::assert_snapshot!(samples::lines(json::status::PlatformList::from(platforms.as_slice())), @r#"
        {"platforms":[{"platform":"youtube","enabled":true,"configured":true,"paused":false,"state":"ok",
        "reason":null,"connections":400,"last_ok_at":"2026-11-21T14:18:00Z",
        "next_due_at":"2026-11-21T14:34:00Z","held_until":null,"coverage_24h":{"expected":1600,"ok":1590,
        "partial":0,"failed":10,"skipped":0},"budget":{"platform":"youtube","lane":"youtube","unit":"units",
        "account":null,"used":6240,"limit":10000,"window_ends_at":"2026-11-21T20:00:00Z","reserve":1000,
        "interval_s":21600,"stretched_interval_s":27000},"withdrawn":[{"metric":"avg_views",
        "since":"2026-11-21T08:00:00Z"}],"api":"key","scopes":[],"redirect_uri":null},{"platform":"bluesky",
        "enabled":true,"configured":true,"paused":false,"state":"limited",
        "reason":"it asked to come back at 15:00","connections":300,"last_ok_at":null,
        "next_due_at":"2026-11-21T14:34:00Z","held_until":null,"coverage_24h":{"expected":0,"ok":0,
        "partial":0,"failed":0,"skipped":0},"budget":null,"withdrawn":[{"metric":"avg_views",
        "since":"2026-11-21T08:00:00Z"}],"api":"public","scopes":[],"redirect_uri":null}]}
        "#);
    }
    #[test]
    fn text_says_what_an_app_s_settings_must_hold() {
        let mut platforms = samples::status().platforms;
        assert_eq!(consent_table(&platforms, &samples::look()), "");
        platforms[0].scopes = vec!["profile".into(), "insights".into()];
        platforms[0].redirect_uri = Some("https://roster.example/oauth/youtube/callback".into());
        platforms[0].consents = true;
        insta::assert_snapshot!(consent_table(&platforms, &samples::look()), @r"
        PLATFORM  APP       REDIRECT URI                                   ASKS FOR
        youtube   ● set up  https://roster.example/oauth/youtube/callback  profile insights
        ");
        insta::assert_snapshot!(samples::lines(json::status::PlatformList::from(&platforms[..1])), @r#"
        {"platforms":[{"platform":"youtube","enabled":true,"configured":true,"paused":false,"state":"ok",
        "reason":null,"connections":400,"last_ok_at":"2026-11-21T14:18:00Z",
        "next_due_at":"2026-11-21T14:34:00Z","held_until":null,"coverage_24h":{"expected":1600,"ok":1590,
        "partial":0,"failed":10,"skipped":0},"budget":{"platform":"youtube","lane":"youtube","unit":"units",
        "account":null,"used":6240,"limit":10000,"window_ends_at":"2026-11-21T20:00:00Z","reserve":1000,
        "interval_s":21600,"stretched_interval_s":27000},"withdrawn":[{"metric":"avg_views",
        "since":"2026-11-21T08:00:00Z"}],"api":"key","scopes":["profile","insights"],
        "redirect_uri":"https://roster.example/oauth/youtube/callback"}]}
        "#);
    }

    #[test]
    fn a_test_reports_what_is_not_well() {
        let check = |what: &str, ok: Option<bool>, message: &str| PlatformCheck {
            what: what.into(),
            ok,
            message: message.into(),
        };
        let checks = [
            check("id", Some(true), "the platform knows it"),
            check("redirect URI", None, "only a consent can tell"),
            check("secret", Some(false), "the platform refuses it: copy it anew\u{1b}[2J"),
        ];
        insta::assert_snapshot!(check_table(&checks, &samples::look()), @r"
           WHAT          FOUND
        ✓  id            the platform knows it
        ?  redirect URI  only a consent can tell
        ✗  secret        the platform refuses it: copy it anew[2J
        ");
        insta::assert_snapshot!(samples::lines(json::consent::CheckList::from(&checks[..])), @r#"
        {"checks":[{"what":"id","ok":true,"message":"the platform knows it"},{"what":"redirect URI",
        "ok":null,"message":"only a consent can tell"},{"what":"secret","ok":false,
        "message":"the platform refuses it: copy it anew\u001b[2J"}]}
        "#);
        assert_eq!([is_well(&checks), is_well(&checks[..2]), is_well(&[])], [false, true, true]);
        let tested = [("tiktok".to_owned(), checks[1..].to_vec()), ("youtube".to_owned(), checks[..1].to_vec())];
        insta::assert_snapshot!(tested_table(&tested, &samples::look()), @r"
        PLATFORM     WHAT          FOUND
        tiktok    ?  redirect URI  only a consent can tell
                  ✗  secret        the platform refuses it: copy it anew[2J
        youtube   ✓  id            the platform knows it
        ");
        insta::assert_snapshot!(samples::lines(json::consent::TestedPlatforms::of(&tested)), @r#"
        {"platforms":[{"platform":"tiktok","checks":[{"what":"redirect URI","ok":null,
        "message":"only a consent can tell"},{"what":"secret","ok":false,
        "message":"the platform refuses it: copy it anew\u001b[2J"}]},{"platform":"youtube",
        "checks":[{"what":"id","ok":true,"message":"the platform knows it"}]}]}
        "#);
    }
}
