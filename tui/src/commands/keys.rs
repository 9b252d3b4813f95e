//! `roster keys`: the master keys that open what is sealed in the store; another one seals, an old one is retired.

use roster_protocol::keys::{KeyInfo, KeyState, Keys as Listed, Retired};
use roster_protocol::notice::grouped;
use roster_protocol::text::{SENTENCE_CHARACTERS, clean};

use crate::client::{long_call, response};
use crate::output::json;
use crate::output::table::{Cell, Table, Tone};
use crate::output::text::{UNKNOWN, time};
use crate::output::{Ending, Failure, Look};
use crate::session::Session;

/// `roster keys`
#[derive(Debug, clap::Args)]
pub struct Keys {
    #[command(subcommand)]
    verb: Option<Verb>,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Lists the keys, what is sealed with each, and the backups that need it
    List,
    /// Has a new key seal, and everything that is sealed sealed anew while rosterd works; where rosterd does not write the
    /// keys, says what to do instead
    Rotate,
    /// Retires a key that nothing in the store needs any more
    Retire {
        /// Its id, or the beginning of it
        key: String,
        /// Retire it although backups need it
        #[arg(long)]
        yes: bool,
    },
}

impl Keys {
    pub(crate) async fn run(self, session: &mut Session) -> Result<Ending, Failure> {
        let client = session.connect().await?;
        match self.verb {
            None | Some(Verb::List) => {
                let keys = response(client.keys(long_call()).await)?;
                session.output.print(|| json::keys::Keys::from(&keys), |look| text(&keys, look))?;
            }
            Some(Verb::Rotate) => {
                let keys = response(client.rotate_key(long_call()).await)?;
                session.output.print(|| json::keys::Keys::from(&keys), |look| text(&keys, look))?;
                session.output.remark("another key seals: back the file up anew, apart from the store and its backups");
            }
            Some(Verb::Retire { key, yes }) => {
                let retired = response(client.retire_key(long_call(), key, yes).await)?;
                session.output.print(|| json::keys::Retired::from(&retired), |look| text(&retired.keys, look))?;
                session.output.remark(&remark(&retired));
            }
        }
        Ok(Ending::Done)
    }
}

fn remark(retired: &Retired) -> String {
    match &retired.remove_from {
        None => format!("the key {} is gone from the file, and opens nothing any more", retired.key),
        Some(source) => format!(
            "the key {} opens nothing any more: remove its line from {}",
            retired.key,
            clean(source, SENTENCE_CHARACTERS)
        ),
    }
}

fn text(keys: &Listed, look: &Look) -> String {
    let mut table = Table::new(&["KEY", "STATE", ">SEALED", "SINCE", "BACKUPS"]);
    for key in &keys.keys {
        table.row([
            key.id.as_str().into(),
            state(key),
            grouped(key.sealed).into(),
            key.since.map_or_else(|| UNKNOWN.to_owned(), |since| time(since, &look.now)).into(),
            backups(key, look).into(),
        ]);
    }
    let left = match keys.left {
        0 => String::new(),
        1 => "\none value is still to be sealed with the first key\n".to_owned(),
        left => format!("\n{} values are still to be sealed with the first key\n", grouped(left)),
    };
    format!("{}\nfrom {}\n{left}", table.render(look.paint), clean(&keys.source, SENTENCE_CHARACTERS))
}

fn state(key: &KeyInfo) -> Cell {
    match key.state {
        KeyState::Seals => Cell::new("● seals", Tone::Good),
        KeyState::InUse => Cell::new("in use", Tone::Plain),
        KeyState::Unused => Cell::new("unused: can be retired", Tone::Quiet),
        KeyState::Missing => Cell::new("✗ missing", Tone::Bad),
    }
}

fn backups(key: &KeyInfo, look: &Look) -> String {
    match key.backups.as_slice() {
        [] => UNKNOWN.to_owned(),
        [only] => format!("one, of {}", time(only.at, &look.now)),
        [first, .., last] => format!(
            "{}, of {} to {}",
            grouped(key.backups.len() as u64),
            time(first.at, &look.now),
            time(last.at, &look.now)
        ),
    }
}

#[cfg(test)]
mod tests {
    use roster_protocol::keys::KeyBackup;

    use super::*;
    use crate::samples;

    fn keys() -> Listed {
        let key = |id: &str, state, sealed, backups: &[&str]| KeyInfo {
            id: id.repeat(4),
            state,
            sealed,
            since: (state == KeyState::Seals).then(|| samples::at("10:00:00")),
            backups: backups.iter().map(|at| KeyBackup { at: samples::at(at), scheduled: true }).collect(),
        };
        Listed {
            source: "/var/lib/roster/master.key".to_owned(),
            is_own: true,
            left: 1200,
            keys: vec![
                key("0a1b", KeyState::Seals, 34, &[]),
                key("2c3d", KeyState::InUse, 1200, &["09:00:00", "09:30:00", "09:45:00"]),
                key("4e5f", KeyState::Unused, 0, &["08:00:00"]),
                key("6a7b", KeyState::Missing, 2, &[]),
            ],
        }
    }

    #[test]
    fn text_says_what_each_key_is_for() {
        insta::assert_snapshot!(text(&keys(), &samples::look()), @r"
        KEY               STATE                   SEALED  SINCE             BACKUPS
        0a1b0a1b0a1b0a1b  ● seals                     34  2026-11-21 10:00  –
        2c3d2c3d2c3d2c3d  in use                   1,200  –                 3, of 2026-11-21 09:00 to 2026-11-21 09:45
        4e5f4e5f4e5f4e5f  unused: can be retired       0  –                 one, of 2026-11-21 08:00
        6a7b6a7b6a7b6a7b  ✗ missing                    2  –                 –

        from /var/lib/roster/master.key

        1,200 values are still to be sealed with the first key
        ");
    }

    #[test]
    fn json_has_the_names_scripts_rely_on() {
        let retired = Retired { key: "8c9d".repeat(4), remove_from: None, keys: keys() };
        insta::assert_snapshot!(samples::lines(json::keys::Retired::from(&retired)), @r#"
        {"retired":"8c9d8c9d8c9d8c9d","remove_from":null,"source":"/var/lib/roster/master.key","left":1200,
        "keys":[{"id":"0a1b0a1b0a1b0a1b","state":"seals","sealed":34,"since":"2026-11-21T10:00:00Z",
        "backups":[]},{"id":"2c3d2c3d2c3d2c3d","state":"in_use","sealed":1200,"since":null,
        "backups":[{"at":"2026-11-21T09:00:00Z","scheduled":true},{"at":"2026-11-21T09:30:00Z",
        "scheduled":true},{"at":"2026-11-21T09:45:00Z","scheduled":true}]},{"id":"4e5f4e5f4e5f4e5f",
        "state":"unused","sealed":0,"since":null,"backups":[{"at":"2026-11-21T08:00:00Z",
        "scheduled":true}]},{"id":"6a7b6a7b6a7b6a7b","state":"missing","sealed":2,"since":null,
        "backups":[]}]}
        "#);
        assert_eq!(remark(&retired), "the key 8c9d8c9d8c9d8c9d is gone from the file, and opens nothing any more");
        let elsewhere = Retired { remove_from: Some("the credential roster-master-key".to_owned()), ..retired };
        assert!(remark(&elsewhere).ends_with("remove its line from the credential roster-master-key"));
    }
}
