//! Asks an account's owner for consent: what to open, the wait for the owner, the choice among several accounts,
//! and the result.
//!
//! Pure like all of `update`. A late response finds its own modal by number, or is dropped.

mod view;

pub use view::view;

use std::collections::BTreeSet;

use roster_protocol::{
    Connection, ConnectionId, ConsentBegun, ConsentChoice, ConsentId, ConsentMethod, ConsentState, ConsentedConnection,
    ErrorKind, InfluencerId, RosterError,
};
use tui_input::Input;

use crate::consent::{PlainUrl, joined};
use crate::keys::{Action, Context};
use crate::message::{ConsentReply, ConsentStep, Effect, Mutation, Request};
use crate::modal::{Modal, Next};
use crate::shared::{Link, Shared};
use crate::widgets::input;
use crate::widgets::window::Window;

/// A consent that is being requested.
#[derive(Clone, Debug)]
pub struct Connect {
    /// So that a late response finds its own modal.
    pub id: u64,
    pub target: Target,
    pub method: ConsentMethod,
    pub phase: Phase,
    /// What was done or went wrong meanwhile.
    pub notice: Option<Notice>,
}

/// Whose account, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    pub influencer: InfluencerId,
    pub name: String,
    /// The platform's slug.
    pub platform: String,
    /// Which account, where that is known beforehand.
    pub handle: Option<String>,
}

/// How far it is.
#[derive(Clone, Debug)]
pub enum Phase {
    Beginning,
    Waiting(Box<Waiting>),
    Choosing(Choosing),
    Connected(Vec<ConsentedConnection>),
    Failed(RosterError),
}

/// The wait for the owner.
#[derive(Clone, Debug)]
pub struct Waiting {
    pub begun: ConsentBegun,
    /// The consent that is followed; another one when an address of that was pasted.
    pub consent: ConsentId,
    pub view: WaitView,
    /// The address that the browser landed on.
    pub address: Input,
    /// Whether the owner has decided, and the daemon exchanges the code.
    pub finishing: bool,
    /// Whether a request about it is under way.
    requested: bool,
}

/// What of the wait is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaitView {
    Guide,
    /// With the address being typed.
    Pasting,
    /// The QR code alone.
    Code,
}

/// The choice among several accounts.
#[derive(Clone, Debug)]
pub struct Choosing {
    pub consent: ConsentId,
    pub choices: Vec<ConsentChoice>,
    pub window: Window,
    pub marked: BTreeSet<usize>,
    /// Whether the daemon connects what was chosen.
    pub sent: bool,
}

/// A notice about something done meanwhile.
#[derive(Clone, Debug, PartialEq)]
pub enum Notice {
    Done(&'static str),
    Failed(RosterError),
}

impl Connect {
    /// Whose keys work.
    pub fn context(&self) -> Context {
        match &self.phase {
            Phase::Waiting(waiting) if waiting.view == WaitView::Pasting => Context::Pasting,
            Phase::Beginning | Phase::Waiting(_) => Context::Consent,
            Phase::Choosing(_) => Context::Choosing,
            Phase::Connected(_) => Context::Connected,
            Phase::Failed(_) => Context::Refused,
        }
    }

    /// The line that is being typed in.
    pub fn input(&mut self) -> Option<&mut Input> {
        match &mut self.phase {
            Phase::Waiting(waiting) if waiting.view == WaitView::Pasting => Some(&mut waiting.address),
            _ => None,
        }
    }

    /// Whether the remaining time is shown.
    pub fn counts_down(&self) -> bool {
        matches!(self.phase, Phase::Waiting(_))
    }

    fn request(&self, step: ConsentStep) -> Vec<Next> {
        Next::request(Request::Consent { form: self.id, step })
    }

    fn request_begin(&self, method: ConsentMethod) -> Vec<Next> {
        let Target { influencer, platform, handle, .. } = self.target.clone();
        self.request(ConsentStep::Begin { influencer, platform, method, handle })
    }

