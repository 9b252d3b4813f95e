//! `roster runs`: every due slot and its end.

use roster_protocol::service::RunsQuery;
use roster_protocol::{Outcome, Run};

use super::pages;
use super::when::When;
use crate::client::{response, short_call};
use crate::output::json;
use crate::output::table::{Cell, Table, Tone};
use crate::output::text::{count, time};
use crate::output::{Ending, Failure, Look};
use crate::session::Session;

/// `roster runs`
#[derive(Debug, clap::Args)]
pub struct Runs {
    /// Started then or later: 2026-11-21, 12h, 7d, 1y
    #[arg(long, value_name = "DATE")]
    since: Option<When>,
    /// Of this connection only
    #[arg(long, value_name = "CONNECTION")]
    connection: Option<String>,
    /// That ended so only: ok, partial, failed or skipped
    #[arg(long, value_name = "OUTCOME")]
    outcome: Option<Outcome>,
    /// At most so many [default: all with --since, else the newest 1,000]
    #[arg(long, value_name = "N")]
    limit: Option<u64>,
}

impl Runs {
    pub(crate) async fn run(self, session: &mut Session) -> Result<Ending, Failure> {
        let since = self.since.map(|since| since.since(&session.output.look.now)).transpose()?;
        let client = session.connect().await?;
        let found = pages::read(pages::wanted(self.limit, since.is_some()), async |mark, limit| {
            let query = RunsQuery { since, connection: self.connection.clone(), outcome: self.outcome, mark, limit };
            response(client.runs(short_call(), query).await)
        });
        let found = found.await?;
        let json = || json::events::RunList { runs: found.rows.iter().map(json::events::Run::from).collect() };
        session.output.print(json, |look| text(&found.rows, look))?;
        found.report_cut(self.limit, &session.output);
        Ok(Ending::Done)
    }
}

fn text(runs: &[Run], look: &Look) -> String {
    let headings = ["STARTED", "OUTCOME", "INFLUENCER", "PLATFORM", ">FOLLOWERS", ">TOOK", "CAUSE", "WHY"];
    let mut table = Table::new(&headings);
    for run in runs {
        table.row([
            time(run.started_at, &look.now).into(),
            outcome(run.outcome),
            run.influencer_name.as_str().into(),
            run.platform.as_str().into(),
            count(run.followers).into(),
            format!("{:.1}s", run.duration_ms as f64 / 1000.0).into(),
            run.cause.as_str().replace('_', " ").into(),
            why(run, look).into(),
        ]);
    }
    table.render(look.paint)
}

/// An outcome in its tone.
pub(super) fn outcome(outcome: Outcome) -> Cell {
    let tone = match outcome {
        Outcome::Ok => Tone::Good,
        Outcome::Partial | Outcome::Skipped => Tone::Warn,
        Outcome::Failed => Tone::Bad,
    };
    Cell::new(outcome.as_str(), tone)
}

/// What was not well, and when it is tried again.
pub(super) fn why(run: &Run, look: &Look) -> String {
    let error = run.error.as_deref().unwrap_or_default();
    match run.retry_at {
        Some(at) => format!("{error} · again {}", time(at, &look.now)),
        None => error.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    #[test]
    fn json_has_the_names_scripts_rely_on() {
        let runs = json::events::RunList { runs: vec![(&samples::run()).into()] };
        insta::assert_snapshot!(samples::lines(runs), @r#"
        {"runs":[{"connection":"ambqgayd","platform":"youtube","due_at":"2026-11-21T14:17:00Z",
        "started_at":"2026-11-21T14:18:00Z","late_s":60,"duration_ms":120,"outcome":"ok","error":null,
        "retry_at":null,"cause":"person"}]}
        "#);
    }

    #[test]
    fn text_says_when_and_how() {
        insta::assert_snapshot!(text(&[samples::run()], &samples::look()), @r"
        STARTED           OUTCOME  INFLUENCER      PLATFORM  FOLLOWERS  TOOK  CAUSE
        2026-11-21 14:18  ok       Mara Lindqvist  youtube      12,345  0.1s  person
        ");
        assert_eq!(text(&[], &samples::look()), "");
    }
}
