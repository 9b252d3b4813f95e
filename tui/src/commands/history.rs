//! `roster history`: a connection's snapshots, oldest first; days that were not measured are absent, and of days that are
//! long past there are weeks.

use roster_protocol::{Metric, Snapshot, Week};

use super::when::When;
use crate::client::{response, short_call};
use crate::output::json;
use crate::output::table::{Cell, Table, Tone};
use crate::output::text::metric;
use crate::output::{Ending, Failure, Look};
use crate::session::Session;

/// `roster history`
#[derive(Debug, clap::Args)]
pub struct History {
    /// Id, beginning of an id, platform:handle, or a profile's URL
    connection: String,
    #[arg(long, value_name = "METRIC", help = metric_help())]
    metric: Option<Metric>,
    /// From this day on: 2026-11-21, 7d, 3mo, 1y
    #[arg(long, value_name = "DATE")]
    since: Option<When>,
    /// Up to this day, which is included
    #[arg(long, value_name = "DATE")]
    until: Option<When>,
}

impl History {
    pub(crate) async fn run(self, session: &mut Session) -> Result<Ending, Failure> {
        let day = |when: Option<When>| when.map(|when| when.day(&session.output.look.now)).transpose();
        let (mut since, until) = (day(self.since)?, day(self.until)?);
        let client = session.connect().await?;
        let (mut weeks, mut snapshots, mut last) = (Vec::new(), Vec::new(), None);
        let connection = loop {
            let part = response(client.history(short_call(), self.connection.clone(), since, until).await)?;
            weeks.extend(part.weeks);
            snapshots.extend(part.snapshots);
            match part.next {
                // Each part must begin later than the one before, or this would never end.
                Some(next) if last.is_none_or(|last| next > last) => (last, since) = (Some(next), Some(next.into())),
                _ => break part.connection,
            }
        };
        if let Some(metric) = self.metric {
            weeks.retain(|week: &Week| metric.of(&week.last).is_some());
            snapshots.retain(|snapshot: &Snapshot| metric.of(&snapshot.numbers).is_some());
        }
        let json = || json::History { connection: connection.to_string(), snapshots: rows(&weeks, &snapshots) };
        session.output.print(json, |look| text(&weeks, &snapshots, self.metric, look))?;
        if weeks.is_empty() && snapshots.is_empty() {
            session.output.remark("nothing was measured in that time");
        }
        Ok(Ending::Done)
    }
}

fn rows(weeks: &[Week], snapshots: &[Snapshot]) -> Vec<json::HistoryRow> {
    let weeks = weeks.iter().map(|week| json::HistoryRow::Week(Box::new(week.into())));
    weeks.chain(snapshots.iter().map(|day| json::HistoryRow::Day(day.into()))).collect()
}

fn metric_help() -> String {
    let names = Metric::ALL.map(Metric::as_str);
    let (last, others) = names.split_last().unwrap_or((&"", &[]));
    format!("Only days on which this is known: {} or {last}", others.join(", "))
}

/// The columns when no metric was given.
const USUAL: [(Metric, &str); 7] = [
    (Metric::Followers, ">FOLLOWERS"),
    (Metric::Following, ">FOLLOWING"),
    (Metric::Posts, ">POSTS"),
    (Metric::EngagementRate, ">ENG"),
    (Metric::AvgLikes, ">LIKES"),
    (Metric::AvgComments, ">COMMENTS"),
    (Metric::AvgViews, ">VIEWS"),
];

/// A week's numbers are those of its last day; of one metric the least and the most are there, too.
fn text(weeks: &[Week], snapshots: &[Snapshot], only: Option<Metric>, look: &Look) -> String {
    let columns = match only {
        Some(metric) => vec![(metric, ">VALUE")],
        None => USUAL.to_vec(),
    };
    let spread = only.filter(|_| !weeks.is_empty());
    let more: &[&str] = if spread.is_some() { &[">LEAST", ">MOST", "SOURCE"] } else { &["SOURCE"] };
    let headings = std::iter::once("DATE").chain(columns.iter().map(|(_, heading)| *heading));
    let mut table = Table::new(&headings.chain(more.iter().copied()).collect::<Vec<_>>());
    for week in weeks {
        let date = format!("{} {} of 7 days", week.date, week.days);
        let values = columns.iter().map(|(column, _)| Cell::from(metric(*column, &week.last)));
        let bounds = spread.into_iter().flat_map(|one| [metric(one, &week.least), metric(one, &week.most)]);
        let source = Cell::new(week.source.as_str(), Tone::Quiet);
        table.row(std::iter::once(Cell::from(date)).chain(values).chain(bounds.map(Cell::from)).chain([source]));
    }
    for snapshot in snapshots {
        let values = columns.iter().map(|(column, _)| Cell::from(metric(*column, &snapshot.numbers)));
        let source = Cell::new(snapshot.source.as_str(), Tone::Quiet);
        let bounds = spread.into_iter().flat_map(|_| ["", ""]).map(|none| Cell::from(none.to_owned()));
        table.row(std::iter::once(Cell::from(snapshot.date.to_string())).chain(values).chain(bounds).chain([source]));
    }
    table.render(look.paint)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    #[test]
    fn json_has_the_names_scripts_rely_on() {
        let history =
            json::History { connection: "amb".into(), snapshots: rows(&[samples::week()], &[samples::snapshot()]) };
        insta::assert_snapshot!(samples::lines(history), @r#"
        {"connection":"amb","snapshots":[{"period":"week","date":"2024-11-18","days":6,"source":"api",
        "read_with":"public","followers":12000,"followers_step":100,"following":null,"posts":null,
        "engagement_rate":null,"avg_likes":null,"avg_comments":null,"avg_views":null,
        "audience":{"male":null,"female":null,"top_age_range":null},"first":{"followers":11900},
        "min":{"followers":11800},"max":{"followers":12300}},{"period":"day","date":"2026-11-21",
        "observed_at":"2026-11-21T14:18:00Z","source":"api","read_with":null,"by_hand":[],"followers":12345,
        "followers_step":100,"following":null,"posts":120,"engagement_rate":0.0525,"avg_likes":610.4,
        "avg_comments":38.25,"avg_views":8100,"audience":{"male":0.41,"female":0.57,
        "top_age_range":"25-34"}}]}
        "#);
    }

    #[test]
    fn text_has_a_line_for_each_day() {
        let mut yesterday = samples::snapshot();
        yesterday.date = yesterday.date.plus_days(-1);
        yesterday.numbers.followers = Some(1_240_000);
        let days = [yesterday, samples::snapshot()];
        insta::assert_snapshot!(text(&[], &days, None, &samples::look()), @r"
        DATE        FOLLOWERS  FOLLOWING  POSTS    ENG  LIKES  COMMENTS  VIEWS  SOURCE
        2026-11-20  1,240,000          –    120  5.25%  610.4     38.25  8,100  api
        2026-11-21     12,345          –    120  5.25%  610.4     38.25  8,100  api
        ");
        insta::assert_snapshot!(text(&[samples::week()], &days, Some(Metric::Followers), &samples::look()), @r"
        DATE                        VALUE   LEAST    MOST  SOURCE
        2024-11-18 6 of 7 days     12,000  11,800  12,300  api
        2026-11-20              1,240,000                  api
        2026-11-21                 12,345                  api
        ");
        insta::assert_snapshot!(text(&[], &days, Some(Metric::EngagementRate), &samples::look()), @r"
        DATE        VALUE  SOURCE
        2026-11-20  5.25%  api
        2026-11-21  5.25%  api
        ");
    }
}
