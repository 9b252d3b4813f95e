//! `roster list`: influencers that fit a filter.

use roster_protocol::service::PAGE_ROWS;
use roster_protocol::{InfluencerPage, InfluencerQuery, InfluencerRow, RosterClient, RosterError, SortBy};

use crate::client::{response, short_call};
use crate::output::json;
use crate::output::rows::Form;
use crate::output::table::{Cell, Table, Tone};
use crate::output::text::{ago, badge, count, growth, percent};
use crate::output::{Ending, Failure, Look};
use crate::session::Session;

/// `roster list`
#[derive(Debug, clap::Args)]
pub struct List {
    /// Words that must all fit: text, platform:P, tag:T, status:S, is:paused, is:alerting, followers:>10k,
    /// growth7:<-2%, growth30:>5%, engagement:>3%. A minus turns a word round; write -- before it. In quotes a word is
    /// text
    query: Vec<String>,
    /// followers (of the main account), total (of all accounts), growth1, growth7 or growth30 (in days), engagement,
    /// name or synced
    #[arg(long, value_name = "ORDER", default_value = "followers")]
    sort: SortBy,
    /// From the other end: the smallest first, what is unknown last
    #[arg(long)]
    reverse: bool,
    /// Only those with this tag; may be given several times
    #[arg(long, value_name = "TAG")]
    tag: Vec<String>,
    /// Only those with a connection there; may be given several times
    #[arg(long, value_name = "PLATFORM")]
    platform: Vec<String>,
    /// At most so many
    #[arg(long, value_name = "N")]
    limit: Option<u64>,
    /// Leaves out the first so many
    #[arg(long, value_name = "N", default_value_t = 0)]
    offset: u64,
    #[command(flatten)]
    form: Form,
}

impl List {
    pub(crate) async fn run(self, session: &mut Session) -> Result<Ending, Failure> {
        session.output.shape(&self.form, false)?;
        let client = session.connect().await?;
        let page = self.read(&client).await?;
        session.output.print(|| to_json(&page), |look| text(&page.rows, look))?;
        let shown = page.rows.len() as u64;
        if shown < page.matching {
            session.output.remark(&format!("{shown} of {} that match", page.matching));
        } else if page.matching == 0 {
            session.output.remark(if page.total == 0 {
                "no influencer yet: `roster add NAME`"
            } else {
                "no influencer matches"
            });
        }
        Ok(Ending::Done)
    }

    /// The options as words of the filter language.
    fn filter(&self) -> String {
        let quoted = |key: &str, value: &String| format!("{key}:\"{}\"", value.replace('"', ""));
        let tags = self.tag.iter().map(|tag| quoted("tag", tag));
        let platforms = self.platform.iter().map(|platform| quoted("platform", platform));
        self.query.iter().cloned().chain(tags).chain(platforms).collect::<Vec<_>>().join(" ")
    }

    /// Reads page after page. Who is added or removed meanwhile may be missed or seen twice; doubles go.
    async fn read(&self, client: &RosterClient) -> Result<InfluencerPage, RosterError> {
        let wanted = self.limit.unwrap_or(u64::MAX);
        let mut all = InfluencerPage::default();
        let mut offset = self.offset;
        let mut seen = std::collections::HashSet::new();
        loop {
            let limit = wanted.saturating_sub(all.rows.len() as u64).min(PAGE_ROWS);
            let (filter, reverse) = (self.filter(), self.reverse);
            let query = InfluencerQuery { filter, sort: self.sort, reverse, offset, limit, near: None };
            let page = response(client.influencers(short_call(), query).await)?;
            let given = page.rows.len() as u64;
            offset += given;
            all.rows.extend(page.rows.into_iter().filter(|row| seen.insert(row.id)));
            (all.matching, all.total) = (page.matching, page.total);
            if given == 0 || offset >= all.matching || all.rows.len() as u64 >= wanted {
                return Ok(all);
            }
        }
    }
}

