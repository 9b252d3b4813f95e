//! Invented influencers and a small daemon that responds at once, for tests of the terminal UI.

mod alerting;
pub mod samples;
mod schedule;

use std::any::Any;
use std::collections::VecDeque;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use jiff::tz::TimeZone;
use ratatui::buffer::Buffer;
use ratatui::layout::{Rect, Size};
use roster_protocol::folding::{bare, folded};
use roster_protocol::query::{self, Term, Test};
use roster_protocol::reported::Reported;
use roster_protocol::service::{History, Page};
use roster_protocol::{
    AccountPreview, Alert, ConnectionPage, ConnectionRow, ConsentBegun, ConsentState, DuePage, ErrorKind, Influencer,
    InfluencerId, InfluencerPage, InfluencerQuery, InfluencerRow, RosterError, Status, SyncProgress, SyncTicket,
    Timestamp,
};

pub use alerting::*;
pub use samples::*;
pub use schedule::*;

use crate::message::{ConsentReply, ConsentStep, Effect, Message, Mutation, Outcome, Request, Response, Which};
use crate::model::Model;
use crate::samples::reported;
use crate::screens::Screen;
use crate::update::update;
use crate::view;

/// A daemon in a few lines: it responds to every request at once.
pub struct Daemon {
    pub influencers: Vec<InfluencerRow>,
    pub status: Status,
    /// The error that mutations and look-ups return instead.
    pub refuses: Option<RosterError>,
    pub preview: AccountPreview,
    /// Whether lists cannot be requested.
    pub unreachable: bool,
    /// How many rows it counts but never returns.
    pub withheld: u64,
    /// The states of a consent, one for each response; with none left the daemon does not respond.
    pub consent: VecDeque<ConsentState>,
    /// What a consent begins as; `None`: a sample for its method.
    pub begun: Option<ConsentBegun>,
    pub connections: Vec<ConnectionRow>,
    pub requested: Vec<Request>,
}

impl Daemon {
    pub fn new() -> Self {
        let preview = AccountPreview {
            platform: "bluesky".to_owned(),
            handle: "mara.example".to_owned(),
            needs_consent: false,
            platform_user_id: "did:invented".to_owned(),
            display_name: Some("Mara Lindqvist".to_owned()),
            followers: Some(8_126),
            taken_by: None,
        };
        Self {
            influencers: influencers(),
            status: status(),
            refuses: None,
            preview,
            unreachable: false,
            withheld: 0,
            consent: VecDeque::new(),
            begun: None,
            connections: connection_rows(),
            requested: Vec::new(),
        }
    }

    pub fn crowd(count: u64) -> Self {
        Self { influencers: (0..count).map(row).collect(), ..Self::new() }
    }

    /// The response; `None` while the call waits for an event.
    pub fn respond(&mut self, request: Request) -> Option<Response> {
        self.requested.push(request.clone());
        if let Request::Consent { step: ConsentStep::State(_), .. } = &request
            && self.consent.is_empty()
        {
            return None;
        }
        Some(self.respond_at_once(request))
    }

