//! `roster record`: a snapshot typed by a person.

use roster_protocol::{AgeRange, Mean, Metric, Numbers, Ratio, RosterError, Snapshot};

use super::values::{count, mean, ratio};
use super::when::When;
use crate::client::{answer, soon};
use crate::output::json;
use crate::output::text::metric;
use crate::output::{Ending, Failure};
use crate::session::Session;

/// `roster record`
#[derive(Debug, clap::Args)]
pub struct Record {
    /// Id, beginning of an id, platform:handle, or a profile's URL
    connection: String,
    /// The day it was so: 2026-11-21, today, yesterday
    #[arg(long, value_name = "DATE")]
    date: When,
    /// Those subscribed to the account, such as 12345 or 12.3k
    #[arg(long, value_name = "N", value_parser = count)]
    followers: Option<u64>,
    /// Those the account is subscribed to
    #[arg(long, value_name = "N", value_parser = count)]
    following: Option<u64>,
    /// Posts of the account
    #[arg(long, value_name = "N", value_parser = count)]
    posts: Option<u64>,
    /// Engagements per post by followers: 5% or 0.05
    #[arg(long, value_name = "RATE", value_parser = ratio)]
    engagement_rate: Option<Ratio>,
    /// Likes per post
    #[arg(long, value_name = "X", value_parser = mean)]
    avg_likes: Option<Mean>,
    /// Comments per post
    #[arg(long, value_name = "X", value_parser = mean)]
    avg_comments: Option<Mean>,
    /// Views per post
    #[arg(long, value_name = "X", value_parser = mean)]
    avg_views: Option<Mean>,
    /// Share of men in the audience: 41% or 0.41
    #[arg(long, value_name = "RATE", value_parser = ratio)]
    audience_male: Option<Ratio>,
    /// Share of women in the audience
    #[arg(long, value_name = "RATE", value_parser = ratio)]
    audience_female: Option<Ratio>,
    /// Age range of most of the audience: 13-17, 18-24, …, 65+
    #[arg(long, value_name = "RANGE")]
    top_age_range: Option<AgeRange>,
    /// Replaces what was measured on that day
    #[arg(long)]
    replace: bool,
}

impl Record {
    pub(crate) async fn run(self, session: &mut Session) -> Result<Ending, Failure> {
        let numbers = self.numbers();
        if numbers == Numbers::default() {
            return Err(RosterError::usage("no number is given").hint("give --followers, --posts or another").into());
        }
        let date = self.date.day(&session.output.look.now)?;
        let client = session.connect().await?;
        let snapshot = answer(client.record(soon(), self.connection, date, numbers, self.replace).await)?;
        session.output.answer(|| json::Snapshot::from(&snapshot), |_| text(&snapshot))?;
        Ok(Ending::Done)
    }

    fn numbers(&self) -> Numbers {
        Numbers {
            followers: self.followers,
            following: self.following,
            posts: self.posts,
            engagement_rate: self.engagement_rate,
            avg_likes: self.avg_likes,
            avg_comments: self.avg_comments,
            avg_views: self.avg_views,
            audience_male: self.audience_male,
            audience_female: self.audience_female,
            top_age_range: self.top_age_range,
        }
    }
}

/// `2026-11-21 (manual): followers 12,345, posts 120`
fn text(snapshot: &Snapshot) -> String {
    let known = Metric::ALL.into_iter().filter(|metric| metric.of(&snapshot.numbers).is_some());
    let told = known.map(|name| format!("{} {}", name.as_str().replace('_', " "), metric(name, &snapshot.numbers)));
    let age = snapshot.numbers.top_age_range.map(|range| format!("mostly aged {range}"));
    let told = told.chain(age).collect::<Vec<_>>().join(", ");
    format!("{} ({}): {told}\n", snapshot.date, snapshot.source.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        record: Record,
    }

    #[test]
    fn numbers_that_were_not_given_stay_unknown() {
        let line = ["record", "c", "--date", "2026-11-21", "--followers", "10k", "--engagement-rate", "5%"];
        let record = Line::try_parse_from(line).map(|line| line.record).expect("a record");
        let expected = Numbers { followers: Some(10_000), engagement_rate: Some(Ratio(50_000)), ..Numbers::default() };
        assert_eq!(record.numbers(), expected);
    }

    #[test]
    fn people_read_what_was_stored() {
        assert_eq!(
            text(&samples::snapshot()),
            "2026-11-21 (api): followers 12,345, posts 120, engagement rate 5.25%, avg likes 610.4, \
             avg comments 38.25, avg views 8,100, audience male 41%, audience female 57%, mostly aged 25-34\n"
        );
    }
}
