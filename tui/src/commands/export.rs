//! `roster export --influencer`: everything that is held about one person, as JSON for programs or as a page for the person.
//!
//! It is written as it is read, page by page, so that it needs no memory for the whole. A document that lacks its end is not
//! whole.

mod page;

use roster_protocol::held::HeldPage;
use roster_protocol::{RosterClient, RosterError};

use self::page::Page;
use crate::client::{long_call, response};
use crate::output::json::held::{Head, row};
use crate::output::{Ending, Failure, Output, document, while_read};
use crate::session::Session;

/// `roster export`
#[derive(Debug, clap::Args)]
pub struct Export {
    /// Everything that is held about this influencer: no token and no secret is in it
    #[arg(long, value_name = "INFLUENCER")]
    influencer: String,
    /// `json`: all of it, for programs; `html`: a page for the person, which says what is held, why and how long
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = Format::Json)]
    format: Format,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Format {
    Json,
    Html,
}

/// What a document is written as.
enum Document {
    Json { rows: u64 },
    Html(Box<Page>),
}

impl Export {
    pub(crate) async fn run(self, session: &mut Session) -> Result<Ending, Failure> {
        if matches!(self.format, Format::Html) && session.output.is_json() {
            return Err(RosterError::usage("a page is no JSON").hint("leave out --json or --format html").into());
        }
        let client = session.connect().await?;
        let mut document = match self.format {
            Format::Json => Document::Json { rows: 0 },
            Format::Html => Document::Html(Box::default()),
        };
        while_read(written(&client, &self.influencer, &mut document, &mut session.output)).await
    }
}

async fn written(
    client: &RosterClient,
    named: &str,
    document: &mut Document,
    output: &mut Output,
) -> Result<Ending, Failure> {
    let mut page = response(client.held(long_call(), named.to_owned(), None).await)?;
    // From here on by its id, whatever it is named meanwhile.
    let id = page.influencer.to_string();
    output.raw(document.begin(&page)?.as_bytes())?;
    loop {
        output.raw(document.rows(&page)?.as_bytes())?;
        let Some(mark) = page.next.take() else { break };
        page = response(client.held(long_call(), id.clone(), Some(mark)).await)?;
    }
    output.raw(document.end().as_bytes())?;
    Ok(Ending::Done)
}

impl Document {
    fn begin(&mut self, page: &HeldPage) -> Result<String, Failure> {
        match self {
            Document::Json { .. } => {
                let head = document(&Head::of(page))?;
                let open = head.trim_end().strip_suffix('}').ok_or_else(|| RosterError::failed("no object"))?;
                Ok(format!("{open},\"rows\":["))
            }
            Document::Html(html) => Ok(html.begin(page)),
        }
    }

    fn rows(&mut self, page: &HeldPage) -> Result<String, Failure> {
        let mut text = String::new();
        for (part, held) in &page.rows {
            let value = row(held).map_err(std::io::Error::from)?;
            match self {
                Document::Json { rows } => {
                    text += if *rows == 0 { "\n" } else { ",\n" };
                    text += &format!("{{\"part\":\"{}\",\"held\":{value}}}", part.as_str());
                    *rows += 1;
                }
                Document::Html(html) => text += &html.row(*part, &value),
            }
        }
        Ok(text)
    }

    fn end(&mut self) -> String {
        match self {
            Document::Json { rows } => format!("\n],\"count\":{rows}}}\n"),
            Document::Html(html) => html.end(),
        }
    }
}