    fn respond_at_once(&mut self, request: Request) -> Response {
        fn page<T>(rows: Vec<T>) -> Result<Page<T>, RosterError> {
            Ok(Page { rows, next: None })
        }
        let refused = self.refuses.clone();
        match request {
            Request::Status => Response::Status(Box::new(Ok(self.status.clone()))),
            Request::Figures(_) => Response::Figures(Ok(figures())),
            Request::Due(query) => {
                let all = due_rows();
                let total = all.len() as u64;
                let rows = all.into_iter().skip(query.offset as usize).take(query.limit as usize).collect();
                Response::Due(query, Ok(DuePage { rows, total, late: 2 }))
            }
            Request::Page(query) => {
                let page = self.find(&query);
                Response::Page(query, page)
            }
            Request::Choices(filter) => {
                let page = self.find(&InfluencerQuery { filter: filter.clone(), limit: 10, ..Default::default() });
                Response::Choices(filter, page)
            }
            Request::History { connection, since } => {
                let history = History {
                    connection,
                    weeks: Vec::new(),
                    snapshots: snapshots(),
                    // What platforms report to owners is known of one account.
                    reported: if connection == influencer().connections[1].id {
                        reported()
                    } else {
                        Reported::default()
                    },
                    limit: None,
                    next: None,
                };
                Response::History { connection, since, result: Ok(history) }
            }
            Request::Influencer(id) => Response::Influencer(id, Ok(self.influencer(id))),
            Request::AlertsOf(id) => Response::AlertsOf(id, page(alerts())),
            Request::ChangesOf(id) => Response::ChangesOf(id, page(changes())),
            Request::Runs(mark) => Response::Runs(mark, page(runs())),
            Request::Alerts(which, mark) => {
                let is_wanted = |alert: &Alert| which != Which::Mine || alert.is_mine();
                Response::Alerts(which, mark, page(alerts().into_iter().filter(is_wanted).collect()))
            }
            Request::Alert(id) => {
                let found = alerts().into_iter().find(|alert| alert.id == id).map(Box::new);
                Response::Alert(id, found.ok_or_else(|| RosterError::not_found("no such alert")))
            }
            Request::DeliveriesOf(id) => Response::DeliveriesOf(id, page(deliveries(id))),
            Request::Members(id) => Response::Members(id, page(alerts())),
            Request::TestRule { form, name, since, .. } => {
                let result = refused.map_or_else(|| backtest(&name), Err).map(Box::new);
                Response::Tested { form, name, since, result }
            }
            Request::Rules => Response::Rules(Ok(rules())),
            Request::Changes(mark) => Response::Changes(mark, page(changes())),
            Request::Audit(mark) => Response::Audit(mark, page(audit())),
            Request::Connections(query) => {
                let rows = self.connections.iter().skip(query.offset as usize).take(query.limit as usize);
                let page = ConnectionPage { total: self.connections.len() as u64, rows: rows.cloned().collect() };
                Response::Connections(query, Ok(page))
            }
            Request::Connection(id) => {
                let mut known = consented().into_iter().map(|one| one.connection);
                let found = known.find(|connection| connection.id == id).map(Box::new);
                Response::Connection(id, found.ok_or_else(|| RosterError::not_found("no such connection")))
            }
            Request::Consent { form, step } => Response::Consent { form, reply: self.hear(step) },
            Request::CancelConsent(_) => Response::Cancelled(refused.map_or(Ok(()), Err)),
            Request::LookUp { form, .. } => {
                Response::LookUp { form, result: refused.map_or_else(|| Ok(self.preview.clone()), Err) }
            }
            Request::Namesakes { form, name } => {
                let named = |row: &&InfluencerRow| folded(&row.name) == folded(&name);
                Response::Namesakes { form, result: Ok(self.influencers.iter().filter(named).cloned().collect()) }
            }
            Request::Progress { ticket, seen } => {
                let result = Ok(SyncProgress { expected: 1, runs: runs().into_iter().take(1).collect(), done: true });
                Response::Progress { ticket, seen, result }
            }
            Request::Mutate(mutation) => {
                let outcome = match &mutation {
                    Mutation::Merge { influencer, into, .. } if refused.is_none() => {
                        self.influencers.retain(|row| row.id != *influencer);
                        Outcome::Influencer(*into)
                    }
                    Mutation::Add(new) if refused.is_none() => {
                        let id = influencer_id(900 + self.influencers.len() as u64);
                        self.influencers.push(InfluencerRow { id, name: new.name.clone(), ..row(900) });
                        Outcome::Influencer(id)
                    }
                    Mutation::Handle { handle, .. } => Outcome::Handle(handle.clone()),
                    Mutation::Record { record, .. } => {
                        Outcome::Recorded { date: "2026-11-21".parse().expect("a date"), kept: record.keep }
                    }
                    Mutation::Sync { .. } => Outcome::Ticket(SyncTicket { id: 1, expected: 1, skipped: 0, earlier: 0 }),
                    _ => Outcome::Done,
                };
                Response::Done(mutation, refused.map_or(Ok(outcome), Err))
            }
        }
    }

    fn hear(&mut self, step: ConsentStep) -> ConsentReply {
        let refused = self.refuses.clone();
        match step {
            ConsentStep::Begin { platform, method, influencer, .. } => {
                let begun =
                    self.begun.clone().unwrap_or_else(|| ConsentBegun { platform, influencer, ..begun(method) });
                ConsentReply::Begun(method, refused.map_or_else(|| Ok(Box::new(begun)), Err))
            }
            ConsentStep::State(id) => {
                let state = self.consent.pop_front().unwrap_or(ConsentState::Waiting);
                ConsentReply::State(id, Ok(state))
            }
            ConsentStep::Paste(_) => ConsentReply::Pasted(refused.map_or(Ok(consent_id(1)), Err)),
            ConsentStep::Choose(..) => {
                ConsentReply::Chosen(refused.map_or_else(|| Ok(ConsentState::Done(consented())), Err))
            }
        }
    }

