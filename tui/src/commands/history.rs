//! `roster history`: a connection's snapshots, oldest first; days that were not measured are absent.

use roster_protocol::{Metric, Snapshot};

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
        let (mut snapshots, mut last) = (Vec::new(), None);
        let connection = loop {
            let part = response(client.history(short_call(), self.connection.clone(), since, until).await)?;
            snapshots.extend(part.snapshots);
            match part.next {
                // Each part must begin later than the one before, or this would never end.
                Some(next) if last.is_none_or(|last| next > last) => (last, since) = (Some(next), Some(next.into())),
                _ => break part.connection,
            }
        };
        if let Some(metric) = self.metric {
            snapshots.retain(|snapshot| metric.of(&snapshot.numbers).is_some());
        }
        let json = || json::History {
            connection: connection.to_string(),
            snapshots: snapshots.iter().map(json::Snapshot::from).collect(),
        };
        session.output.print(json, |look| text(&snapshots, self.metric, look))?;
        if snapshots.is_empty() {
            session.output.remark("nothing was measured in that time");
        }
        Ok(Ending::Done)
    }
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

fn text(snapshots: &[Snapshot], only: Option<Metric>, look: &Look) -> String {
    let columns = match only {
        Some(metric) => vec![(metric, ">VALUE")],
        None => USUAL.to_vec(),
    };
    let headings = std::iter::once("DATE").chain(columns.iter().map(|(_, heading)| *heading)).chain(["SOURCE"]);
    let mut table = Table::new(&headings.collect::<Vec<_>>());
    for snapshot in snapshots {
        let values = columns.iter().map(|(column, _)| Cell::from(metric(*column, &snapshot.numbers)));
        let source = Cell::new(snapshot.source.as_str(), Tone::Quiet);
        table.row(std::iter::once(Cell::from(snapshot.date.to_string())).chain(values).chain([source]));
    }
    table.render(look.paint)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    #[test]
    fn json_has_the_names_scripts_rely_on() {
        let history = json::History { connection: "amb".into(), snapshots: vec![(&samples::snapshot()).into()] };
        insta::assert_snapshot!(samples::lines(history), @r#"
        {"connection":"amb","snapshots":[{"date":"2026-11-21","observed_at":"2026-11-21T14:18:00Z",
        "source":"api","followers":12345,"followers_step":100,"following":null,"posts":120,
        "engagement_rate":0.0525,"avg_likes":610.4,"avg_comments":38.25,"avg_views":8100,
        "audience":{"male":0.41,"female":0.57,"top_age_range":"25-34"}}]}
        "#);
    }

    #[test]
    fn text_has_a_line_for_each_day() {
        let mut yesterday = samples::snapshot();
        yesterday.date = yesterday.date.plus_days(-1);
        yesterday.numbers.followers = Some(1_240_000);
        let days = [yesterday, samples::snapshot()];
        insta::assert_snapshot!(text(&days, None, &samples::look()), @r"
        DATE        FOLLOWERS  FOLLOWING  POSTS    ENG  LIKES  COMMENTS  VIEWS  SOURCE
        2026-11-20  1,240,000          –    120  5.25%  610.4     38.25  8,100  api
        2026-11-21     12,345          –    120  5.25%  610.4     38.25  8,100  api
        ");
        insta::assert_snapshot!(text(&days, Some(Metric::EngagementRate), &samples::look()), @r"
        DATE        VALUE  SOURCE
        2026-11-20  5.25%  api
        2026-11-21  5.25%  api
        ");
    }
}
