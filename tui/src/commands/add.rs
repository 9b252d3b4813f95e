//! `roster add`: one influencer from the arguments, or one a line from stdin.

mod table;

use roster_protocol::text::{NAME_CHARACTERS, clean};
use roster_protocol::{Account, ErrorKind, Influencer, NewInfluencer, RosterClient, RosterError};
use tokio::io::{AsyncBufRead, AsyncBufReadExt, BufReader};

use super::values::{account, note};
use super::{namesakes, show};
use crate::client::{long_call, response};
use crate::output::json;
use crate::output::table::Tone;
use crate::output::{Ending, Failure, Look, Output};
use crate::session::Session;

/// `roster add`
#[derive(Debug, clap::Args)]
pub struct Add {
    /// Who; - reads one a line from stdin: NAME, or NAME, a tab, and accounts with blanks between
    name: String,
    /// An account to connect at once, as platform:handle or a profile's URL; may be given several times
    #[arg(long, value_name = "PLATFORM:HANDLE", value_parser = account)]
    handle: Vec<Account>,
    /// A tag; may be given several times
    #[arg(long, value_name = "TAG")]
    tag: Vec<String>,
    /// A note
    #[arg(long, value_name = "TEXT", value_parser = note)]
    note: Option<String>,
}

/// Lines longer than this are refused, so that a request fits into one frame.
const LINE_BYTES: usize = 16 * 1024;

impl Add {
    pub(crate) async fn run(self, session: &mut Session) -> Result<Ending, Failure> {
        if self.name == "-" {
            return self.run_lines(session).await;
        }
        let client = session.connect().await?;
        let influencer = add(&client, self.newcomer(self.name.clone(), self.handle.clone())).await?;
        let ended = show::print(&influencer, &mut session.output)?;
        namesakes::warn(&client, &influencer, &session.output).await;
        Ok(ended)
    }

    fn newcomer(&self, name: String, accounts: Vec<Account>) -> NewInfluencer {
        NewInfluencer { name, accounts, tags: self.tag.clone(), note: self.note.clone() }
    }

    async fn run_lines(self, session: &mut Session) -> Result<Ending, Failure> {
        if !self.handle.is_empty() {
            return Err(RosterError::usage("--handle names one influencer's account")
                .hint("write accounts behind each name, after a tab")
                .into());
        }
        let client = session.connect().await?;
        let mut input = BufReader::new(tokio::io::stdin());
        let mut results = Results::default();
        for number in 1.. {
            let Some(mut line) = read_line(&mut input).await.map_err(unread)? else { break };
            if let (1, Ok(first)) = (number, &mut line) {
                // Some editors begin a file with it.
                *first = first.trim_start_matches('\u{feff}').to_owned();
            }
            if let (true, Ok(line)) = (results.is_empty(), &line)
                && let Some(table) = table::found(line)
            {
                return Err(table.into());
            }
            let result = match line.and_then(|line| parse_line(&line)) {
                Ok(None) => continue,
                Ok(Some((name, accounts))) => {
                    add(&client, self.newcomer(name.clone(), accounts)).await.map_err(|error| (name, error))
                }
                Err((name, error)) => Err((name, error)),
            };
            let lost = matches!(&result, Err((_, error)) if error.kind == ErrorKind::Unreachable);
            let is_added = result.is_ok();
            results.keep(number, result, &mut session.output)?;
            if let Some(added) = results.added.last().filter(|_| is_added) {
                namesakes::warn(&client, added, &session.output).await;
            }
            if lost {
                // The rest would fail for the same reason.
                break;
            }
        }
        results.end(&mut session.output)
    }
}

async fn add(client: &RosterClient, new: NewInfluencer) -> Result<Influencer, RosterError> {
    response(client.add(long_call(), new).await)
}

fn unread(error: std::io::Error) -> RosterError {
    RosterError::failed(format!("stdin cannot be read: {error}"))
}

/// A name, cut for messages, and what was wrong with its line.
type BadLine = (String, RosterError);

/// The next line, whole; `None` at the end. One that is too long or no text is an error of its own.
async fn read_line(input: &mut (impl AsyncBufRead + Unpin)) -> std::io::Result<Option<Result<String, BadLine>>> {
    let mut line = Vec::new();
    if input.read_until(b'\n', &mut line).await? == 0 {
        return Ok(None);
    }
    let start = clean(&String::from_utf8_lossy(&line[..line.len().min(400)]), NAME_CHARACTERS);
    if line.len() > LINE_BYTES {
        return Ok(Some(Err((start, RosterError::usage("the line is too long")))));
    }
    Ok(Some(String::from_utf8(line).map_err(|_| (start, RosterError::usage("the line is not UTF-8")))))
}

/// Name and accounts of a line; `None` for an empty one.
fn parse_line(line: &str) -> Result<Option<(String, Vec<Account>)>, BadLine> {
    let (name, accounts) = line.split_once('\t').unwrap_or((line, ""));
    let name = name.trim();
    if name.is_empty() && accounts.trim().is_empty() {
        return Ok(None);
    }
    let accounts = accounts.split_whitespace().map(account).collect::<Result<Vec<_>, _>>();
    let accounts = accounts.map_err(|error| (clean(name, NAME_CHARACTERS), RosterError::usage(error)))?;
    Ok(Some((name.to_owned(), accounts)))
}