    fn influencer(&self, id: InfluencerId) -> Influencer {
        let mut influencer = influencer();
        if let Some(row) = self.influencers.iter().find(|row| row.id == id) {
            influencer.row = row.clone();
        }
        influencer
    }

    /// Of the filter's words it knows texts only.
    fn find(&self, wanted: &InfluencerQuery) -> Result<InfluencerPage, RosterError> {
        if self.unreachable {
            return Err(RosterError::new(ErrorKind::Unreachable, "the connection to rosterd was lost"));
        }
        let terms = query::parse(&wanted.filter)?.terms;
        let holds = |row: &InfluencerRow, term: &Term| match &term.test {
            Test::Contains(text) => bare(&row.name).contains(text) != term.not,
            _ => true,
        };
        let fits = |row: &&InfluencerRow| terms.iter().all(|term| holds(row, term));
        let fitting: Vec<&InfluencerRow> = self.influencers.iter().filter(fits).collect();
        let near = wanted.near.and_then(|near| fitting.iter().position(|row| row.id == near));
        let offset = near.map_or(wanted.offset, |index| (index as u64).saturating_sub(wanted.limit / 2));
        Ok(InfluencerPage {
            offset,
            matching: fitting.len() as u64 + self.withheld,
            total: self.influencers.len() as u64,
            rows: fitting.into_iter().skip(offset as usize).take(wanted.limit as usize).cloned().collect(),
        })
    }
}

/// A model that has met its daemon.
pub fn online(daemon: &mut Daemon, width: u16, height: u16) -> Model {
    let mut model = Model::new(NOW, TimeZone::UTC, Size { width, height });
    send(&mut model, daemon, Message::Online);
    model
}

/// The state of a screen that is open.
pub fn state<T: Screen>(model: &Model) -> &T {
    let found = model.screens().find_map(|screen| (screen as &dyn Any).downcast_ref());
    found.expect("such a screen is open")
}

/// As [`state`], to be changed; `None` where no such screen is shown.
pub fn state_mut<T: Screen>(model: &mut Model) -> Option<&mut T> {
    let shown: &mut dyn Any = model.above.last_mut().unwrap_or(&mut model.first).as_mut();
    shown.downcast_mut()
}

/// Sends a message, and responds to requests until there are none.
pub fn send(model: &mut Model, daemon: &mut Daemon, message: Message) {
    let mut messages = VecDeque::from([message]);
    let mut rounds = 0;
    while let Some(message) = messages.pop_front() {
        rounds += 1;
        assert!(rounds < 1_000, "requests without end: {:?}", daemon.requested.last());
        for effect in update(model, message) {
            if let Effect::Request(request) = effect {
                let response = daemon.respond(request);
                messages.extend(response.map(|response| Message::Response(Box::new(response))));
            }
        }
    }
}

pub fn key(code: KeyCode) -> Message {
    Message::Key(KeyEvent::new(code, KeyModifiers::NONE))
}

/// Presses keys: letters as they are, `↵` `⎋` `⇥` `⌫` `↑` `↓` `←` `→` for those without a letter.
pub fn press(model: &mut Model, daemon: &mut Daemon, keys: &str) {
    for letter in keys.chars() {
        let code = match letter {
            '↵' => KeyCode::Enter,
            '⎋' => KeyCode::Esc,
            '⇥' => KeyCode::Tab,
            '⌫' => KeyCode::Backspace,
            '↑' => KeyCode::Up,
            '↓' => KeyCode::Down,
            '←' => KeyCode::Left,
            '→' => KeyCode::Right,
            letter => KeyCode::Char(letter),
        };
        send(model, daemon, key(code));
    }
    let pressed_at = model.shared.now;
    // Long enough for the cursor to rest, too short for anything else.
    model.shared.now = Timestamp(pressed_at.0 + 100);
    send(model, daemon, Message::Tick);
    model.shared.now = pressed_at;
}

/// The picture of a model.
pub fn buffer(model: &Model) -> Buffer {
    let mut buffer = Buffer::empty(Rect::new(0, 0, model.shared.size.width, model.shared.size.height));
    view::draw(model, &mut buffer);
    buffer
}

/// The picture as text, a line each, without blanks at the ends.
pub fn picture(model: &Model) -> String {
    let buffer = buffer(model);
    let mut text = String::new();
    for row in buffer.content.chunks(usize::from(model.shared.size.width.max(1))) {
        let mut line = String::new();
        let mut skip = 0;
        for cell in row {
            if skip > 0 {
                skip -= 1;
                continue;
            }
            line.push_str(cell.symbol());
            skip = crate::widgets::pen::columns(cell.symbol()).saturating_sub(1);
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}