    /// What is given up with the modal.
    fn open(&self) -> Option<ConsentId> {
        match &self.phase {
            Phase::Waiting(waiting) => Some(waiting.consent),
            Phase::Choosing(choosing) => Some(choosing.consent),
            Phase::Beginning | Phase::Connected(_) | Phase::Failed(_) => None,
        }
    }
}

/// Begins to request a consent.
pub fn begin(shared: &mut Shared, target: Target) -> Vec<Next> {
    shared.forms += 1;
    let method = ConsentMethod::Redirect;
    let connect = Connect { id: shared.forms, target, method, phase: Phase::Beginning, notice: None };
    let request = connect.request_begin(method);
    [Next::Modal(Modal::Connect(Box::new(connect)))].into_iter().chain(request).collect()
}

/// Requests the consent of an account again; the new one replaces the old one.
pub fn again(shared: &mut Shared, connection: &Connection, name: String) -> Vec<Next> {
    let target = Target {
        influencer: connection.influencer,
        name,
        platform: connection.platform.clone(),
        handle: Some(connection.handle.clone()),
    };
    begin(shared, target)
}

/// Gives a consent up.
pub(super) fn give_up(consent: ConsentId) -> Next {
    Next::Effect(Effect::Request(Request::CancelConsent(consent)))
}

impl Connect {
    /// What a key does.
    pub fn act(&mut self, shared: &Shared, action: Action) -> Vec<Next> {
        self.notice = None;
        match (&mut self.phase, action) {
            (Phase::Waiting(waiting), Action::Back) if waiting.view != WaitView::Guide => {
                waiting.view = WaitView::Guide;
            }
            (Phase::Beginning | Phase::Waiting(_) | Phase::Choosing(_), Action::Back) => {
                return [Next::Close].into_iter().chain(self.open().map(give_up)).collect();
            }
            (Phase::Waiting(waiting), Action::CopyUrl) => {
                let Some(url) = PlainUrl::checked(&waiting.begun.url) else {
                    let error = RosterError::failed("this URL has signs in it that belong into none; it is not copied");
                    self.notice = Some(Notice::Failed(error));
                    return Vec::new();
                };
                self.notice = Some(Notice::Done("the URL is in the clipboard, if this terminal allows that"));
                return vec![Next::Effect(Effect::Copy(url.as_str().to_owned()))];
            }
            (Phase::Waiting(waiting), Action::PasteAddress) => waiting.view = WaitView::Pasting,
            (Phase::Waiting(waiting), Action::ShowCode) => {
                waiting.view = if waiting.view == WaitView::Code { WaitView::Guide } else { WaitView::Code };
            }
            (Phase::Waiting(_), Action::SwitchMethod) => {
                let other = match self.method {
                    ConsentMethod::Redirect => ConsentMethod::Device,
                    ConsentMethod::Device => ConsentMethod::Redirect,
                };
                return self.request_begin(other);
            }
            (Phase::Waiting(waiting), Action::Submit) => {
                let address = joined(waiting.address.value());
                return if address.is_empty() { Vec::new() } else { self.request(ConsentStep::Paste(address)) };
            }
            (Phase::Choosing(_), action) => return self.choose(shared, action),
            (Phase::Connected(_), Action::Undo) => return self.undo(shared),
            (Phase::Connected(_) | Phase::Failed(_), Action::Back) => return vec![Next::Close],
            (Phase::Failed(_), Action::Again) => {
                self.phase = Phase::Beginning;
                return self.request_begin(self.method);
            }
            _ => {}
        }
        Vec::new()
    }