/// The results of the lines so far.
#[derive(Default)]
struct Results {
    added: Vec<Influencer>,
    failed: Vec<(u64, BadLine)>,
}

impl Results {
    fn is_empty(&self) -> bool {
        self.added.is_empty() && self.failed.is_empty()
    }

    /// Keeps a line's result. Text output reports it at once, JSON at the end.
    fn keep(&mut self, line: u64, result: Result<Influencer, BadLine>, output: &mut Output) -> Result<(), Failure> {
        match result {
            Ok(influencer) => {
                if !output.is_json() {
                    output.raw(added_line(&influencer, &output.look).as_bytes())?;
                }
                self.added.push(influencer);
            }
            Err((name, error)) => {
                let name = clean(&name, NAME_CHARACTERS);
                output.remark(&format!("line {line}: {name}: {}", error.message));
                self.failed.push((line, (name, error)));
            }
        }
        Ok(())
    }

    fn end(self, output: &mut Output) -> Result<Ending, Failure> {
        let (added, all) = (self.added.len() as u64, (self.added.len() + self.failed.len()) as u64);
        let unreachable = self.failed.iter().find(|(_, (_, error))| error.kind == ErrorKind::Unreachable);
        if let (0, Some((_, (_, error)))) = (added, unreachable) {
            return Err(error.clone().into());
        }
        if output.is_json() {
            output.print(|| self.to_json(), |_| String::new())?;
        } else {
            output.remark(&format!("{added} of {all} added"));
        }
        Ok(Ending::of(added, all))
    }

    fn to_json(&self) -> json::events::AddedList {
        let failed = self.failed.iter().map(|(line, (name, error))| json::events::FailedLine {
            line: *line,
            name: name.clone(),
            error: error.into(),
        });
        json::events::AddedList {
            influencers: self.added.iter().map(json::Influencer::from).collect(),
            failed: failed.collect(),
        }
    }
}

/// `aebagbaf  Mara Lindqvist  youtube:@x`
fn added_line(influencer: &Influencer, look: &Look) -> String {
    let accounts = influencer.connections.iter().map(|on| clean(&format!("{}:{}", on.platform, on.handle), 160));
    let id = look.paint.tone(&influencer.row.id.to_string(), Tone::Quiet);
    let words = [id, clean(&influencer.row.name, NAME_CHARACTERS)].into_iter().chain(accounts);
    words.collect::<Vec<_>>().join("  ") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::document;
    use crate::samples;

    #[test]
    fn a_line_is_a_name_and_perhaps_accounts() {
        let check = |line: &str, name: &str, accounts: &[&str]| {
            let accounts = accounts.iter().map(|text| account(text).expect(text)).collect();
            let parsed = parse_line(line).map_err(|(_, error)| error);
            assert_eq!(parsed, Ok(Some((name.to_owned(), accounts))), "{line:?}");
        };
        check("Mara Lindqvist\n", "Mara Lindqvist", &[]);
        check("Oskar & Ines\tyoutube:@oskarines\r\n", "Oskar & Ines", &["youtube:@oskarines"]);
        check("x\tyoutube:@a  bluesky:b.example\n", "x", &["youtube:@a", "bluesky:b.example"]);
        check("x\thttps://bsky.app/profile/x.example", "x", &["https://bsky.app/profile/x.example"]);
        check("x: a name with a colon", "x: a name with a colon", &[]);
        assert_eq!(parse_line("  \n"), Ok(None));
        assert!(parse_line("x\tnocolon").is_err());
    }

    #[tokio::test]
    async fn bad_lines_spoil_only_themselves() {
        let long = "x".repeat(LINE_BYTES + 1);
        let text = [b"one\n\xff\xfe\n".as_slice(), long.as_bytes(), b"\nlast"].concat();
        let mut input = BufReader::new(text.as_slice());
        let mut lines = Vec::new();
        while let Some(line) = read_line(&mut input).await.expect("memory can be read") {
            lines.push(line.map_err(|(_, error)| error.message));
        }
        let [one, text, length, last] = &lines[..] else { panic!("{lines:?}") };
        assert_eq!(one.as_deref(), Ok("one\n"));
        assert_eq!(text.as_deref(), Err(&"the line is not UTF-8".to_owned()));
        assert_eq!(length.as_deref(), Err(&"the line is too long".to_owned()));
        assert_eq!(last.as_deref(), Ok("last"));
    }

    #[test]
    fn json_lists_each_line_that_failed() {
        let results =
            Results { added: vec![], failed: vec![(3, ("x".into(), RosterError::conflict("somebody has it")))] };
        assert_eq!(
            document(&results.to_json()).expect("results"),
            "{\"influencers\":[],\"failed\":[{\"line\":3,\"name\":\"x\",\"error\":\
             {\"kind\":\"conflict\",\"message\":\"somebody has it\",\"hint\":null}}]}\n"
        );
    }

    #[test]
    fn text_names_whom_each_line_added() {
        let line = added_line(&samples::influencer(), &samples::look());
        assert_eq!(line, "aibaeaqc  Mara Lindqvist  youtube:@mara  mastodon:mara@host.example\n");
    }
}
