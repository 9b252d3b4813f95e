//! `roster sync`: marks connections due and waits for their runs.

use roster_protocol::{Outcome, RosterClient, RosterError, Run, SyncTarget, SyncTicket};

use super::asking;
use super::progress::Progress;
use super::runs::outcome;
use crate::client::{long_call, response, short_call};
use crate::output::json;
use crate::output::table::{Paint, Table};
use crate::output::text::count;
use crate::output::{Ending, Failure, Look, while_read};
use crate::session::Session;

/// `roster sync`
#[derive(Debug, clap::Args)]
pub struct Sync {
    /// An influencer or a connection; without it, all that is due
    target: Option<String>,
    /// Everything that is not paused
    #[arg(long, conflicts_with = "target")]
    all: bool,
    /// Does not wait for the runs to end
    #[arg(long)]
    no_wait: bool,
    /// Does not ask before everything is synced
    #[arg(long)]
    yes: bool,
}

impl Sync {
    pub(crate) async fn run(self, session: &mut Session) -> Result<Ending, Failure> {
        let client = session.connect().await?;
        if self.all && !self.yes && asking::is_attended() {
            let all = asking::all_connections(&client).await?;
            let question = format!("Sync {all} now? It takes from what each platform allows in a day.");
            asking::ask(&question, &session.output).await?;
        }
        let target = match self.target {
            _ if self.all => SyncTarget::All,
            Some(name) => SyncTarget::One(name),
            None => SyncTarget::Due,
        };
        let ticket = response(client.sync(short_call(), target).await)?;
        if self.no_wait {
            let queued =
                || json::events::Queued { queued: ticket.queued(), skipped: ticket.skipped, earlier: ticket.earlier };
            session.output.print(queued, |_| format!("{} queued\n", ticket.queued()))?;
            remark_earlier(ticket, session);
            return Ok(Ending::Done);
        }
        let paint = session.output.look.paint;
        let runs = while_read(async { Ok(wait(&client, ticket, paint).await?) }).await?;
        session.output.print(|| json::events::Synced::new(ticket, &runs), |look| text(ticket.expected, &runs, look))?;
        remark_earlier(ticket, session);
        Ok(ending(ticket.expected, &runs))
    }
}

/// Says that some were not requested again.
fn remark_earlier(ticket: SyncTicket, session: &Session) {
    if ticket.earlier > 0 {
        session.output.remark(&format!(
            "{} synced a moment ago: the run before counts, nothing was requested again ([sync] min_distance)",
            ticket.earlier
        ));
    }
}

/// Waits until every run of a ticket has ended, with a bar on a terminal.
pub(super) async fn wait(client: &RosterClient, ticket: SyncTicket, paint: Paint) -> Result<Vec<Run>, RosterError> {
    let bar = Progress::new(paint);
    let mut runs: Vec<Run> = Vec::new();
    loop {
        let failed = runs.iter().filter(|run| run.outcome != Outcome::Ok).count();
        bar.draw(runs.len() as u64, ticket.expected, failed as u64);
        let progress = response(client.sync_progress(long_call(), ticket, runs.len() as u64).await)?;
        runs.extend(progress.runs);
        if progress.done {
            return Ok(runs);
        }
    }
}

/// Done when each run was ok, in part when some were, else none.
fn ending(expected: u64, runs: &[Run]) -> Ending {
    let ok = runs.iter().filter(|run| run.outcome == Outcome::Ok).count() as u64;
    Ending::of(ok, expected.max(runs.len() as u64))
}

fn text(expected: u64, runs: &[Run], look: &Look) -> String {
    if expected == 0 {
        return "nothing to sync\n".to_owned();
    }
    let mut table = Table::new(&["OUTCOME", "INFLUENCER", "PLATFORM", ">FOLLOWERS", ">TOOK", "=WHY"]);
    for run in runs {
        table.row([
            outcome(run.outcome),
            run.influencer_name.as_str().into(),
            run.platform.as_str().into(),
            count(run.followers).into(),
            format!("{:.1}s", run.duration_ms as f64 / 1000.0).into(),
            super::runs::why(run, look).into(),
        ]);
    }
    let ok = runs.iter().filter(|run| run.outcome == Outcome::Ok).count();
    format!("{}{ok} of {expected} ok\n", table.render(look.paint))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::document;
    use crate::samples;

    fn limited() -> Run {
        Run {
            platform: "tiktok".into(),
            outcome: Outcome::Skipped,
            followers: None,
            error: Some("it asked to come back later".into()),
            retry_at: Some(samples::at("15:00:00")),
            ..samples::run()
        }
    }

    #[test]
    fn json_has_the_names_scripts_rely_on() {
        let ticket = SyncTicket { id: 1, expected: 2, skipped: 1, earlier: 1 };
        insta::assert_snapshot!(samples::lines(json::events::Synced::new(ticket, &[limited(), samples::run()])), @r#"
        {"expected":2,"ok":1,"partial":0,"failed":0,"skipped":1,"runs":[{"connection":"ambqgayd",
        "platform":"tiktok","outcome":"skipped","followers":null,"error":"it asked to come back later",
        "retry_at":"2026-11-21T15:00:00Z","duration_ms":120,"earlier":false},{"connection":"ambqgayd",
        "platform":"youtube","outcome":"ok","followers":12345,"error":null,"retry_at":null,
        "duration_ms":120,"earlier":true}]}
        "#);
        let queued = document(&json::events::Queued { queued: 7, skipped: 1, earlier: 2 }).expect("a number");
        assert_eq!(queued, "{\"queued\":7,\"skipped\":1,\"earlier\":2}\n");
    }

    #[test]
    fn runs_that_were_not_ok_decide_the_exit_code() {
        let run = |outcome| Run { outcome, ..samples::run() };
        let check = |outcomes: &[Outcome], expected: u64, code: u8| {
            let runs: Vec<Run> = outcomes.iter().copied().map(run).collect();
            assert_eq!(ending(expected, &runs).code(), code, "{outcomes:?}");
        };
        check(&[], 0, 0);
        check(&[Outcome::Ok, Outcome::Ok], 2, 0);
        check(&[Outcome::Ok, Outcome::Failed], 2, 6);
        check(&[Outcome::Ok, Outcome::Skipped], 2, 6);
        check(&[Outcome::Ok, Outcome::Partial], 2, 6);
        check(&[Outcome::Failed, Outcome::Skipped], 2, 1);
        // One of the two went away before its turn.
        check(&[Outcome::Ok], 2, 6);
    }

    #[test]
    fn text_shows_the_result_of_each() {
        insta::assert_snapshot!(text(2, &[samples::run(), limited()], &samples::look()), @r"
        OUTCOME  INFLUENCER      PLATFORM  FOLLOWERS  TOOK  WHY
        ok       Mara Lindqvist  youtube      12,345  0.1s
        skipped  Mara Lindqvist  tiktok            –  0.1s  it asked to come back later · again 2026-11-21 15:00
        1 of 2 ok
        ");
        assert_eq!(text(0, &[], &samples::look()), "nothing to sync\n");
    }
}