fn to_json(page: &InfluencerPage) -> json::InfluencerList {
    let influencers = page.rows.iter().map(json::Influencer::from).collect();
    json::InfluencerList { total: page.matching, influencers }
}

fn text(rows: &[InfluencerRow], look: &Look) -> String {
    let headings =
        ["ID", "NAME", "PLATFORMS", ">MAIN FOLLOWERS", ">TOTAL", ">7 D", ">30 D", ">ENG", ">SYNCED", "", "TAGS"];
    let mut table = Table::new(&headings);
    for row in rows {
        table.row([
            Cell::new(row.id.to_string(), Tone::Quiet),
            row.name.as_str().into(),
            platforms(row).into(),
            count(row.followers).into(),
            count(row.followers_total).into(),
            growth(row.growth_7d),
            growth(row.growth_30d),
            percent(row.engagement_rate).into(),
            ago(row.synced_at, &look.now).into(),
            mark(row),
            Cell::new(row.tags.join(" "), Tone::Quiet),
        ]);
    }
    table.render(look.paint)
}

fn platforms(row: &InfluencerRow) -> String {
    let names = row.platforms.iter().map(|on| format!("{}{}", badge(on.badge, on.paused).0, on.platform));
    names.collect::<Vec<_>>().join(" ")
}

fn mark(row: &InfluencerRow) -> Cell {
    match (row.open_alerts, row.sync_enabled) {
        (1.., _) => Cell::new("!", Tone::Warn),
        (0, false) => Cell::new("‖", Tone::Plain),
        (0, true) => "".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;
    use roster_protocol::query;

    #[test]
    fn json_has_the_names_scripts_rely_on() {
        let page = InfluencerPage { matching: 41, total: 300, offset: 0, rows: vec![samples::influencer().row] };
        insta::assert_snapshot!(samples::lines(to_json(&page)), @r#"
        {"total":41,"influencers":[{"id":"aibaeaqc","name":"Mara Lindqvist","tags":["beauty","nordic"],
        "note":null,"followers":22345,"followers_total":40120,"growth_7d":0.008,"growth_30d":-0.124,
        "platforms":["youtube","mastodon"],"open_alerts":1,"engagement_rate":0.0412,"sync_enabled":true,
        "auto_synced_at":"2026-11-21T14:18:00Z","last_sync_platform":"youtube","verified":null}]}
        "#);
    }

    #[test]
    fn text_is_a_table_and_unknown_is_not_zero() {
        let unknown = InfluencerRow {
            name: "nightgarden".into(),
            followers: None,
            followers_total: None,
            engagement_rate: None,
            growth_1d: None,
            growth_7d: None,
            growth_30d: None,
            synced_at: None,
            open_alerts: 0,
            tags: vec![],
            platforms: vec![],
            ..samples::influencer().row
        };
        insta::assert_snapshot!(text(&[samples::influencer().row, unknown], &samples::look()), @r"
        ID        NAME            PLATFORMS           MAIN FOLLOWERS   TOTAL    7 D    30 D   ENG  SYNCED     TAGS
        aibaeaqc  Mara Lindqvist  ●youtube ✗mastodon          22,345  40,120  +0.8%  -12.4%  4.1%     12m  !  beauty nordic
        aibaeaqc  nightgarden                                      –       –      –       –     –       –
        ");
    }

    #[test]
    fn options_become_words_of_the_filter() {
        let list = List {
            query: vec!["mara".into(), "followers:>10k".into()],
            sort: SortBy::Name,
            reverse: false,
            tag: vec!["big \"city\"".into()],
            platform: vec!["youtube".into()],
            limit: None,
            offset: 0,
            form: Form::default(),
        };
        assert_eq!(list.filter(), "mara followers:>10k tag:\"big city\" platform:\"youtube\"");
        let terms = query::parse(&list.filter()).expect("a filter").terms;
        assert_eq!(terms.len(), 4);
        assert_eq!(terms[2].test, query::Test::Tag("big city".into()));
    }
}