    fn choose(&mut self, shared: &Shared, action: Action) -> Vec<Next> {
        let height = view::seen_choices(shared.size);
        let Phase::Choosing(choosing) = &mut self.phase else { return Vec::new() };
        let cursor = choosing.window.cursor;
        match action {
            Action::Mark => {
                if !choosing.marked.remove(&cursor) {
                    choosing.marked.insert(cursor);
                }
            }
            Action::Submit if !choosing.sent => {
                if choosing.marked.is_empty() {
                    choosing.marked.insert(cursor);
                }
                let marked = choosing.marked.iter().filter_map(|at| choosing.choices.get(*at));
                let accounts = marked.map(|choice| choice.platform_user_id.clone()).collect();
                let consent = choosing.consent;
                choosing.sent = true;
                return self.request(ConsentStep::Choose(consent, accounts));
            }
            action => _ = choosing.window.moved(action, choosing.choices.len(), height),
        }
        Vec::new()
    }

    /// Takes what is new back, with the little history it has.
    fn undo(&mut self, shared: &Shared) -> Vec<Next> {
        let Phase::Connected(consented) = &self.phase else { return Vec::new() };
        let disconnect = |one: &ConsentedConnection| Mutation::Disconnect {
            connection: one.connection.id,
            name: shared.label(&one.connection),
            delete_history: true,
        };
        let new: Vec<Mutation> = consented.iter().filter(|one| one.is_new).map(disconnect).collect();
        if new.is_empty() {
            let error = RosterError::usage("nothing here is new: the account had been connected before");
            self.notice = Some(Notice::Failed(error));
            return Vec::new();
        }
        [Next::Close].into_iter().chain(new.into_iter().flat_map(Next::mutate)).collect()
    }

    /// Takes pasted text as the address. A whole address replaces what was there.
    pub fn paste(&mut self, text: &str) {
        if let Phase::Waiting(waiting) = &mut self.phase {
            let text = joined(text);
            if text.contains("://") {
                waiting.address = Input::default();
            }
            if input::paste(&mut waiting.address, &text) {
                waiting.view = WaitView::Pasting;
                self.notice = None;
            }
        }
    }

    /// Time passed: a wait that got no response is taken up again, once the daemon is there.
    pub fn tick(&mut self, shared: &Shared) -> Vec<Next> {
        let Phase::Waiting(waiting) = &mut self.phase else { return Vec::new() };
        if waiting.requested || shared.link != Link::Online {
            return Vec::new();
        }
        waiting.requested = true;
        let consent = waiting.consent;
        self.request(ConsentStep::State(consent))
    }

    /// Takes a reply.
    pub fn replied(&mut self, reply: ConsentReply) -> Vec<Next> {
        match reply {
            ConsentReply::Begun(method, result) => self.begun(method, result),
            ConsentReply::State(consent, result) => self.state(consent, result),
            ConsentReply::Pasted(result) => self.pasted(result),
            ConsentReply::Chosen(result) => self.chosen(result),
        }
    }

    fn begun(&mut self, method: ConsentMethod, result: Result<Box<ConsentBegun>, RosterError>) -> Vec<Next> {
        let begun = match (result, &self.phase) {
            (Ok(begun), Phase::Beginning | Phase::Waiting(_)) => *begun,
            // The first one was settled meanwhile.
            (Ok(begun), _) => return vec![give_up(begun.id)],
            (Err(error), Phase::Beginning) => {
                self.phase = Phase::Failed(error);
                return Vec::new();
            }
            // The platform does not offer the other method; the first one stays open.
            (Err(error), _) => {
                self.notice = Some(Notice::Failed(error));
                return Vec::new();
            }
        };
        let before = self.open();
        let consent = begun.id;
        let (view, address) = (WaitView::Guide, Input::default());
        let waiting = Waiting { begun, consent, view, address, finishing: false, requested: true };
        (self.method, self.phase, self.notice) = (method, Phase::Waiting(Box::new(waiting)), None);
        let mut effects = self.request(ConsentStep::State(consent));
        effects.extend(before.map(give_up));
        effects
    }

