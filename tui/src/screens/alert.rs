//! One alert with all that explains it: the move, what is usual, the rule, who cares, and where it was delivered.
//!
//! ```text
//!  Roster › Alerts › Alert  open                            ◐ 97.8% synced   2 alerts
//!
//!  ! Oskar & Ines · YouTube                                          followers -12.4%
//!    followers fell 12.4 % within 6 hours, from 459,000 to 402,000 (a normal day: ±0.3 %)
//!
//!    Moved         459,000 → 402,000, -57,000
//!    Usual day     within ±0.3% on nine of ten days
//!    ...
//!  DELIVERED
//!    ● team        opened 14:02: ok
//! ```

mod facts;

use roster_protocol::delivery::Delivery;
use roster_protocol::service::Page;
use roster_protocol::{Alert, AlertId, AlertState, RosterError};

use self::facts::Line;
use super::{Entry, Screen, states};
use crate::keys::{Action, Context, ScreenKeys, bind};
use crate::message::{Mutation, Request, Response};
use crate::modal::copy::{self, Copied};
use crate::modal::{Focus, Next, form};
use crate::shared::{Shared, ToastLevel};
use crate::widgets::pen::Pen;

const HERE: Context = Context::Screen("Alert");

/// This screen's line in the table.
pub const ENTRY: Entry = Entry {
    keys: ScreenKeys {
        context: HERE,
        number: None,
        about: "",
        bindings: &[
            bind(HERE, Action::Back, "", &["esc"], "back", "go back"),
            bind(HERE, Action::Open, "open", &["enter"], "account", "open its account, metric and day"),
            bind(HERE, Action::Acknowledge, "acknowledge", &["space"], "ack", "acknowledge: a person has seen it"),
            bind(HERE, Action::Note, "note", &["n"], "note", "acknowledge it with a note, or write another note"),
            bind(HERE, Action::Assign, "assign", &["u"], "user", "say which user takes care of it"),
            bind(HERE, Action::Silence, "silence", &["z"], "silence", "keep alerts like it quiet for some time"),
        ],
        filter: &[],
    },
    new: None,
};

/// What the screen shows.
#[derive(Clone, Debug)]
pub struct State {
    pub alert: Alert,
    /// Why it could not be loaded again.
    error: Option<RosterError>,
    /// `None` before the first response.
    deliveries: Option<Page<Delivery>>,
    /// The alerts that it includes.
    members: Option<Page<Alert>>,
    /// The alert that includes it.
    group: Option<Alert>,
    /// What its rule says and where it is from, in words.
    rule: Option<String>,
    /// The first line that is seen.
    top: usize,
}

impl State {
    /// The page of an alert, as far as a list knows it.
    pub fn new(alert: Alert) -> Self {
        Self { alert, error: None, deliveries: None, members: None, group: None, rule: None, top: 0 }
    }

    fn scroll(&mut self, shared: &Shared, action: Action) {
        let (height, total) = (height(shared), facts::lines_in_all(self, shared));
        let page = height.saturating_sub(1).max(1);
        let top = match action {
            Action::Up => self.top.saturating_sub(1),
            Action::Down => self.top + 1,
            Action::PageUp => self.top.saturating_sub(page),
            Action::PageDown => self.top + page,
            Action::Top => 0,
            Action::Bottom => total,
            _ => self.top,
        };
        self.top = top.min(total.saturating_sub(height));
    }

    fn take(&mut self, alert: &Alert) {
        if alert.id == self.alert.id {
            (self.alert, self.error) = (alert.clone(), None);
        } else if Some(alert.id) == self.alert.group {
            self.group = Some(alert.clone());
        }
    }
}

/// How many lines are seen at once.
fn height(shared: &Shared) -> usize {
    usize::from(shared.size.height.saturating_sub(3))
}

/// What a key does to an alert, whichever screen shows it.
pub fn act_on(shared: &mut Shared, alert: &Alert, action: Action) -> Vec<Next> {
    let is_over = alert.state == AlertState::Resolved;
    match action {
        Action::Acknowledge if alert.state == AlertState::Open => {
            Next::mutate(Mutation::Acknowledge(vec![alert.id], None))
        }
        Action::Note | Action::Assign if is_over => {
            shared.say(ToastLevel::Failed, "this alert is over: no user needs to take care of it", None);
            Vec::new()
        }
        Action::Note => vec![Next::Modal(form::acknowledge(shared, alert))],
        Action::Assign => vec![Next::Modal(form::assign(shared, alert))],
        Action::Silence => vec![Next::Modal(form::silence(shared, alert))],
        _ => Vec::new(),
    }
}

