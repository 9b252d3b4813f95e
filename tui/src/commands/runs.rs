//! `roster runs`: every due slot and its end.

use roster_protocol::notice::grouped;
use roster_protocol::service::RunsQuery;
use roster_protocol::status::Coverage;
use roster_protocol::{Outcome, Run};

use super::pages;
use super::status::coverage;
use super::when::When;
use crate::client::{response, short_call};
use crate::output::json;
use crate::output::rows::Form;
use crate::output::table::{Cell, Table, Tone};
use crate::output::text::{count, duration, time};
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
    #[command(flatten)]
    form: Form,
}

impl Runs {
    pub(crate) async fn run(self, session: &mut Session) -> Result<Ending, Failure> {
        session.output.shape(&self.form, false)?;
        let since = self.since.map(|since| since.since(&session.output.look.now)).transpose()?;
        let client = session.connect().await?;
        let found = pages::read(pages::wanted(self.limit, since.is_some()), async |mark, limit| {
            let query = RunsQuery { since, connection: self.connection.clone(), outcome: self.outcome, mark, limit };
            response(client.runs(short_call(), query).await)
        });
        let found = found.await?;
        session.output.print(|| json::events::RunList::new(&found.rows), |look| text(&found.rows, look))?;
        found.report_cut(self.limit, &session.output);
        Ok(Ending::Done)
    }
}

fn text(runs: &[Run], look: &Look) -> String {
    let headings = ["STARTED", "OUTCOME", "INFLUENCER", "PLATFORM", ">FOLLOWERS", ">LATE", ">TOOK", "CAUSE", "WHY"];
    let mut table = Table::new(&headings);
    for run in runs {
        table.row([
            time(run.started_at, &look.now).into(),
            outcome(run.outcome),
            run.influencer_name.as_str().into(),
            run.platform.as_str().into(),
            count(run.followers).into(),
            late(run).into(),
            format!("{:.1}s", run.duration_ms as f64 / 1000.0).into(),
            run.cause.as_str().replace('_', " ").into(),
            why(run, look).into(),
        ]);
    }
    let table = table.render(look.paint);
    if runs.len() < 2 { table } else { format!("{table}\n{}\n", coverage(&Coverage::of(runs))) }
}

/// How late its slot was run, from a minute on.
fn late(run: &Run) -> String {
    let late = run.late_ms();
    if late < 60_000 { String::new() } else { duration(late as u64) }
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
    let (first, last) = (time(run.due_at, &look.now), time(run.slot_at, &look.now));
    match (run.missed, run.retry_at) {
        (0, Some(at)) => format!("{error} · again {}", time(at, &look.now)),
        (0, None) => error.to_owned(),
        (1, _) => format!("missed {first}: {error}"),
        (count, _) => format!("missed {} slots, {first} to {last}: {error}", grouped(count)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    fn missed() -> Run {
        Run {
            missed: 3,
            due_at: samples::at("02:00:00"),
            slot_at: samples::at("14:00:00"),
            outcome: Outcome::Skipped,
            followers: None,
            error: Some("rosterd did not run".to_owned()),
            ..samples::run()
        }
    }

    #[test]
    fn json_has_the_names_scripts_rely_on() {
        let runs = json::events::RunList::new(&[missed()]);
        insta::assert_snapshot!(samples::lines(runs), @r#"
        {"expected":3,"ok":0,"partial":0,"failed":0,"skipped":3,"runs":[{"connection":"ambqgayd",
        "influencer":"aibaeaqc","influencer_name":"Mara Lindqvist","platform":"youtube",
        "due_at":"2026-11-21T02:00:00Z","slot_at":"2026-11-21T14:00:00Z","missed":3,
        "started_at":"2026-11-21T14:18:00Z","late_s":1080,"duration_ms":120,"outcome":"skipped",
        "followers":null,"error":"rosterd did not run","retry_at":null,"cause":"person"}]}
        "#);
    }

    #[test]
    fn text_says_when_and_how() {
        insta::assert_snapshot!(text(&[samples::run(), missed()], &samples::look()), @r"
        STARTED           OUTCOME  INFLUENCER      PLATFORM  FOLLOWERS    LATE  TOOK  CAUSE   WHY
        2026-11-21 14:18  ok       Mara Lindqvist  youtube      12,345   1m 0s  0.1s  person
        2026-11-21 14:18  skipped  Mara Lindqvist  youtube           –  18m 0s  0.1s  person  missed 3 slots, 2026-11-21 02:00 to 2026-11-21 14:00: rosterd did not run

        25.0% of 4: 1 ok, 3 skipped
        ");
        assert_eq!(text(&[], &samples::look()), "");
    }
}
