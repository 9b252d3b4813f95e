//! `roster alerts`: lists, follows, acknowledges, assigns.

mod following;

use roster_protocol::service::{AlertsQuery, PAGE_ROWS};
use roster_protocol::text::{NAME_CHARACTERS, SENTENCE_CHARACTERS, clean};
use roster_protocol::{Alert, AlertId, AlertState, RosterClient, RosterError, Severity};

use super::follow::Feed;
use super::pages;
use crate::client::{response, short_call};
use crate::client_config::NoticeChoice;
use crate::output::json;
use crate::output::rows::Form;
use crate::output::table::{Cell, Table, Tone};
use crate::output::text::time;
use crate::output::{Ending, Failure, Look, Output, while_read};
use crate::session::Session;
use crate::terminal::notices::ForCommand;

/// `roster alerts`
#[derive(Debug, clap::Args)]
pub struct Alerts {
    #[command(subcommand)]
    verb: Option<Verb>,
    /// Keeps running and prints each alert that opens, is acknowledged or resolves; a silenced one is marked
    #[arg(long)]
    follow: bool,
    /// With --follow: begins with what is new, without a list of what is there already
    #[arg(long, requires = "follow")]
    new: bool,
    /// With --follow: has the terminal notify you of alerts that open: auto (what it understands, or else the bell), 9,
    /// 777, 99 (by this OSC) or bell. Several at once are one notice. It never becomes part of the output
    #[arg(long, requires = "follow", value_name = "HOW", value_enum, hide_possible_values = true)]
    osc: Option<NoticeChoice>,
    /// open, acknowledged or resolved [default: open and acknowledged]
    #[arg(long, value_name = "STATE")]
    state: Option<AlertState>,
    /// Only those assigned to you
    #[arg(long)]
    mine: bool,
    /// Only those that you have not read: what you acknowledged, opened in the terminal UI or marked with `alerts read` is
    #[arg(long)]
    unread: bool,
    /// At most so many [default: the newest 1,000]
    #[arg(long, value_name = "N")]
    limit: Option<u64>,
    #[command(flatten)]
    form: Form,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Acknowledges alerts: marks them as seen
    Ack {
        /// Ids, or beginnings of ids
        #[arg(required = true, value_name = "ID")]
        alerts: Vec<String>,
        /// What is to be known about them; also noted on those that are acknowledged already
        #[arg(long, value_name = "TEXT")]
        note: Option<String>,
    },
    /// Marks alerts as read by you; they stay as they are for others
    Read {
        /// Ids, or beginnings of ids
        #[arg(required_unless_present = "all", value_name = "ID")]
        alerts: Vec<String>,
        /// All that there are
        #[arg(long, conflicts_with = "alerts")]
        all: bool,
    },
    /// Says which user takes care of an alert
    Assign {
        /// Id, or the beginning of one
        #[arg(value_name = "ID")]
        alert: String,
        /// The user's name on the daemon's host
        #[arg(value_name = "USER", required_unless_present = "none")]
        user: Option<String>,
        /// No user does
        #[arg(long, conflicts_with = "user")]
        none: bool,
    },
}

impl Alerts {
    pub(crate) async fn run(self, session: &mut Session) -> Result<Ending, Failure> {
        session.output.shape(&self.form, self.follow)?;
        match &self.verb {
            Some(_) if self.lists() => Err(RosterError::usage(
                "--follow, --state, --mine, --unread and --limit list alerts; they are not for `ack`, `read` and `assign`",
            )
            .into()),
            Some(Verb::Ack { alerts, note }) => acknowledge(alerts, note.as_deref(), session).await,
            Some(Verb::Read { alerts, all }) => read(alerts, *all, session).await,
            Some(Verb::Assign { alert, user, .. }) => assign(alert, user.clone(), session).await,
            None if self.follow => self.follow(session).await,
            None => {
                let client = session.connect().await?;
                let found = self.read(&client).await?;
                print(&found.rows, &mut session.output)?;
                found.report_cut(self.limit, &session.output);
                if found.rows.is_empty() {
                    session.output.remark("no such alerts");
                }
                Ok(Ending::Done)
            }
        }
    }

    /// Whether something is said about which alerts to list.
    fn lists(&self) -> bool {
        self.follow || self.mine || self.unread || self.state.is_some() || self.limit.is_some()
    }

