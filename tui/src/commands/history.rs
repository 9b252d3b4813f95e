//! `roster history`: a connection's snapshots, oldest first; days that were not measured are absent, and of days that are
//! long past there are weeks.

use roster_protocol::reported::{DayMetric, DayTerms, ReportedDay};
use roster_protocol::{Metric, Snapshot, Week};

use super::when::When;
use crate::client::{response, short_call};
use crate::output::json;
use crate::output::rows::Form;
use crate::output::table::{Cell, Table, Tone};
use crate::output::text::{count, metric};
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
    /// What the platform reports to the owner of days that are over: gained, lost, reach and others
    #[arg(long, conflicts_with = "metric")]
    days: bool,
    #[command(flatten)]
    form: Form,
}

impl History {
    pub(crate) async fn run(self, session: &mut Session) -> Result<Ending, Failure> {
        session.output.shape(&self.form, false)?;
        let day = |when: Option<When>| when.map(|when| when.day(&session.output.look.now)).transpose();
        let (mut since, until) = (day(self.since)?, day(self.until)?);
        let client = session.connect().await?;
        let (mut weeks, mut snapshots, mut days, mut last) = (Vec::new(), Vec::new(), Vec::new(), None);
        let (connection, terms) = loop {
            let part = response(client.history(short_call(), self.connection.clone(), since, until).await)?;
            weeks.extend(part.weeks);
            snapshots.extend(part.snapshots);
            days.extend(part.reported.days);
            match part.next {
                // Each part must begin later than the one before, or this would never end.
                Some(next) if last.is_none_or(|last| next > last) => (last, since) = (Some(next), Some(next.into())),
                _ => break (part.connection, part.reported.terms),
            }
        };
        if let Some(metric) = self.metric {
            weeks.retain(|week: &Week| metric.of(&week.last).is_some());
            snapshots.retain(|snapshot: &Snapshot| metric.of(&snapshot.numbers).is_some());
        }
        let json = || json::History {
            connection: connection.to_string(),
            snapshots: rows(&weeks, &snapshots),
            days: days.iter().map(Into::into).collect(),
            day_terms: terms.as_ref().map(Into::into),
        };
        if self.days {
            session.output.print(json, |look| reported(&days, terms.as_ref(), look))?;
            if days.is_empty() {
                session.output.remark("nothing was reported of days in that time");
            }
            return Ok(Ending::Done);
        }
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

/// The headings of the figures of days, in their order.
const FIGURES: [&str; DayMetric::ALL.len()] = [
    ">FOLLOWERS",
    ">GAINED",
    ">LOST",
    ">REACH",
    ">VIEWS",
    ">ENGAGED VIEWS",
    ">MINUTES",
    ">LIKES",
    ">COMMENTS",
    ">SHARES",
    ">SAVES",
    ">REPOSTS",
    ">ENGAGEMENTS",
    ">PROFILE VIEWS",
];

/// A line for each day with what the platform reports at all; below it from when on something else is counted.
fn reported(days: &[ReportedDay], terms: Option<&DayTerms>, look: &Look) -> String {
    let is_reported = |metric: &DayMetric| days.iter().any(|day| day.numbers.get(*metric).is_some());
    let columns: Vec<DayMetric> = DayMetric::ALL.into_iter().filter(is_reported).collect();
    let headings = columns.iter().map(|metric| FIGURES[*metric as usize]);
    let mut table = Table::new(&std::iter::once("DATE").chain(headings).collect::<Vec<_>>());
    for day in days {
        let figures = columns.iter().map(|metric| Cell::from(count(day.numbers.get(*metric))));
        table.row(std::iter::once(Cell::from(day.date.to_string())).chain(figures));
    }
    let breaks = terms.iter().flat_map(|terms| &terms.breaks).filter(|it| columns.contains(&it.metric));
    let breaks = breaks.map(|it| format!("{} from {}: {}\n", it.metric.label(), it.from, it.what));
    table.render(look.paint) + &breaks.collect::<String>()
}

#[cfg(test)]
mod tests {
    use roster_protocol::reported::Reported;

    use super::*;
    use crate::samples;

    #[test]
    fn json_has_the_names_scripts_rely_on() {
        let history = json::History {
            connection: "amb".into(),
            snapshots: rows(&[samples::week()], &[samples::snapshot()]),
            days: vec![],
            day_terms: None,
        };
        insta::assert_snapshot!(samples::lines(history), @r#"
        {"connection":"amb","snapshots":[{"period":"week","date":"2024-11-18","days":6,"source":"api",
        "read_with":"public","followers":12000,"followers_step":100,"following":null,"posts":null,
        "engagement_rate":null,"avg_likes":null,"avg_comments":null,"avg_views":null,"avg_reach":null,
        "avg_reposts":null,"audience":{"male":null,"female":null,"top_age_range":null},
        "first":{"followers":11900},"min":{"followers":11800},"max":{"followers":12300}},{"period":"day",
        "date":"2026-11-21","observed_at":"2026-11-21T14:18:00Z","source":"api","read_with":null,
        "by_hand":[],"followers":12345,"followers_step":100,"following":null,"posts":120,
        "engagement_rate":0.0525,"avg_likes":610.4,"avg_comments":38.25,"avg_views":8100,"avg_reach":5100.5,
        "avg_reposts":null,"audience":{"male":0.41,"female":0.57,"top_age_range":"25-34"}}],"days":[],
        "day_terms":null}
        "#);
    }

    #[test]
    fn what_is_reported_of_days_is_a_table_of_its_own() {
        let Reported { days, terms, .. } = samples::reported();
        insta::assert_snapshot!(reported(&days, terms.as_ref(), &samples::look()), @r"
        DATE        GAINED  LOST      VIEWS
        2026-11-17     120    31  1,240,000
        2026-11-18      98     0          –
        views from 2026-08-24: each start counts
        ");
        assert_eq!(reported(&[], None, &samples::look()), "");
        let json = json::History {
            connection: "amb".into(),
            snapshots: vec![],
            days: days.iter().map(Into::into).collect(),
            day_terms: terms.as_ref().map(Into::into),
        };
        insta::assert_snapshot!(samples::lines(json), @r#"
        {"connection":"amb","snapshots":[],"days":[{"date":"2026-11-17","followers":null,"gained":120,
        "lost":31,"reach":null,"views":1240000,"engaged_views":null,"watch_minutes":null,"likes":null,
        "comments":null,"shares":null,"saves":null,"reposts":null,"engagements":null,"profile_views":null},
        {"date":"2026-11-18","followers":null,"gained":98,"lost":0,"reach":null,"views":null,
        "engaged_views":null,"watch_minutes":null,"likes":null,"comments":null,"shares":null,"saves":null,
        "reposts":null,"engagements":null,"profile_views":null}],"day_terms":{"zone":"America/Los_Angeles",
        "figures":[{"name":"gained","source":"subscribersGained",
        "definition":"those who subscribed on the day","step":1},{"name":"lost","source":"subscribersLost",
        "definition":"those who left on the day","step":1},{"name":"views","source":"views",
        "definition":"plays from their start on","step":1}],"breaks":[{"name":"views","from":"2026-08-24",
        "what":"each start counts"}]}}
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
