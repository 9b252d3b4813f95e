//! `roster show`: one influencer with connections and newest numbers. `add`, `edit` and others print the same.

use roster_protocol::text::{NAME_CHARACTERS, SENTENCE_CHARACTERS, clean};
use roster_protocol::{Connection, Influencer, InfluencerId, Metric};

use crate::client::{response, short_call};
use crate::output::json;
use crate::output::table::{Table, Tone};
use crate::output::text::{ago, ahead, count, metric, percent, state};
use crate::output::{Ending, Failure, Look, Output};
use crate::session::Session;

/// `roster show`
#[derive(Debug, clap::Args)]
pub struct Show {
    /// Id, beginning of an id, exact name, platform:handle, or a profile's URL
    influencer: String,
}

impl Show {
    pub(crate) async fn run(self, session: &mut Session) -> Result<Ending, Failure> {
        let client = session.connect().await?;
        let influencer = response(client.influencer(short_call(), self.influencer).await)?;
        print(&influencer, &mut session.output)
    }
}

/// Prints an influencer, for every command that makes or changes one.
pub(super) fn print(influencer: &Influencer, output: &mut Output) -> Result<Ending, Failure> {
    output.print(|| json::Influencer::from(influencer), |look| text(influencer, look))?;
    Ok(Ending::Done)
}

/// Prints one connection.
pub(super) fn print_connection(connection: &Connection, output: &mut Output) -> Result<Ending, Failure> {
    let text = |look: &Look| connection_table(std::slice::from_ref(connection), look);
    output.print(|| json::Connection::from(connection), text)?;
    Ok(Ending::Done)
}

fn text(influencer: &Influencer, look: &Look) -> String {
    let row = &influencer.row;
    let tags: Vec<String> = row.tags.iter().map(|tag| format!("#{}", clean(tag, NAME_CHARACTERS))).collect();
    let title = [clean(&row.name, NAME_CHARACTERS), row.id.to_string(), tags.join(" ")];
    let title = title.iter().filter(|part| !part.is_empty()).map(String::as_str).collect::<Vec<_>>().join("  ");
    let mut lines = vec![look.paint.tone(&title, Tone::Strong)];
    let main = influencer.connections.iter().find(|connection| Some(connection.id) == row.main);
    let main = main.map(|main| format!("{}:{}", main.platform, main.handle));
    let main = main.map(|main| format!(" ({})", clean(&main, NAME_CHARACTERS))).unwrap_or_default();
    lines.push(format!(
        "followers {}{main}, {} in all, engagement {}, synced {}{}",
        count(row.followers),
        count(row.followers_total),
        percent(row.engagement_rate),
        ago(row.synced_at, &look.now),
        if row.sync_enabled { "" } else { ", paused" },
    ));
    if row.open_alerts > 0 {
        lines.push(look.paint.tone(&format!("open alerts: {}", row.open_alerts), Tone::Warn));
    }
    lines.extend(influencer.connections.iter().filter_map(profile));
    lines.extend(influencer.connections.iter().filter_map(by_hand));
    lines.extend(influencer.connections.iter().filter_map(|connection| not_given(connection, row.id, look)));
    // A note may have lines of its own; each is cleaned and kept.
    let note = influencer.note.as_deref().unwrap_or_default();
    lines.extend(note.lines().map(|line| format!("  {}", clean(line, 4 * SENTENCE_CHARACTERS))));
    let connections = match influencer.connections.is_empty() {
        true => "no connections\n".to_owned(),
        false => connection_table(&influencer.connections, look),
    };
    format!("{}\n\n{connections}", lines.join("\n"))
}

/// The profile numbers of a connection, as they last followed the measured ones.
fn profile(connection: &Connection) -> Option<String> {
    let profile = connection.profile.as_ref()?;
    let (followers, rate) = (count(profile.followers), percent(profile.engagement_rate));
    let since = profile.as_of.to_string();
    let since = since.split('T').next().unwrap_or_default();
    Some(format!("profile numbers of {}: followers {followers}, engagement {rate}, since {since}", connection.platform))
}

