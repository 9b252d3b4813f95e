//! `roster changes`: differences between snapshots that were noticed.

use roster_protocol::Change;
use roster_protocol::service::ChangesQuery;

use super::pages;
use super::when::When;
use crate::client::{response, short_call};
use crate::output::json;
use crate::output::rows::Form;
use crate::output::table::Table;
use crate::output::text::{metric_value, time};
use crate::output::{Ending, Failure, Look};
use crate::session::Session;

/// `roster changes`
#[derive(Debug, clap::Args)]
pub struct Changes {
    /// Noticed then or later: 2026-11-21, 12h, 7d, 1y
    #[arg(long, value_name = "DATE")]
    since: Option<When>,
    /// At most so many [default: all with --since, else the newest 1,000]
    #[arg(long, value_name = "N")]
    limit: Option<u64>,
    #[command(flatten)]
    form: Form,
}

impl Changes {
    pub(crate) async fn run(self, session: &mut Session) -> Result<Ending, Failure> {
        session.output.shape(&self.form, false)?;
        let since = self.since.map(|since| since.since(&session.output.look.now)).transpose()?;
        let client = session.connect().await?;
        let found = pages::read(pages::wanted(self.limit, since.is_some()), async |mark, limit| {
            response(client.changes(short_call(), ChangesQuery { since, of: None, mark, limit }).await)
        });
        let found = found.await?;
        let changes = || found.rows.iter().map(json::events::Change::from).collect();
        session.output.print(|| json::events::ChangeList { changes: changes() }, |look| text(&found.rows, look))?;
        found.report_cut(self.limit, &session.output);
        Ok(Ending::Done)
    }
}

fn text(changes: &[Change], look: &Look) -> String {
    let mut table = Table::new(&["WHEN", "INFLUENCER", "PLATFORM", "METRIC", ">FROM", ">TO", "CAUSE", "PROFILE"]);
    for change in changes {
        table.row([
            time(change.at, &look.now).into(),
            change.influencer_name.as_str().into(),
            change.platform.as_str().into(),
            change.metric.as_str().replace('_', " ").into(),
            metric_value(change.metric, change.from).into(),
            metric_value(change.metric, change.to).into(),
            change.cause.as_str().into(),
            if change.significant { "updated" } else { "" }.into(),
        ]);
    }
    table.render(look.paint)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;
    use roster_protocol::Metric;

    #[test]
    fn json_has_the_names_scripts_rely_on() {
        let rate = Change { metric: Metric::EngagementRate, from: None, to: Some(0.0525), ..samples::change() };
        let likes = Change { metric: Metric::AvgLikes, from: Some(610.4), to: Some(0.1 + 0.2), ..samples::change() };
        let changes = [samples::change(), rate, likes].iter().map(json::events::Change::from).collect();
        insta::assert_snapshot!(samples::lines(json::events::ChangeList { changes }), @r#"
        {"changes":[{"at":"2026-11-21T14:18:00Z","influencer":"aibaeaqc","connection":"ambqgayd",
        "platform":"youtube","metric":"followers","from":12345,"to":10400,"cause":"sync"},
        {"at":"2026-11-21T14:18:00Z","influencer":"aibaeaqc","connection":"ambqgayd","platform":"youtube",
        "metric":"engagement_rate","from":null,"to":0.0525,"cause":"sync"},{"at":"2026-11-21T14:18:00Z",
        "influencer":"aibaeaqc","connection":"ambqgayd","platform":"youtube","metric":"avg_likes",
        "from":610.4,"to":0.3,"cause":"sync"}]}
        "#);
    }

    #[test]
    fn text_shows_from_and_to() {
        insta::assert_snapshot!(text(&[samples::change()], &samples::look()), @r"
        WHEN              INFLUENCER      PLATFORM  METRIC       FROM      TO  CAUSE  PROFILE
        2026-11-21 14:18  Mara Lindqvist  youtube   followers  12,345  10,400  sync   updated
        ");
    }
}
