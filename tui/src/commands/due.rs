//! `roster due`: what is synced next.

use roster_protocol::DueRow;
use roster_protocol::service::{DueQuery, PAGE_ROWS};

use super::values::Length;
use crate::client::{response, short_call};
use crate::output::json;
use crate::output::rows::Form;
use crate::output::table::{Cell, Table, Tone};
use crate::output::text::{ahead, time};
use crate::output::{Ending, Failure, Look};
use crate::session::Session;

/// `roster due`
#[derive(Debug, clap::Args)]
pub struct Due {
    /// Due within this time: 30m, 1h, 2d
    #[arg(long, value_name = "TIME")]
    within: Option<Length>,
    /// At most so many [default: all]
    #[arg(long, value_name = "N")]
    limit: Option<u64>,
    #[command(flatten)]
    form: Form,
}

impl Due {
    pub(crate) async fn run(self, session: &mut Session) -> Result<Ending, Failure> {
        session.output.shape(&self.form, false)?;
        let client = session.connect().await?;
        let within = self.within.map(|Length(within)| within);
        let wanted = self.limit.unwrap_or(u64::MAX);
        let mut rows: Vec<DueRow> = Vec::new();
        let (total, late) = loop {
            let offset = rows.len() as u64;
            let query = DueQuery { within, offset, limit: (wanted - offset).min(PAGE_ROWS) };
            let page = response(client.due(short_call(), query).await)?;
            let is_last = page.rows.is_empty();
            rows.extend(page.rows);
            if is_last || rows.len() as u64 >= wanted.min(page.total) {
                break (page.total, page.late);
            }
        };
        let json = || json::events::DueList { due: rows.iter().map(json::events::Due::from).collect(), total, late };
        session.output.print(json, |look| text(&rows, look))?;
        if total == 0 {
            session.output.remark(if within.is_some() { "nothing is due within this time" } else { "nothing is due" });
        }
        Ok(Ending::Done)
    }
}

fn text(rows: &[DueRow], look: &Look) -> String {
    let mut table = Table::new(&["DUE", ">IN", "INFLUENCER", "PLATFORM", "HANDLE", "NOTE"]);
    for row in rows {
        table.row([
            time(row.due_at, &look.now).into(),
            ahead(Some(row.due_at), &look.now).into(),
            row.influencer_name.as_str().into(),
            row.platform.as_str().into(),
            row.handle.as_str().into(),
            note(row, look),
        ]);
    }
    table.render(look.paint)
}

/// What holds it back, and since when it is due already.
fn note(row: &DueRow, look: &Look) -> Cell {
    let by = row.blocked_by.as_ref().map(|by| format!("held by {by}"));
    let late = row.late_ms(look.now.timestamp().into());
    let late = (late >= 60_000).then(|| format!("due since {}", time(row.was_due_at, &look.now)));
    Cell::new(by.into_iter().chain(late).collect::<Vec<_>>().join(", "), Tone::Warn)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    #[test]
    fn text_says_when_and_what_may_keep_it() {
        insta::assert_snapshot!(text(&samples::due(), &samples::look()), @r"
        DUE                   IN  INFLUENCER      PLATFORM  HANDLE        NOTE
        2026-11-21 14:42  in 12m  Mara Lindqvist  youtube   @mara
        2026-11-21 20:15   in 5h  Mara Lindqvist  bluesky   mara.example  held by limit, due since 2026-11-21 12:15
        ");
        assert_eq!(text(&[], &samples::look()), "");
    }

    #[test]
    fn json_has_the_names_scripts_rely_on() {
        let due = samples::due().iter().map(json::events::Due::from).collect();
        insta::assert_snapshot!(samples::lines(json::events::DueList { due, total: 5, late: 1 }), @r#"
        {"due":[{"connection":"ambqgayd","influencer":"aibaeaqc","influencer_name":"Mara Lindqvist",
        "platform":"youtube","handle":"@mara","due_at":"2026-11-21T14:42:00Z",
        "was_due_at":"2026-11-21T14:42:00Z","blocked_by":null},{"connection":"ambqgayd",
        "influencer":"aibaeaqc","influencer_name":"Mara Lindqvist","platform":"bluesky",
        "handle":"mara.example","due_at":"2026-11-21T20:15:00Z","was_due_at":"2026-11-21T12:15:00Z",
        "blocked_by":"limit"}],"total":5,"late":1}
        "#);
    }
}
