//! The form of an alert rule: fields by its kind, and what they make.

use std::fmt::Display;
use std::str::FromStr;

use roster_protocol::rule::{
    Backtest, Direction, Happening, LONGEST_NAME, Moved, Rule, RuleParts, Severity, Test, Window, is_name,
};
use roster_protocol::{Day, Metric, RosterError, Seconds, Since, query};

use super::begin::{form, text_field};
use super::step::Step;
use super::{Content, Field, Form, Kind, Phase, parse};
use crate::message::{Mutation, Request, RuleDraft};
use crate::modal::{Modal, Next};
use crate::shared::Shared;

/// What a rule is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RuleKind {
    Move,
    Level,
    Event,
}

impl RuleKind {
    const ALL: [RuleKind; 3] = [RuleKind::Move, RuleKind::Level, RuleKind::Event];

    fn as_str(self) -> &'static str {
        ["a number moves", "a number crosses a level", "something happens"][self as usize]
    }

    fn of(rule: &Rule) -> Self {
        match rule.test {
            Test::Moved(_) => RuleKind::Move,
            Test::Crossed { .. } => RuleKind::Level,
            Test::Happened { .. } => RuleKind::Event,
        }
    }
}

/// The longest text that names tags, platforms or influencers, in bytes.
const LONGEST_LIST: usize = 4_000;
/// Over which days a form tests.
const TESTED_DAYS: u32 = 365;

/// A new rule.
pub fn add_rule(shared: &mut Shared) -> Modal {
    form(shared, Kind::Rule { before: None }, fields(None, RuleKind::Move))
}

/// A rule as it is, to be changed.
pub fn edit_rule(shared: &mut Shared, rule: &Rule) -> Modal {
    form(shared, Kind::Rule { before: Some(Box::new(rule.clone())) }, fields(Some(rule), RuleKind::of(rule)))
}

fn choice<T: Copy + PartialEq>(label: &'static str, all: &[T], word: fn(T) -> &'static str, now: T) -> Field {
    let chosen = all.iter().position(|one| *one == now).unwrap_or_default();
    let words = all.iter().map(|one| word(*one)).collect();
    Field { label, example: String::new(), content: Content::Choice { words, chosen } }
}