    /// Whether an alert is one to list.
    fn wants(&self, alert: &Alert) -> bool {
        self.state.is_none_or(|state| state == alert.state)
            && (!self.mine || alert.is_mine())
            && (!self.unread || alert.is_unread())
    }

    async fn read(&self, client: &RosterClient) -> Result<pages::Rows<Alert>, RosterError> {
        let wanted = pages::wanted(self.limit, false);
        let pages = pages::read(wanted, async |mark, limit| {
            let (state, mine, unread) = (self.state, self.mine, self.unread);
            let query = AlertsQuery { state, mine, unread, mark, limit, ..AlertsQuery::default() };
            response(client.alerts(short_call(), query).await)
        });
        pages.await
    }

    async fn follow(&self, session: &mut Session) -> Result<Ending, Failure> {
        // Before any other thread runs.
        let mut notices = match self.osc {
            Some(choice) => ForCommand::start(choice).await?,
            None => None,
        };
        let feed = Feed::start(session).await?;
        while_read(following::follow(self, feed, session, &mut notices)).await
    }
}

/// Every id is looked up before any alert is acknowledged, so that a wrong one changes nothing.
async fn acknowledge(ids: &[String], note: Option<&str>, session: &mut Session) -> Result<Ending, Failure> {
    let client = session.connect().await?;
    let alerts = named(ids, &client).await?;
    let mut acknowledged = Vec::new();
    for some in alerts.chunks(PAGE_ROWS as usize) {
        let note = note.map(str::to_owned);
        acknowledged.extend(response(client.acknowledge(short_call(), some.to_vec(), note).await)?);
    }
    print(&acknowledged, &mut session.output)?;
    let resolved = acknowledged.iter().filter(|alert| alert.state == AlertState::Resolved).count();
    if note.is_some() && resolved > 0 {
        session.output.warn(&format!("{resolved} of them resolved already: the note is not kept there"));
    }
    Ok(Ending::Done)
}

/// As [`acknowledge`]: a wrong id marks nothing.
async fn read(ids: &[String], all: bool, session: &mut Session) -> Result<Ending, Failure> {
    let client = session.connect().await?;
    if all {
        response(client.read_alerts(short_call(), None).await)?;
        print(&[], &mut session.output)?;
        return Ok(Ending::Done);
    }
    let alerts = named(ids, &client).await?;
    let mut read = Vec::new();
    for some in alerts.chunks(PAGE_ROWS as usize) {
        response(client.read_alerts(short_call(), Some(some.to_vec())).await)?;
        for alert in some {
            read.push(response(client.alert(short_call(), alert.to_string()).await)?);
        }
    }
    print(&read, &mut session.output)?;
    Ok(Ending::Done)
}

/// The alerts with these ids, each once.
async fn named(ids: &[String], client: &RosterClient) -> Result<Vec<AlertId>, RosterError> {
    let mut alerts: Vec<AlertId> = Vec::new();
    for id in ids {
        let alert = response(client.alert(short_call(), id.clone()).await)?.id;
        if !alerts.contains(&alert) {
            alerts.push(alert);
        }
    }
    Ok(alerts)
}

async fn assign(alert: &str, user: Option<String>, session: &mut Session) -> Result<Ending, Failure> {
    let client = session.connect().await?;
    let alert = response(client.assign_alert(short_call(), alert.to_owned(), user).await)?;
    print(&[alert], &mut session.output)?;
    Ok(Ending::Done)
}

fn print(alerts: &[Alert], output: &mut Output) -> Result<(), Failure> {
    let json = || json::events::AlertList { alerts: alerts.iter().map(json::events::Alert::from).collect() };
    output.print(json, |look| text(alerts, look))?;
    Ok(())
}