    fn state(&mut self, consent: ConsentId, result: Result<ConsentState, RosterError>) -> Vec<Next> {
        let Phase::Waiting(waiting) = &mut self.phase else { return Vec::new() };
        if waiting.consent != consent {
            return Vec::new();
        }
        waiting.requested = false;
        match result {
            Ok(state) => self.take(consent, state),
            // Its time runs on; the next tick requests it again.
            Err(error) if error.kind == ErrorKind::Unreachable => Vec::new(),
            Err(error) => {
                self.phase = Phase::Failed(error);
                Vec::new()
            }
        }
    }

    fn take(&mut self, consent: ConsentId, state: ConsentState) -> Vec<Next> {
        match state {
            ConsentState::Waiting | ConsentState::Finishing => {
                if let Phase::Waiting(waiting) = &mut self.phase {
                    waiting.finishing = state == ConsentState::Finishing;
                    waiting.requested = true;
                }
                self.request(ConsentStep::State(consent))
            }
            ConsentState::Choose(choices) => {
                let (window, marked) = (Window::default(), BTreeSet::new());
                self.phase = Phase::Choosing(Choosing { consent, choices, window, marked, sent: false });
                Vec::new()
            }
            ConsentState::Done(consented) => {
                // The first sync may have ended before this response arrived.
                let ids = consented.iter().map(|one| one.connection.id);
                let effects = ids.flat_map(|id| Next::request(Request::Connection(id))).collect();
                (self.phase, self.notice) = (Phase::Connected(consented), None);
                effects
            }
            ConsentState::Failed(error) => {
                self.phase = Phase::Failed(error);
                Vec::new()
            }
        }
    }

    fn pasted(&mut self, result: Result<ConsentId, RosterError>) -> Vec<Next> {
        let Phase::Waiting(waiting) = &mut self.phase else { return Vec::new() };
        match result {
            Err(error) => self.notice = Some(Notice::Failed(error)),
            Ok(consent) => {
                (waiting.view, waiting.finishing) = (WaitView::Guide, true);
                if consent != waiting.consent {
                    (waiting.consent, waiting.requested) = (consent, true);
                    return self.request(ConsentStep::State(consent));
                }
            }
        }
        Vec::new()
    }

    fn chosen(&mut self, result: Result<ConsentState, RosterError>) -> Vec<Next> {
        let Phase::Choosing(choosing) = &mut self.phase else { return Vec::new() };
        choosing.sent = false;
        let consent = choosing.consent;
        match result {
            Ok(state) => self.take(consent, state),
            Err(error) => {
                self.notice = Some(Notice::Failed(error));
                Vec::new()
            }
        }
    }

    /// A sync ended: its numbers are shown when they are of an account that was just connected.
    pub fn ran(&self, connection: ConnectionId) -> Vec<Next> {
        let Phase::Connected(consented) = &self.phase else { return Vec::new() };
        let is_ours = consented.iter().any(|one| one.connection.id == connection);
        if is_ours { Next::request(Request::Connection(connection)) } else { Vec::new() }
    }

    /// Takes a connection as it is now.
    pub fn take_connection(&mut self, id: ConnectionId, now: &Connection) {
        if let Phase::Connected(consented) = &mut self.phase
            && let Some(one) = consented.iter_mut().find(|one| one.connection.id == id)
        {
            one.connection = now.clone();
        }
    }

    /// After the screen's size changed.
    pub fn resized(&mut self, shared: &Shared) {
        if let Phase::Choosing(choosing) = &mut self.phase {
            choosing.window.clamp(choosing.choices.len(), view::seen_choices(shared.size));
        }
    }

    /// Whether a footer entry makes sense in this phase.
    pub fn offers(&self, action: Action) -> bool {
        let waits = matches!(&self.phase, Phase::Waiting(waiting) if !waiting.finishing);
        match action {
            Action::CopyUrl | Action::ShowCode => waits,
            // A code is typed elsewhere and leaves no address.
            Action::PasteAddress | Action::SwitchMethod => waits && self.method == ConsentMethod::Redirect,
            Action::Undo => {
                matches!(&self.phase, Phase::Connected(consented) if consented.iter().any(|one| one.is_new))
            }
            _ => true,
        }
    }
}
