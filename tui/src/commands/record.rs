//! `roster record`: a snapshot typed by a person.

use clap::{Arg, ArgMatches, Args, Command, FromArgMatches};
use roster_protocol::connection::Record as RecordNumbers;
use roster_protocol::{AgeRange, Metric, Numbers, RosterError, Snapshot, Unit};

use super::values::{count, mean, ratio};
use super::when::When;
use crate::client::{response, short_call};
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
    #[command(flatten)]
    given: Given,
    /// Age range of most of the audience: 13-17, 18-24, …, 65+
    #[arg(long, value_name = "RANGE")]
    top_age_range: Option<AgeRange>,
    /// Puts the given numbers in the place of measured ones; the day keeps its others
    #[arg(long)]
    replace: bool,
    /// Holds the given numbers against later syncs of that day
    #[arg(long)]
    keep: bool,
}

impl Record {
    pub(crate) async fn run(self, session: &mut Session) -> Result<Ending, Failure> {
        let numbers = self.numbers();
        if numbers == Numbers::default() {
            return Err(RosterError::usage("no number is given").hint("give --followers, --posts or another").into());
        }
        let day = self.date.day(&session.output.look.now)?;
        let client = session.connect().await?;
        let record = RecordNumbers { day, numbers, replace: self.replace, keep: self.keep };
        let recorded = response(client.record(short_call(), self.connection, record).await)?;
        session.output.print(|| json::Recorded::from(&recorded), |_| text(&recorded.snapshot))?;
        session.output.remark(match recorded.kept {
            true => "later syncs leave these numbers as they are",
            false => "the next sync of that day replaces what the platform reports; --keep holds these numbers",
        });
        Ok(Ending::Done)
    }

    fn numbers(&self) -> Numbers {
        Numbers { top_age_range: self.top_age_range, ..self.given.0.clone() }
    }
}

/// The metrics that are given, an option for each: `--avg-likes X`.
#[derive(Debug)]
struct Given(Numbers);

impl Args for Given {
    fn augment_args(command: Command) -> Command {
        command.args(Metric::ALL.map(option))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for Given {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut given = Self(Numbers::default());
        given.update_from_arg_matches(matches)?;
        Ok(given)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        for metric in Metric::ALL {
            if let Some(raw) = matches.get_one(metric.as_str()) {
                self.0.set(metric, Some(*raw));
            }
        }
        Ok(())
    }
}

fn option(metric: Metric) -> Arg {
    let unit = metric.unit();
    let parse = move |text: &str| match unit {
        Unit::Count => count(text),
        Unit::Mean => mean(text).map(|mean| mean.0),
        Unit::Ratio => ratio(text).map(|ratio| ratio.0 as u64),
    };
    let value_name = match unit {
        Unit::Count => "N",
        Unit::Mean => "X",
        Unit::Ratio => "RATE",
    };
    let long = metric.as_str().replace('_', "-");
    Arg::new(metric.as_str()).long(long).value_name(value_name).value_parser(parse).help(metric.help())
}

/// `2026-11-21 (manual): followers 12,345, posts 120`
fn text(snapshot: &Snapshot) -> String {
    let known = Metric::ALL.into_iter().filter(|metric| metric.of(&snapshot.numbers).is_some());
    let values = known.map(|name| format!("{} {}", name.as_str().replace('_', " "), metric(name, &snapshot.numbers)));
    let age = snapshot.numbers.top_age_range.map(|range| format!("mostly aged {range}"));
    let values = values.chain(age).collect::<Vec<_>>().join(", ");
    format!("{} ({}): {values}\n", snapshot.date, snapshot.source.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;
    use clap::Parser;
    use roster_protocol::Ratio;

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
    fn text_says_what_was_stored() {
        assert_eq!(
            text(&samples::snapshot()),
            "2026-11-21 (api): followers 12,345, posts 120, engagement rate 5.25%, avg likes 610.4, \
             avg comments 38.25, avg views 8,100, audience male 41%, audience female 57%, avg reach 5,100.5, \
             mostly aged 25-34\n"
        );
    }
}
