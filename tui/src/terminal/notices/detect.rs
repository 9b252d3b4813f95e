//! What a terminal understands, from the environment and its replies. Pure.
//!
//! SSH passes `TERM` on, and no terminal's name; so the terminal is queried. A name that is not in the table gets the bell:
//! a sequence that a terminal does not know is a notice that is lost.

use super::form::{Form, Target, Through};
use crate::client_config::NoticeChoice;
use crate::terminal::decoder::Reply;

/// The form that was chosen; `None` when it is to be found out.
fn chosen(choice: NoticeChoice) -> Option<Form> {
    match choice {
        NoticeChoice::Auto | NoticeChoice::Off => None,
        NoticeChoice::Osc9 => Some(Form::Osc9),
        NoticeChoice::Osc777 => Some(Form::Osc777),
        NoticeChoice::Osc99 => Some(Form::Osc99),
        NoticeChoice::Bell => Some(Form::Bell),
    }
}

/// What the environment says of the terminal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Environment {
    pub term: String,
    pub in_tmux: bool,
    pub in_screen: bool,
}

impl Environment {
    /// Whether the terminal may be queried: old consoles print what they do not know.
    pub fn takes_queries(&self) -> bool {
        !["", "linux", "dumb", "vt100", "vt220", "ansi", "cons25"].contains(&program(&self.term))
    }
}

/// What is to be done to know how notices are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Plan {
    /// Nothing.
    Known(Target),
    /// tmux knows whether it passes anything on, and to which terminal.
    QueryTmux(NoticeChoice),
    /// The terminal has to be queried.
    QueryTerminal(Detection),
}

impl Plan {
    /// `None` when there are to be no notices.
    pub fn new(choice: NoticeChoice, environment: &Environment) -> Option<Self> {
        let Environment { term, in_tmux, in_screen } = environment;
        let is_known = known(program(term)).is_some();
        Some(match (choice, chosen(choice)) {
            (NoticeChoice::Off, _) => return None,
            (_, Some(Form::Bell)) => Plan::Known(Target::BELL),
            // A terminal that was started in tmux has its variable, and a name of its own.
            _ if *in_tmux && !is_known => Plan::QueryTmux(choice),
            // It is a multiplexer's, which may be at the other end of a connection: nothing can be known of it.
            (_, form) if *in_screen || ["screen", "tmux"].contains(&program(term)) => match form {
                Some(form) => Plan::Known(Target { form, through: Through::Screen }),
                None => Plan::Known(Target::BELL),
            },
            (_, Some(form)) => Plan::Known(Target { form, through: Through::Terminal }),
            _ if !environment.takes_queries() => Plan::Known(Target::BELL),
            _ => Plan::QueryTerminal(Detection { by_term: known(program(term)), ..Detection::default() }),
        })
    }
}

/// The terminals that are known to show notices, by their names in small letters.
const KNOWN: [(&str, Form); 7] = [
    ("kitty", Form::Osc99),
    ("foot", Form::Osc777),
    ("ghostty", Form::Osc777),
    ("wezterm", Form::Osc777),
    ("konsole", Form::Osc777),
    ("contour", Form::Osc777),
    ("iterm2", Form::Osc9),
];

fn known(program: &str) -> Option<Form> {
    KNOWN.iter().find(|(name, _)| program.eq_ignore_ascii_case(name)).map(|(_, form)| *form)
}

/// The program in the name that a terminal gives itself, or in `TERM`: `kitty(0.35.1)`, `WezTerm 2024`, `xterm-kitty`.
fn program(name: &str) -> &str {
    let name = name.strip_prefix("xterm-").unwrap_or(name);
    name.split(['(', ' ', '-', '.', '+']).next().unwrap_or_default()
}

/// The queries: kitty's for OSC 99, the terminal's name (XTVERSION), and its attributes (DA1), which every terminal
/// reports: once they are there, nothing else follows.
pub const QUERY: &[u8] = b"\x1b]99;i=roster:p=?;\x1b\\\x1b[>0q\x1b[c";

/// What is known of a terminal that was queried.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Detection {
    by_term: Option<Form>,
    by_name: Option<Form>,
    has_osc99: bool,
    is_over: bool,
}

impl Detection {
    /// Takes a reply; what is no reply to [`QUERY`] changes nothing.
    pub fn take(&mut self, reply: &Reply) {
        match reply {
            Reply::Attributes => self.is_over = true,
            Reply::Command(text) => self.has_osc99 |= is_osc99(text),
            Reply::Control(text) => {
                if let Some(name) = text.strip_prefix(">|") {
                    self.by_name = Some(known(program(name)).unwrap_or(Form::Bell));
                }
            }
        }
    }

    /// Whether nothing else follows.
    pub fn is_over(&self) -> bool {
        self.is_over
    }

    /// How notices are written, as far as is known now.
    pub fn target(&self) -> Target {
        let named = self.by_name.or(self.by_term).unwrap_or(Form::Bell);
        let form = if self.has_osc99 { Form::Osc99 } else { named };
        Target { form, through: Through::Terminal }
    }
}

/// Whether this is the reply that OSC 99 is understood: `99;i=roster:p=?;KEYS`.
fn is_osc99(text: &str) -> bool {
    let mut parts = text.splitn(3, ';');
    let (Some("99"), Some(keys), Some(_)) = (parts.next(), parts.next(), parts.next()) else { return false };
    let keys: Vec<&str> = keys.split(':').collect();
    keys.contains(&"i=roster") && keys.contains(&"p=?")
}

/// What is requested of tmux, as a format; each on a line of its own.
pub const TMUX_FORMAT: &str = "#{allow-passthrough}\n#{client_termtype}\n#{client_termname}";

/// How notices are written in a tmux that said this of itself; the bell when it said nothing.
pub fn in_tmux(choice: NoticeChoice, said: &str) -> Target {
    let mut lines = said.lines().map(str::trim);
    let passes_on = lines.next().unwrap_or_default();
    let mut names = lines.map(|name| known(program(name)));
    let form = chosen(choice).or_else(|| names.find_map(|form| form));
    match (passes_on, form) {
        ("1" | "on", Some(form)) => Target { form, through: Through::Tmux { hidden: false } },
        ("2" | "all", Some(form)) => Target { form, through: Through::Tmux { hidden: true } },
        _ => Target::BELL,
    }
}

#[cfg(test)]
mod tests;
