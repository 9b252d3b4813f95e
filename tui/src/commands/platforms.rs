//! `roster platforms`: how each platform is configured and behaves.

use roster_protocol::notice::grouped;
use roster_protocol::{ApiAccess, PlatformState, PlatformStatus};

use super::Session;
use crate::client::{answer, soon};
use crate::output::json;
use crate::output::people::{ago, ahead};
use crate::output::table::{Cell, Table, Tone};
use crate::output::{Ending, Failure, Look};

/// `roster platforms`
#[derive(Debug, clap::Args)]
pub struct Platforms {}

impl Platforms {
    pub(super) async fn run(self, session: &mut Session) -> Result<Ending, Failure> {
        let client = session.connect().await?;
        let platforms = answer(client.platforms(soon()).await)?;
        session.output.answer(
            || json::status::PlatformList::from(platforms.as_slice()),
            |look| platform_table(&platforms, look),
        )?;
        Ok(Ending::Done)
    }
}

/// One line for each platform.
pub(super) fn platform_table(platforms: &[PlatformStatus], look: &Look) -> String {
    let mut table = Table::new(&["PLATFORM", "STATE", "NEEDS", ">CONNECTIONS", "24 H", "LAST OK", "NEXT", "WHY"]);
    for platform in platforms {
        table.row([
            platform.platform.as_str().into(),
            state(platform),
            needs(platform.api).into(),
            grouped(platform.connections).into(),
            share(platform).into(),
            ago(platform.last_ok_at, &look.now).into(),
            ahead(platform.next_due_at, &look.now).into(),
            platform.reason.as_deref().unwrap_or_default().into(),
        ]);
    }
    table.render(look.paint)
}

fn state(platform: &PlatformStatus) -> Cell {
    match platform.state {
        _ if !platform.enabled => Cell::new("off", Tone::Quiet),
        _ if platform.paused => Cell::new("‖ paused", Tone::Plain),
        PlatformState::Ok => Cell::new("● ok", Tone::Good),
        PlatformState::Limited => Cell::new("◐ limited", Tone::Warn),
        PlatformState::Down => Cell::new("✗ down", Tone::Bad),
        PlatformState::Unconfigured => Cell::new("not configured", Tone::Quiet),
    }
}

fn needs(api: ApiAccess) -> &'static str {
    match api {
        ApiAccess::Public => "a handle",
        ApiAccess::Key => "an API key",
        ApiAccess::Consent => "consent",
    }
}

fn share(platform: &PlatformStatus) -> String {
    let coverage = platform.coverage_24h;
    if coverage.expected == 0 {
        return crate::output::people::UNKNOWN.to_owned();
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
        {"platforms":[{"platform":"youtube","enabled":true,"configured":true,"state":"ok",
        "last_ok_at":"2026-11-21T14:18:00Z","api":"key","scopes":[],"redirect_uri":null},
        {"platform":"bluesky","enabled":true,"configured":true,"state":"limited","last_ok_at":null,
        "api":"public","scopes":[],"redirect_uri":null}]}
        "#);
    }
}
