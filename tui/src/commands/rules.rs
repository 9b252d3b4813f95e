//! `roster rules`: what users hear about. Lists, makes, changes, switches and tests alert rules.

use roster_protocol::notice::grouped;
use roster_protocol::rule::{
    Backtest, Direction, Happening, ListedRule, Rule, RuleParts, Severity, TestedAlert, Window,
};
use roster_protocol::text::{NAME_CHARACTERS, SENTENCE_CHARACTERS, clean};
use roster_protocol::{InfluencerId, Metric, RosterClient, RosterError, Seconds};

use super::values::count;
use super::when::When;
use crate::client::{long_call, response, short_call};
use crate::output::json;
use crate::output::table::{Cell, Table, Tone};
use crate::output::{Ending, Failure, Look};
use crate::session::Session;

/// `roster rules`
#[derive(Debug, clap::Args)]
pub struct Rules {
    #[command(subcommand)]
    verb: Option<Verb>,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Lists all rules, which is also what no verb does
    List,
    /// Makes a rule
    Add {
        /// Its name, such as big-drop
        name: String,
        #[command(flatten)]
        parts: Box<Parts>,
    },
    /// Changes a rule; a built-in one is overridden
    Edit {
        name: String,
        #[command(flatten)]
        parts: Box<Parts>,
    },
    /// Removes what was made of a rule; a built-in one is as it was again
    Remove { name: String },
    /// Switches a rule on
    On { name: String },
    /// Switches a rule off
    Off { name: String },
    /// Says how often a rule, with these changes, would have alerted, with the clearest examples
    Test {
        name: String,
        /// Looks at this day and later only
        #[arg(long, value_name = "SINCE", default_value = "1y", allow_hyphen_values = true)]
        since: When,
        #[command(flatten)]
        parts: Box<Parts>,
    },
}

/// What is given of a rule.
#[derive(Debug, clap::Args)]
struct Parts {
    /// The metric it is about
    #[arg(long, value_name = "METRIC")]
    metric: Option<Metric>,
    /// Which way: down, up, both
    #[arg(long, value_name = "WAY")]
    direction: Option<Direction>,
    /// Within which time: 1d, 7d, 30d
    #[arg(long, value_name = "TIME")]
    over: Option<Window>,
    /// At least so many percent
    #[arg(long, value_name = "PERCENT", allow_negative_numbers = true)]
    percent: Option<f64>,
    /// At least so much, in the metric's own unit
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    absolute: Option<f64>,
    /// At least so many times as far from the median as the account's own days usually are
    #[arg(long, value_name = "TIMES", allow_negative_numbers = true)]
    unusual: Option<f64>,
    /// Crosses one of these levels, such as 10k,100k
    #[arg(long, value_name = "LEVELS", value_delimiter = ',', value_parser = count, allow_negative_numbers = true)]
    crosses: Option<Vec<u64>>,
    /// Something that happens: stale, needs_person, token, platform_down, metric_withdrawn, store, listener
    #[arg(long, value_name = "EVENT")]
    event: Option<Happening>,
    /// After how many intervals without a sync, for stale
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    intervals: Option<u32>,
    /// info, warning, critical
    #[arg(long, value_name = "SEVERITY")]
    severity: Option<Severity>,
    /// How long it stays quiet about the same account afterwards, such as 24h
    #[arg(long, value_name = "TIME", value_parser = super::values::cooldown, allow_hyphen_values = true)]
    cooldown: Option<Seconds>,
    /// Only about influencers with one of these tags
    #[arg(long, value_name = "TAG")]
    tag: Option<Vec<String>>,
    /// Only about accounts on one of these platforms
    #[arg(long, value_name = "PLATFORM")]
    platform: Option<Vec<String>>,
    /// Only about one of these influencers
    #[arg(long, value_name = "INFLUENCER")]
    influencer: Option<Vec<String>>,
    /// Only about accounts with at least so many followers
    #[arg(long, value_name = "N", value_parser = count, allow_negative_numbers = true)]
    followers_min: Option<u64>,
    /// Only about accounts with at most so many followers
    #[arg(long, value_name = "N", value_parser = count, allow_negative_numbers = true)]
    followers_max: Option<u64>,
}