fn text(alerts: &[Alert], look: &Look) -> String {
    let has_user = alerts.iter().any(|alert| alert.assigned_to.is_some());
    let has_note = alerts.iter().any(|alert| alert.note.is_some());
    // Who never marks anything as read need not see so in each line.
    let has_mark =
        alerts.iter().any(Alert::is_mine) || alerts.iter().any(|one| one.is_unread() != alerts[0].is_unread());
    let has_silence = alerts.iter().any(|alert| alert.silenced.is_silent());
    let mut headings = vec!["ID", "STATE", "SINCE", "INFLUENCER", "PLATFORM", "WHY"];
    headings.extend(has_user.then_some("ASSIGNED TO"));
    headings.extend(has_note.then_some("NOTE"));
    headings.extend(has_silence.then_some("SILENCED"));
    headings.extend(has_mark.then_some("FOR YOU"));
    let mut table = Table::new(&headings);
    for alert in alerts {
        let mut cells = vec![
            Cell::new(alert.id.to_string(), Tone::Quiet),
            state(alert),
            time(alert.opened_at, &look.now).into(),
            alert.influencer_name.as_deref().unwrap_or_default().into(),
            alert.about.platform().unwrap_or_default().into(),
            alert.why.as_str().into(),
        ];
        cells.extend(has_user.then(|| alert.assigned_to.as_deref().unwrap_or_default().into()));
        cells.extend(has_note.then(|| alert.note.as_deref().unwrap_or_default().into()));
        cells.extend(has_silence.then(|| silenced(alert, look).unwrap_or_default().into()));
        cells.extend(has_mark.then(|| for_user(alert).into()));
        table.row(cells);
    }
    table.render(look.paint)
}

fn state(alert: &Alert) -> Cell {
    let tone = match (alert.state, alert.severity) {
        (AlertState::Open, Severity::Critical) => Tone::Bad,
        (AlertState::Open, _) => Tone::Warn,
        _ => Tone::Quiet,
    };
    Cell::new(alert.state.as_str(), tone)
}