fn shown<T: Display>(value: Option<T>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

fn fields(before: Option<&Rule>, kind: RuleKind) -> Vec<Field> {
    let mut fields = Vec::new();
    if before.is_none() {
        fields.push(text_field("Name", "lower-case letters, digits and -, such as big-drop", ""));
        fields.push(choice("Kind", &RuleKind::ALL, RuleKind::as_str, kind));
    }
    let test = before.map(|rule| &rule.test);
    match kind {
        RuleKind::Move => fields.extend(of_move(test)),
        RuleKind::Level => fields.extend(of_level(test)),
        RuleKind::Event => fields.extend(of_event(test)),
    }
    fields.extend(of_all(before));
    fields
}

fn of_move(test: Option<&Test>) -> Vec<Field> {
    let before = match test {
        Some(Test::Moved(moved)) => Some(*moved),
        _ => None,
    };
    let get = |pick: fn(&Moved) -> Option<f64>| shown(before.as_ref().and_then(pick));
    let metric = before.map_or(Metric::Followers, |moved| moved.metric);
    let direction = before.map_or(Direction::Down, |moved| moved.direction);
    let over = before.map_or(Window::Day, |moved| moved.over);
    let percent = get(|moved| moved.share.map(|share| (share.as_f64() * 1e6).round() / 1e4));
    vec![
        choice("Metric", &Metric::ALL, Metric::as_str, metric),
        choice("Which way", &Direction::ALL, Direction::as_str, direction),
        choice("Within", &Window::ALL, Window::as_str, over),
        text_field("Percent", "at least so many, such as 2.5; empty: any", &percent),
        text_field("Absolute", "at least so much, such as 500; empty: any", &get(|moved| moved.absolute)),
        text_field("Unusual", "so many times the account's usual, such as 6", &get(|moved| moved.unusual)),
    ]
}

fn of_level(test: Option<&Test>) -> Vec<Field> {
    let (metric, direction, levels) = match test {
        Some(Test::Crossed { metric, direction, levels }) => (*metric, *direction, levels.clone()),
        _ => (Metric::Followers, Direction::Up, Vec::new()),
    };
    let levels: Vec<String> = levels.iter().map(u64::to_string).collect();
    vec![
        choice("Metric", &Metric::ALL, Metric::as_str, metric),
        choice("Which way", &Direction::ALL, Direction::as_str, direction),
        text_field("Levels", "such as 10k 100k 1M", &levels.join(" ")),
    ]
}

fn of_event(test: Option<&Test>) -> Vec<Field> {
    let (event, intervals) = match test {
        Some(Test::Happened { event, intervals }) => (*event, Some(*intervals)),
        _ => (Happening::Stale, None),
    };
    let intervals = intervals.filter(|_| event == Happening::Stale);
    vec![
        choice("Event", &Happening::ALL, Happening::as_str, event),
        text_field("Intervals", "of stale: after so many without a sync", &shown(intervals)),
    ]
}

fn of_all(before: Option<&Rule>) -> Vec<Field> {
    let (severity, cooldown) =
        before.map_or((Severity::Warning, Seconds(86_400)), |rule| (rule.severity, rule.cooldown));
    let only = before.map(|rule| rule.only.clone()).unwrap_or_default();
    let influencers: Vec<String> = only.influencers.iter().map(ToString::to_string).collect();
    vec![
        choice("Level", &Severity::ALL, Severity::as_str, severity),
        text_field("Cooldown", "quiet for so long after an alert, such as 24h", &parse::interval_text(cooldown)),
        text_field("Tags", "one of these; empty: all", &only.tags.join(" ")),
        text_field("Platforms", "one of these; empty: all", &only.platforms.join(" ")),
        text_field("Influencers", "one of these, with commas; empty: all", &influencers.join(", ")),
        text_field("Followers from", "empty: any number", &shown(only.followers_min)),
        text_field("Followers up to", "empty: any number", &shown(only.followers_max)),
    ]
}

impl Form {
    fn field(&self, label: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.label == label)
    }

    fn text_of(&self, label: &str) -> &str {
        match self.field(label).map(|field| &field.content) {
            Some(Content::Text(input)) => input.value().trim(),
            _ => "",
        }
    }

    fn chosen<T: FromStr>(&self, label: &str) -> Option<T> {
        match self.field(label).map(|field| &field.content) {
            Some(Content::Choice { words, chosen }) => words.get(*chosen)?.parse().ok(),
            _ => None,
        }
    }

    fn rule_kind(&self) -> RuleKind {
        match (&self.kind, self.field("Kind").map(|field| &field.content)) {
            (Kind::Rule { before: Some(before) }, _) => RuleKind::of(before),
            (_, Some(Content::Choice { chosen, .. })) => RuleKind::ALL[*chosen % RuleKind::ALL.len()],
            _ => RuleKind::Move,
        }
    }

    /// Shows the fields of the kind that is chosen now; what is written in those that stay, stays.
    pub(super) fn follow_kind(&mut self) {
        if !matches!(self.kind, Kind::Rule { before: None }) {
            return;
        }
        let before = std::mem::take(&mut self.fields);
        let kind = before.iter().find_map(|field| match (&field.content, field.label) {
            (Content::Choice { chosen, .. }, "Kind") => RuleKind::ALL.get(*chosen).copied(),
            _ => None,
        });
        self.fields = fields(None, kind.unwrap_or(RuleKind::Move));
        for field in &mut self.fields {
            if let Some(known) = before.iter().find(|known| known.label == field.label) {
                field.content = known.content.clone();
            }
        }
        self.focus = self.focus.min(self.fields.len().saturating_sub(1));
    }

    pub(super) fn next_of_rule(&self, before: Option<&Rule>) -> Result<Step, RosterError> {
        let (name, draft) = self.draft(before)?;
        let draft = Box::new(draft);
        Ok(Step::Mutate(match before {
            Some(_) => Mutation::EditRule { name, draft },
            None => Mutation::AddRule { name, draft },
        }))
    }

    fn draft(&self, before: Option<&Rule>) -> Result<(String, RuleDraft), RosterError> {
        let name = before.map_or_else(|| self.text_of("Name").to_owned(), |rule| rule.name.clone());
        if !is_name(&name) {
            let message = "a rule's name has lower-case letters, digits and - only";
            return Err(RosterError::usage(message).hint(format!("at most {LONGEST_NAME} of them, such as big-drop")));
        }
        let mut parts = RuleParts {
            whole: true,
            enabled: before.map(|rule| rule.enabled),
            severity: self.chosen("Level"),
            cooldown: Some(self.cooldown()?),
            tags: Some(parse::tags(self.list("Tags")?)),
            platforms: Some(parse::tags(&self.list("Platforms")?.to_lowercase())),
            followers_min: self.number("Followers from", query::count)?,
            followers_max: self.number("Followers up to", query::count)?,
            ..RuleParts::default()
        };
        match self.rule_kind() {
            RuleKind::Event => {
                parts.event = self.chosen("Event");
                parts.intervals = self.number("Intervals", |text| text.parse().ok())?;
            }
            kind => {
                (parts.metric, parts.direction) = (self.chosen("Metric"), self.chosen("Which way"));
                match kind {
                    RuleKind::Level => parts.crosses = Some(self.levels()?),
                    _ => self.bounds(&mut parts)?,
                }
            }
        }
        let names = self.list("Influencers")?.split(',').map(str::trim);
        let influencers = names.filter(|name| !name.is_empty()).map(str::to_owned).collect();
        Ok((name, RuleDraft { parts, influencers: Some(influencers) }))
    }

    fn bounds(&self, parts: &mut RuleParts) -> Result<(), RosterError> {
        parts.over = self.chosen("Within");
        let percent = |text: &str| text.trim_end_matches('%').trim().parse().ok();
        let decimal = |text: &str| text.parse().ok().or_else(|| query::count(text).map(|count| count as f64));
        parts.percent = self.number("Percent", percent)?;
        parts.absolute = self.number("Absolute", decimal)?;
        parts.unusual = self.number("Unusual", decimal)?;
        if (parts.percent, parts.absolute, parts.unusual) == (None, None, None) {
            return Err(RosterError::usage("write a percent, an absolute or an unusual bound"));
        }
        Ok(())
    }

    fn levels(&self) -> Result<Vec<u64>, RosterError> {
        let words = self.list("Levels")?.split(|c: char| c.is_whitespace() || c == ',').filter(|word| !word.is_empty());
        let levels: Option<Vec<u64>> = words.map(query::count).collect();
        levels
            .filter(|levels| !levels.is_empty())
            .ok_or_else(|| RosterError::usage("levels: write numbers such as 10k 100k 1M"))
    }

    fn cooldown(&self) -> Result<Seconds, RosterError> {
        parse::interval(self.text_of("Cooldown")).map(|length| length.unwrap_or(Seconds(86_400)))
    }

    fn list(&self, label: &'static str) -> Result<&str, RosterError> {
        let text = self.text_of(label);
        match text.len() {
            ..=LONGEST_LIST => Ok(text),
            _ => Err(RosterError::usage(format!("{}: that is too long", label.to_lowercase()))),
        }
    }

    fn number<T>(&self, label: &'static str, read: impl Fn(&str) -> Option<T>) -> Result<Option<T>, RosterError> {
        parse::optional(self.text_of(label), &label.to_lowercase(), read)
    }

    /// Whether what is written can be tested.
    pub(super) fn tests(&self) -> bool {
        matches!(self.kind, Kind::Rule { .. }) && self.rule_kind() != RuleKind::Event
    }

    /// Requests what a rule with what is written would have said.
    pub(super) fn test(&mut self) -> Vec<Next> {
        let before = match &self.kind {
            Kind::Rule { before } => before.clone(),
            _ => return Vec::new(),
        };
        if !self.tests() || self.waits() {
            return Vec::new();
        }
        match self.draft(before.as_deref()) {
            Err(error) => {
                self.phase = Phase::Failed(error);
                Vec::new()
            }
            Ok((name, draft)) => {
                self.phase = Phase::Waiting("testing it over a year …");
                let since = Some(Since::Day(Day::Ago(TESTED_DAYS)));
                Next::request(Request::TestRule { form: Some(self.id), name, draft: Box::new(draft), since })
            }
        }
    }

    /// Takes what a rule would have said.
    pub fn tested(&mut self, id: u64, result: Result<Box<Backtest>, RosterError>) {
        if self.id == id && matches!(self.phase, Phase::Waiting(_)) {
            self.phase = match result {
                Ok(tested) => Phase::Tested(tested.in_words()),
                Err(error) => Phase::Failed(error),
            };
        }
    }
}