/// Opens the account, metric and day that an alert is about.
pub fn account(alert: &Alert) -> Option<Next> {
    let focus = Focus { connection: alert.about.connection(), metric: alert.metric, at: Some(alert.opened_at) };
    let (influencer, name) = alert.about.influencer().zip(alert.influencer_name.clone())?;
    Some(Next::Influencer(influencer, name, focus))
}

/// What of an alert can be copied.
pub fn copies(shared: &Shared, alert: &Alert) -> Vec<Copied> {
    let (whose, platform) = states::alert_subject(shared, alert);
    let id = alert.id.to_string();
    let deliveries = copy::command(&["deliveries", "--alert", &id]);
    vec![
        Copied::new("why it opened", &alert.why),
        Copied::row(&[&whose, platform.trim_start_matches(" · "), &states::alert(alert), &alert.why]),
        Copied::new("the id", id),
        Copied { what: "where it went".to_owned(), ..deliveries },
    ]
}

impl Screen for State {
    fn keys(&self) -> &'static ScreenKeys {
        &ENTRY.keys
    }

    fn summary(&self, _: &Shared) -> String {
        let silenced = if self.alert.silenced.is_silent() { " · silenced" } else { "" };
        format!("{}{silenced}", self.alert.state.as_str())
    }

    fn offers(&self, action: Action) -> bool {
        match action {
            Action::Open => self.alert.about.influencer().is_some(),
            Action::Acknowledge => self.alert.state == AlertState::Open,
            Action::Note | Action::Assign => self.alert.state != AlertState::Resolved,
            _ => true,
        }
    }

    fn reload(&mut self, _: &mut Shared) -> Vec<Next> {
        let id = self.alert.id;
        let requests = [Request::Alert(id), Request::DeliveriesOf(id)];
        let rules = self.rule.is_none().then_some(Request::Rules);
        let group = self.alert.group.map(Request::Alert);
        let members = (self.alert.members > 0).then_some(Request::Members(id));
        requests.into_iter().chain(rules).chain(group).chain(members).flat_map(Next::request).collect()
    }

    fn responded(&mut self, _: &mut Shared, response: &Response) -> Vec<Next> {
        let is_this = |id: &AlertId| *id == self.alert.id;
        match response {
            Response::Alert(id, Err(error)) if is_this(id) => self.error = Some(error.clone()),
            Response::Alert(_, Ok(alert)) => self.take(alert),
            Response::DeliveriesOf(id, Ok(page)) if is_this(id) => self.deliveries = Some(page.clone()),
            Response::Members(id, Ok(page)) if is_this(id) => self.members = Some(page.clone()),
            Response::Rules(Ok(rules)) => {
                let used = rules.iter().find(|listed| listed.rule.name == self.alert.rule);
                self.rule = Some(match used {
                    Some(listed) => format!("{} ({}): {}", self.alert.rule, listed.origin, listed.rule),
                    None => format!("{}: there is no such rule any more", self.alert.rule),
                });
            }
            _ => {}
        }
        Vec::new()
    }

    fn resized(&mut self, shared: &mut Shared) -> Vec<Next> {
        self.scroll(shared, Action::Open);
        Vec::new()
    }

    fn act(&mut self, shared: &mut Shared, action: Action) -> Vec<Next> {
        match action {
            Action::Open => account(&self.alert).into_iter().collect(),
            Action::Acknowledge | Action::Note | Action::Assign | Action::Silence => {
                act_on(shared, &self.alert, action)
            }
            _ => {
                self.scroll(shared, action);
                Vec::new()
            }
        }
    }

    fn copies(&self, shared: &Shared) -> Vec<Copied> {
        copies(shared, &self.alert)
    }

    fn view(&self, shared: &Shared, pen: &mut Pen<'_>) {
        for (x, width, lines) in facts::columns_of(self, shared) {
            draw(pen, (x, width), lines.iter().skip(self.top).take(height(shared)));
        }
        if facts::lines_in_all(self, shared) > self.top + height(shared) {
            let (width, bottom) = (shared.size.width, shared.size.height.saturating_sub(2));
            pen.put_right(0, bottom, width.saturating_sub(1), " ↓ more", pen.theme.faint);
        }
    }
}

fn draw<'a>(pen: &mut Pen<'_>, (x, width): (u16, u16), lines: impl Iterator<Item = &'a Line>) {
    for (line, y) in lines.zip(2..) {
        pen.pieces(x, y, width, line);
    }
}