/// What it is to the user: `unread`, `yours`.
fn for_user(alert: &Alert) -> String {
    let words = [alert.is_unread().then_some("unread"), alert.is_mine().then_some("yours")];
    words.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// What a silence does to it: `until 2026-11-21 14:00`, or `when it opened`.
fn silenced(alert: &Alert, look: &Look) -> Option<String> {
    let opened_so = alert.silenced.at_opening.then(|| "when it opened".to_owned());
    alert.silenced.until.map(|until| format!("until {}", time(until, &look.now))).or(opened_so)
}

/// One alert as a line that needs no other lines beside it.
fn line(alert: &Alert, look: &Look) -> String {
    let (who, platform) = alert.subject();
    let who = clean(who, NAME_CHARACTERS);
    let why = clean(&alert.why, SENTENCE_CHARACTERS);
    let at = time(alert.ended_at.unwrap_or(alert.opened_at), &look.now);
    let platform = platform.map(|platform| format!(" · {}", clean(platform, NAME_CHARACTERS))).unwrap_or_default();
    let silenced = silenced(alert, look).map(|silenced| format!(" (silenced {silenced})")).unwrap_or_default();
    format!("{at}  {}  {:<12}  {who}{platform}: {why}{silenced}\n", alert.id, alert.state.as_str())
}

#[cfg(test)]
mod tests {
    use roster_protocol::About;
    use roster_protocol::alert::{Silenced, Yours};

    use super::*;
    use crate::samples;

    #[test]
    fn json_has_the_names_scripts_rely_on() {
        let person = Alert {
            rule: "needs-person".into(),
            metric: None,
            from: None,
            to: None,
            change: None,
            why: "no such account".into(),
            ..samples::alert()
        };
        let alerts = [samples::alert(), person].iter().map(json::events::Alert::from).collect();
        insta::assert_snapshot!(samples::lines(json::events::AlertList { alerts }), @r#"
        {"alerts":[{"id":"aeaqcaib","state":"open","rule":"significant-change","influencer":"aibaeaqc",
        "influencer_name":"Mara Lindqvist","connection":"ambqgayd","platform":"youtube",
        "metric":"followers","from":12345,"to":10400,"change":-0.1576,"opened_at":"2026-11-21T14:18:00Z",
        "why":"followers fell by 15.8 % since yesterday","about":"connection","window":null,"from_at":null,
        "usual":null,"peers":null,"step":null,"score":null,"severity":"warning","acknowledged_by":null,
        "acknowledged_at":null,"note":null,"assigned_to":null,"group":null,"members":null,"silenced":false,
        "silenced_until":null,"assigned_at":null,"unread":null,"mine":null},{"id":"aeaqcaib","state":"open",
        "rule":"needs-person","influencer":"aibaeaqc","influencer_name":"Mara Lindqvist",
        "connection":"ambqgayd","platform":"youtube","metric":null,"from":null,"to":null,"change":null,
        "opened_at":"2026-11-21T14:18:00Z","why":"no such account","about":"connection","window":null,
        "from_at":null,"usual":null,"peers":null,"step":null,"score":null,"severity":"warning",
        "acknowledged_by":null,"acknowledged_at":null,"note":null,"assigned_to":null,"group":null,
        "members":null,"silenced":false,"silenced_until":null,"assigned_at":null,"unread":null,
        "mine":null}]}
        "#);
    }

    #[test]
    fn what_does_not_apply_is_null() {
        let down = Alert { about: About::Platform("tiktok".into()), influencer_name: None, ..samples::alert() };
        let json = serde_json::to_value(json::events::Alert::from(&down)).expect("JSON");
        assert_eq!((&json["about"], &json["platform"]), (&"platform".into(), &"tiktok".into()));
        for name in ["influencer", "influencer_name", "connection"] {
            assert_eq!(json[name], serde_json::Value::Null, "{name}");
        }
        let line = |about| line(&Alert { about, ..down.clone() }, &samples::look());
        assert!(line(down.about.clone()).contains("  tiktok: followers fell"));
        assert!(line(About::Daemon).contains("  rosterd: followers fell"));
    }

    #[test]
    fn text_says_who_and_what() {
        insta::assert_snapshot!(text(&[samples::alert()], &samples::look()), @r"
        ID        STATE  SINCE             INFLUENCER      PLATFORM  WHY
        aeaqcaib  open   2026-11-21 14:18  Mara Lindqvist  youtube   followers fell by 15.8 % since yesterday
        ");
        let seen = Alert {
            state: AlertState::Acknowledged,
            note: Some("called\u{1b}[2J her agent".into()),
            assigned_to: Some("oskar".into()),
            ..samples::alert()
        };
        insta::assert_snapshot!(text(&[samples::alert(), seen], &samples::look()), @r"
        ID        STATE         SINCE             INFLUENCER      PLATFORM  WHY                                       ASSIGNED TO  NOTE
        aeaqcaib  open          2026-11-21 14:18  Mara Lindqvist  youtube   followers fell by 15.8 % since yesterday
        aeaqcaib  acknowledged  2026-11-21 14:18  Mara Lindqvist  youtube   followers fell by 15.8 % since yesterday  oskar        called[2J her agent
        ");
        let until = Some("2026-11-21T16:00:00Z".parse().expect("a time"));
        let silenced = Alert { silenced: Silenced { at_opening: true, until }, ..samples::alert() };
        let over = Alert { silenced: Silenced { at_opening: true, until: None }, ..samples::alert() };
        insta::assert_snapshot!(text(&[silenced.clone(), over, samples::alert()], &samples::look()), @r"
        ID        STATE  SINCE             INFLUENCER      PLATFORM  WHY                                       SILENCED
        aeaqcaib  open   2026-11-21 14:18  Mara Lindqvist  youtube   followers fell by 15.8 % since yesterday  until 2026-11-21 16:00
        aeaqcaib  open   2026-11-21 14:18  Mara Lindqvist  youtube   followers fell by 15.8 % since yesterday  when it opened
        aeaqcaib  open   2026-11-21 14:18  Mara Lindqvist  youtube   followers fell by 15.8 % since yesterday
        ");
        let yours = |unread, mine| Alert { yours: Some(Yours { unread, mine }), ..samples::alert() };
        insta::assert_snapshot!(text(&[yours(true, true), yours(false, false)], &samples::look()), @r"
        ID        STATE  SINCE             INFLUENCER      PLATFORM  WHY                                       FOR YOU
        aeaqcaib  open   2026-11-21 14:18  Mara Lindqvist  youtube   followers fell by 15.8 % since yesterday  unread, yours
        aeaqcaib  open   2026-11-21 14:18  Mara Lindqvist  youtube   followers fell by 15.8 % since yesterday
        ");
        assert!(!text(&[yours(true, false), yours(true, false)], &samples::look()).contains("unread"));
        let silenced = line(&silenced, &samples::look());
        assert!(silenced.ends_with("yesterday (silenced until 2026-11-21 16:00)\n"), "{silenced}");
        let hostile = Alert { influencer_name: Some("x\u{1b}[1m\ny".into()), ..samples::alert() };
        assert_eq!(
            line(&hostile, &samples::look()),
            "2026-11-21 14:18  aeaqcaib  open          x[1m y · youtube: followers fell by 15.8 % since yesterday\n"
        );
    }
}