/// What of the newest day is by hand, and until when.
fn by_hand(connection: &Connection) -> Option<String> {
    let date = connection.latest.as_ref()?.date;
    let named = |kept: bool| {
        let of = connection.by_hand.iter().filter(move |number| number.kept == kept);
        let names: Vec<String> = of.map(|number| number.metric.as_str().replace('_', " ")).collect();
        (!names.is_empty()).then(|| names.join(", "))
    };
    let kept = named(true).map(|names| format!("{names} (kept)"));
    let until = named(false).map(|names| format!("{names} (until a sync of that day reports it)"));
    let all: Vec<String> = kept.into_iter().chain(until).collect();
    (!all.is_empty()).then(|| format!("recorded by hand for {} on {date}: {}", connection.platform, all.join(", ")))
}

/// What the owner of an account did not allow, and how it is asked for again.
fn not_given(connection: &Connection, influencer: InfluencerId, look: &Look) -> Option<String> {
    let words = connection.not_given.join(", ");
    let (platform, handle) = (&connection.platform, &connection.handle);
    let line = format!(
        "not given by the owner of {platform}:{handle}: {words}; `roster connect {influencer} {platform}` asks again"
    );
    (!words.is_empty()).then(|| look.paint.tone(&clean(&line, 2 * SENTENCE_CHARACTERS), Tone::Warn))
}