impl Rules {
    pub(crate) async fn run(self, session: &mut Session) -> Result<Ending, Failure> {
        let client = session.connect().await?;
        let changed = match self.verb.unwrap_or(Verb::List) {
            Verb::List => {
                let rules = response(client.rules(long_call()).await)?;
                return print_all(&rules, session);
            }
            Verb::Test { name, since, parts } => {
                let parts = parts.read(&client).await?;
                let since = since.since(&session.output.look.now)?;
                let tested = response(client.test_rule(long_call(), name, parts, Some(since)).await)?;
                session.output.print(|| json::rules::Backtest::from(&tested), |look| shown(&tested, look))?;
                return Ok(Ending::Done);
            }
            Verb::Remove { name } => {
                response(client.remove_rule(short_call(), name.clone()).await)?;
                let rules = response(client.rules(long_call()).await)?;
                let left: Vec<ListedRule> = rules.into_iter().filter(|it| it.rule.name == name).collect();
                return print_all(&left, session);
            }
            Verb::Add { name, parts } => {
                let parts = parts.read(&client).await?;
                response(client.add_rule(short_call(), name, parts).await)?
            }
            Verb::Edit { name, parts } => {
                let parts = parts.read(&client).await?;
                response(client.edit_rule(short_call(), name, parts).await)?
            }
            Verb::On { name } => response(client.edit_rule(short_call(), name, switched(true)).await)?,
            Verb::Off { name } => response(client.edit_rule(short_call(), name, switched(false)).await)?,
        };
        print_all(&[changed], session)
    }
}

fn switched(on: bool) -> RuleParts {
    RuleParts { enabled: Some(on), ..RuleParts::default() }
}

impl Parts {
    /// The same with influencers by id.
    async fn read(self, client: &RosterClient) -> Result<RuleParts, RosterError> {
        let mut influencers: Vec<InfluencerId> = Vec::new();
        for named in self.influencer.iter().flatten() {
            influencers.push(response(client.influencer(short_call(), named.clone()).await)?.row.id);
        }
        Ok(RuleParts {
            whole: false,
            enabled: None,
            metric: self.metric,
            direction: self.direction,
            over: self.over,
            percent: self.percent,
            absolute: self.absolute,
            unusual: self.unusual,
            crosses: self.crosses,
            event: self.event,
            intervals: self.intervals,
            severity: self.severity,
            cooldown: self.cooldown,
            tags: self.tag,
            platforms: self.platform,
            influencers: self.influencer.map(|_| influencers),
            followers_min: self.followers_min,
            followers_max: self.followers_max,
        })
    }
}

fn print_all(rules: &[ListedRule], session: &mut Session) -> Result<Ending, Failure> {
    let json = || json::rules::RuleList { rules: rules.iter().map(json::rules::Rule::from).collect() };
    session.output.print(json, |look| table(rules, look))?;
    Ok(Ending::Done)
}

fn table(rules: &[ListedRule], look: &Look) -> String {
    let mut table = Table::new(&["RULE", "FROM", ">30 D", ">OPEN", "WHAT"]);
    for listed in rules {
        let Rule { name, enabled, .. } = &listed.rule;
        let what = clean(&listed.rule.to_string(), SENTENCE_CHARACTERS);
        table.row([
            clean(name, NAME_CHARACTERS).into(),
            listed.origin.as_str().into(),
            grouped(listed.alerts_30d).into(),
            listed.open.to_string().into(),
            if *enabled { what.into() } else { Cell::new(what, Tone::Quiet) },
        ]);
    }
    table.render(look.paint)
}

/// How often, about how many, and the clearest examples.
fn shown(tested: &Backtest, look: &Look) -> String {
    let Backtest { rule, since, accounts, days, alerts, alerted, examples } = tested;
    let each = tested.per_account_and_year().map_or("–".to_owned(), |each| format!("{each:.2}"));
    let mut text = format!(
        "{rule}\n{} since {since}, {} together: {}, {each} per account and year, about {} of them\n",
        counted(*accounts, "account"),
        counted(*days, "day"),
        counted(*alerts, "alert"),
        grouped(*alerted),
    );
    if !examples.is_empty() {
        let mut table = Table::new(&["DAY", "INFLUENCER", "PLATFORM", "WHAT"]);
        for TestedAlert { date, influencer_name, platform, why, .. } in examples {
            table.row([
                date.to_string().into(),
                clean(influencer_name, NAME_CHARACTERS).into(),
                platform.as_str().into(),
                clean(why, SENTENCE_CHARACTERS).into(),
            ]);
        }
        text.push('\n');
        text.push_str(&table.render(look.paint));
    }
    text
}

