//! The codes of enum variants on disk: their positions in these lists. Append, never reorder.
//!
//! Each list has a match beside it that does not compile when the list lacks a variant.

use roster_protocol::alert::{AlertState, ChangeCause, Severity};
use roster_protocol::connection::{ReadWith, Source};
use roster_protocol::metric::{AgeRange, Metric};
use roster_protocol::reported::{AudienceOf, Gender};
use roster_protocol::rule::{Direction, Happening, Window};
use roster_protocol::sync::{Cause, Outcome};

use crate::history::chunk;
use crate::model::{DeliveryKind, DeliveryState, TroubleKind};

/// A variant's code.
pub(super) fn code<T: PartialEq>(all: &[T], one: T) -> u8 {
    // All lists are complete, see above; no reader would accept 255.
    all.iter().position(|each| *each == one).map_or(u8::MAX, |position| position as u8)
}

/// The variant of a code, if there is one.
pub(super) fn variant<T: Copy>(all: &[T], code: u8) -> Option<T> {
    all.get(usize::from(code)).copied()
}

/// `Some(None)` without a code, `None` for a code that no variant has.
pub(super) fn optional_variant<T: Copy>(all: &[T], code: Option<u8>) -> Option<Option<T>> {
    match code {
        None => Some(None),
        Some(code) => variant(all, code).map(Some),
    }
}

pub(super) const SOURCES: &[Source] = &[Source::Api, Source::Manual, Source::Import];
const _: fn(Source) = |one| match one {
    Source::Api | Source::Manual | Source::Import => (),
};

pub(super) const READ_WITH: &[ReadWith] = &[ReadWith::Public, ReadWith::Consent];
const _: fn(ReadWith) = |one| match one {
    ReadWith::Public | ReadWith::Consent => (),
};

pub(super) const GENDERS: &[Gender] = &[Gender::Female, Gender::Male, Gender::Other];
const _: fn(Gender) = |one| match one {
    Gender::Female | Gender::Male | Gender::Other => (),
};

pub(super) const AUDIENCES_OF: &[AudienceOf] = &[AudienceOf::Followers, AudienceOf::Viewers];
const _: fn(AudienceOf) = |one| match one {
    AudienceOf::Followers | AudienceOf::Viewers => (),
};

pub(super) const OUTCOMES: &[Outcome] = &[Outcome::Ok, Outcome::Partial, Outcome::Failed, Outcome::Skipped];
const _: fn(Outcome) = |one| match one {
    Outcome::Ok | Outcome::Partial | Outcome::Failed | Outcome::Skipped => (),
};

pub(super) const WINDOWS: &[Window] = &[Window::Day, Window::Week, Window::Month];
const _: fn(Window) = |one| match one {
    Window::Day | Window::Week | Window::Month => (),
};

pub(super) const DIRECTIONS: &[Direction] = &[Direction::Down, Direction::Up, Direction::Both];
const _: fn(Direction) = |one| match one {
    Direction::Down | Direction::Up | Direction::Both => (),
};

pub(super) const HAPPENINGS: &[Happening] = &[
    Happening::Stale,
    Happening::NeedsPerson,
    Happening::Token,
    Happening::PlatformDown,
    Happening::MetricWithdrawn,
    Happening::StoreSize,
    Happening::Listener,
    Happening::Disk,
    Happening::Store,
    Happening::Refusals,
    Happening::Network,
    Happening::Clock,
    Happening::Descriptors,
    Happening::Desktop,
];
const _: fn(Happening) = |one| match one {
    Happening::Stale
    | Happening::NeedsPerson
    | Happening::Token
    | Happening::PlatformDown
    | Happening::MetricWithdrawn
    | Happening::StoreSize
    | Happening::Listener
    | Happening::Disk
    | Happening::Store
    | Happening::Refusals
    | Happening::Network
    | Happening::Clock
    | Happening::Descriptors
    | Happening::Desktop => (),
};

pub(super) const CAUSES: &[Cause] = &[Cause::Schedule, Cause::Person, Cause::CatchUp, Cause::Push];
const _: fn(Cause) = |one| match one {
    Cause::Schedule | Cause::Person | Cause::CatchUp | Cause::Push => (),
};

pub(super) const CHANGE_CAUSES: &[ChangeCause] = &[ChangeCause::Sync, ChangeCause::Manual, ChangeCause::Import];
const _: fn(ChangeCause) = |one| match one {
    ChangeCause::Sync | ChangeCause::Manual | ChangeCause::Import => (),
};

pub(super) const ALERT_STATES: &[AlertState] = &[AlertState::Open, AlertState::Acknowledged, AlertState::Resolved];
const _: fn(AlertState) = |one| match one {
    AlertState::Open | AlertState::Acknowledged | AlertState::Resolved => (),
};

pub(super) const SEVERITIES: &[Severity] = &[Severity::Info, Severity::Warning, Severity::Critical];
const _: fn(Severity) = |one| match one {
    Severity::Info | Severity::Warning | Severity::Critical => (),
};

pub(super) const DELIVERY_STATES: &[DeliveryState] =
    &[DeliveryState::Pending, DeliveryState::Delivered, DeliveryState::Dead, DeliveryState::Superseded];
const _: fn(DeliveryState) = |one| match one {
    DeliveryState::Pending | DeliveryState::Delivered | DeliveryState::Dead | DeliveryState::Superseded => (),
};

pub(super) const DELIVERY_KINDS: &[DeliveryKind] =
    &[DeliveryKind::Opened, DeliveryKind::Resolved, DeliveryKind::Group, DeliveryKind::Escalated, DeliveryKind::Grown];
const _: fn(DeliveryKind) = |one| match one {
    DeliveryKind::Opened
    | DeliveryKind::Resolved
    | DeliveryKind::Group
    | DeliveryKind::Escalated
    | DeliveryKind::Grown => (),
};

pub(super) const TROUBLES: &[TroubleKind] = &[
    TroubleKind::Unauthorized,
    TroubleKind::MissingScope,
    TroubleKind::RateLimited,
    TroubleKind::Unavailable,
    TroubleKind::Network,
    TroubleKind::AccountGone,
    TroubleKind::Unconfigured,
    TroubleKind::Unexpected,
    TroubleKind::Partial,
];
const _: fn(TroubleKind) = |one| match one {
    TroubleKind::Unauthorized
    | TroubleKind::MissingScope
    | TroubleKind::RateLimited
    | TroubleKind::Unavailable
    | TroubleKind::Network
    | TroubleKind::AccountGone
    | TroubleKind::Unconfigured
    | TroubleKind::Unexpected
    | TroubleKind::Partial => (),
};

/// Metrics have the order of their columns.
pub(super) const METRICS: &[Metric] = &chunk::METRICS;

pub(super) const AGES: &[AgeRange] = &[
    AgeRange::From13To17,
    AgeRange::From18To24,
    AgeRange::From25To34,
    AgeRange::From35To44,
    AgeRange::From45To54,
    AgeRange::From55To64,
    AgeRange::From65,
];
const _: fn(AgeRange) = |one| match one {
    AgeRange::From13To17
    | AgeRange::From18To24
    | AgeRange::From25To34
    | AgeRange::From35To44
    | AgeRange::From45To54
    | AgeRange::From55To64
    | AgeRange::From65 => (),
};