/// One line for each connection.
pub(super) fn connection_table(connections: &[Connection], look: &Look) -> String {
    let mut table = Table::new(&["ID", "CONNECTION", ">FOLLOWERS", ">ENG", ">POSTS", "NEXT", "STATE"]);
    for connection in connections {
        let numbers = connection.latest.as_ref().map(|latest| latest.numbers.clone()).unwrap_or_default();
        table.row([
            connection.id.to_string().into(),
            format!("{}:{}", connection.platform, connection.handle).into(),
            count(numbers.followers).into(),
            percent(numbers.engagement_rate).into(),
            metric(Metric::Posts, &numbers).into(),
            ahead(connection.next_due_at, &look.now).into(),
            state(connection, look),
        ]);
    }
    table.render(look.paint)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::document;
    use crate::samples;

    #[test]
    fn json_has_the_names_scripts_rely_on() {
        insta::assert_snapshot!(samples::lines(json::Influencer::from(&samples::influencer())), @r#"
        {"id":"aibaeaqc","name":"Mara Lindqvist","tags":["beauty","nordic"],"note":null,"followers":22345,
        "followers_total":40120,"growth_7d":0.008,"growth_30d":-0.124,"platforms":["youtube","mastodon"],
        "open_alerts":1,"engagement_rate":0.0412,"sync_enabled":true,
        "auto_synced_at":"2026-11-21T14:18:00Z","last_sync_platform":"youtube","verified":null,
        "connections":[{"id":"ambqgayd","platform":"youtube","handle":"@mara","platform_user_id":"UC123",
        "status":"fresh","badge":"green","last_synced_at":"2026-11-21T14:18:00Z","last_error":null,
        "blocked_by":null,"outage":null,"next_due_at":"2026-11-21T20:00:00Z","token_expires_at":null,
        "not_given":[],"connected_at":"2026-11-21T02:00:00Z","moved_to":null,"profile":{"followers":12300,
        "engagement_rate":0.051,"avg_likes":600,"as_of":"2026-11-21T02:00:00Z","source":"api"},"by_hand":[],
        "latest":{"date":"2026-11-21","observed_at":"2026-11-21T14:18:00Z","source":"api","read_with":null,
        "by_hand":[],"followers":12345,"followers_step":100,"following":null,"posts":120,
        "engagement_rate":0.0525,"avg_likes":610.4,"avg_comments":38.25,"avg_views":8100,"avg_reach":5100.5,
        "avg_reposts":null,"audience":{"male":0.41,"female":0.57,"top_age_range":"25-34"}}},
        {"id":"aqcaibae","platform":"mastodon","handle":"mara@host.example","platform_user_id":null,
        "status":"error","badge":"red","last_synced_at":null,"last_error":"no such account",
        "blocked_by":null,"outage":null,"next_due_at":null,"token_expires_at":null,"not_given":[],
        "connected_at":"2026-11-21T02:00:00Z","moved_to":null,"profile":null,"by_hand":[],"latest":null}]}
        "#);
    }

    #[test]
    fn what_an_owner_did_not_allow_is_named_with_the_way_to_ask_again() {
        let mut influencer = samples::influencer();
        assert!(!text(&influencer, &samples::look()).contains("not given"));
        influencer.connections[0].not_given = vec!["audi\u{1b}ence".to_owned(), "views".to_owned()];
        let shown = text(&influencer, &samples::look());
        let line =
            "not given by the owner of youtube:@mara: audience, views; `roster connect aibaeaqc youtube` asks again";
        assert!(shown.lines().any(|shown| shown == line), "{shown}");
    }

    #[test]
    fn what_is_not_known_is_null() {
        let mut influencer = samples::influencer();
        influencer.connections.truncate(1);
        influencer.connections[0].profile = None;
        influencer.connections[0].latest = influencer.connections[0].latest.clone().map(|mut latest| {
            latest.numbers = Default::default();
            latest
        });
        let printed = document(&json::Influencer::from(&influencer)).expect("an influencer");
        assert!(printed.contains("\"profile\":null"), "{printed}");
        assert!(printed.contains("\"followers\":null,\"followers_step\":100,\"following\":null"), "{printed}");
        assert!(printed.contains("\"audience\":{\"male\":null,\"female\":null,\"top_age_range\":null}"), "{printed}");
        influencer.connections[0].latest = None;
        let printed = document(&json::Influencer::from(&influencer)).expect("an influencer");
        assert!(printed.ends_with("\"profile\":null,\"by_hand\":[],\"latest\":null}]}\n"), "{printed}");
    }

    #[test]
    fn text_shows_who_and_the_state_of_each_connection() {
        insta::assert_snapshot!(text(&samples::influencer(), &samples::look()), @r"
        Mara Lindqvist  aibaeaqc  #beauty #nordic
        followers 22,345 (youtube:@mara), 40,120 in all, engagement 4.1%, synced 12m
        open alerts: 1
        profile numbers of youtube: followers 12,300, engagement 5.1%, since 2026-11-21

        ID        CONNECTION                  FOLLOWERS   ENG  POSTS  NEXT   STATE
        ambqgayd  youtube:@mara                  12,345  5.3%    120  in 5h  ● fresh, 12m
        aqcaibae  mastodon:mara@host.example          –     –      –  –      ✗ error (no such account)
        ");
    }

    #[test]
    fn hostile_names_stay_in_their_line() {
        let mut influencer = samples::influencer();
        influencer.row.name = "\u{1b}[2J\u{202e}x\ny".to_owned();
        influencer.connections[0].handle = "\u{9b}31m@x\u{7}".to_owned();
        influencer.connections[0].last_error = Some("a\r\nb\u{1b}]0;t\u{7}".to_owned());
        influencer.note = Some("one\u{1b}[1m\ntwo".to_owned());
        let printed = text(&influencer, &samples::look());
        assert!(!printed.chars().any(|c| c.is_control() && c != '\n'), "{printed:?}");
        assert!(!printed.contains('\u{202e}') && printed.contains("\n  one[1m\n  two\n"), "{printed}");
        assert_eq!(printed.lines().count(), text(&samples::influencer(), &samples::look()).lines().count() + 2);
    }
}