/// `1 alert`, `1,234 alerts`.
fn counted(number: u64, word: &str) -> String {
    format!("{} {word}{}", grouped(number), if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use roster_protocol::Date;
    use roster_protocol::rule::{Moved, Origin, Scope, Test};

    use super::*;
    use crate::samples;

    fn rule() -> Rule {
        let moved = Moved {
            metric: Metric::Followers,
            direction: Direction::Down,
            over: Window::Day,
            share: Some(roster_protocol::Ratio(20_000)),
            absolute: Some(500.0),
            unusual: None,
        };
        Rule {
            name: "big-drop".to_owned(),
            enabled: true,
            test: Test::Moved(moved),
            severity: Severity::Warning,
            cooldown: Seconds(24 * 3600),
            only: Scope { tags: vec!["beauty".to_owned()], followers_min: Some(1000), ..Scope::default() },
        }
    }

    fn tested() -> Backtest {
        let alert = samples::alert();
        let example = TestedAlert {
            influencer: InfluencerId::from_bytes([2; 5]),
            influencer_name: "Mara\u{1b}[1m Lindqvist".to_owned(),
            connection: alert.about.connection().expect("a connection"),
            platform: "youtube".to_owned(),
            date: Date(20_000),
            metric: Metric::Followers,
            from: 12_345.0,
            to: 10_400.0,
            score: None,
            why: "followers fell 15.8 % within 24 hours, from 12,345 to 10,400".to_owned(),
        };
        let (accounts, days) = (12, 4380);
        Backtest { rule: rule(), since: Date(19_700), accounts, days, alerts: 6, alerted: 1, examples: vec![example] }
    }

    #[test]
    fn a_list_says_what_each_rule_is_about_and_where_it_is_from() {
        let listed = ListedRule {
            rule: rule(),
            origin: Origin::Config,
            overrides: vec![Origin::BuiltIn],
            open: 2,
            alerts_30d: 1_204,
            file: Some("/etc/roster/rosterd.toml".to_owned()),
        };
        let off = Rule { enabled: false, test: Test::Happened { event: Happening::Stale, intervals: 3 }, ..rule() };
        let off = ListedRule {
            rule: Rule { name: "stale".to_owned(), ..off },
            origin: Origin::BuiltIn,
            overrides: vec![],
            open: 0,
            alerts_30d: 0,
            file: None,
        };
        insta::assert_snapshot!(table(&[listed.clone(), off], &samples::look()), @r"
        RULE      FROM       30 D  OPEN  WHAT
        big-drop  config    1,204     2  followers down by 2 % and 500 within 1d; warning; cooldown 24h; only #beauty, from 1,000 followers
        stale     built-in      0     0  stale after 3 intervals; warning; cooldown 24h; only #beauty, from 1,000 followers; off
        ");
        let json = json::rules::RuleList { rules: vec![json::rules::Rule::from(&listed)] };
        insta::assert_snapshot!(samples::lines(json), @r#"
        {"rules":[{"name":"big-drop","enabled":true,"origin":"config","overrides":["built-in"],"open":2,
        "alerts_30d":1204,"file":"/etc/roster/rosterd.toml","metric":"followers","direction":"down",
        "over":"1d","percent":2,"absolute":500,"unusual":null,"crosses":null,"event":null,"intervals":null,
        "severity":"warning","cooldown_s":86400,"only":{"tags":["beauty"],"platforms":[],"influencers":[],
        "followers_min":1000,"followers_max":null}}]}
        "#);
    }

    #[test]
    fn a_test_says_how_often_and_names_the_clearest() {
        insta::assert_snapshot!(shown(&tested(), &samples::look()), @r"
        followers down by 2 % and 500 within 1d; warning; cooldown 24h; only #beauty, from 1,000 followers
        12 accounts since 2023-12-09, 4,380 days together: 6 alerts, 0.50 per account and year, about 1 of them

        DAY         INFLUENCER         PLATFORM  WHAT
        2024-10-04  Mara[1m Lindqvist  youtube   followers fell 15.8 % within 24 hours, from 12,345 to 10,400
        ");
        insta::assert_snapshot!(samples::lines(json::rules::Backtest::from(&tested())), @r#"
        {"rule":"big-drop","since":"2023-12-09","accounts":12,"days":4380,"alerts":6,"alerted":1,
        "per_account_year":0.5,"examples":[{"date":"2024-10-04","influencer":"aibaeaqc",
        "influencer_name":"Mara\u001b[1m Lindqvist","connection":"ambqgayd","platform":"youtube",
        "metric":"followers","from":12345,"to":10400,"score":null,
        "why":"followers fell 15.8 % within 24 hours, from 12,345 to 10,400"}]}
        "#);
    }
}
