//! Forms about an alert: a note on it, who takes care of it, and a silence for alerts like it.

use jiff::civil::DateTime;
use roster_protocol::silence::{NewSilence, SilenceEnd};
use roster_protocol::{Alert, AlertId, InfluencerId, RosterError, Timestamp};

use super::begin::{form, text_field};
use super::step::Step;
use super::{Form, Kind, parse};
use crate::message::Mutation;
use crate::modal::Modal;
use crate::shared::Shared;

/// The longest name of what a silence is about, in bytes.
const LONGEST_NAME: usize = 400;

/// A note, with which an alert is acknowledged.
pub fn acknowledge(shared: &mut Shared, alert: &Alert) -> Modal {
    let fields = vec![text_field("Note", "what is to be known about it", alert.note.as_deref().unwrap_or_default())];
    form(shared, Kind::Acknowledge { alert: alert.id, name: named(alert) }, fields)
}

/// Who takes care of an alert.
pub fn assign(shared: &mut Shared, alert: &Alert) -> Modal {
    let user = alert.assigned_to.as_deref().unwrap_or_default();
    let fields = vec![text_field("User", "as `id -un` prints it there; empty: no user", user)];
    form(shared, Kind::Assign { alert: alert.id, name: named(alert) }, fields)
}

/// A silence for alerts like one.
pub fn silence(shared: &mut Shared, alert: &Alert) -> Modal {
    let name = alert.influencer_name.clone().unwrap_or_default();
    let platform = alert.about.platform().map(|lane| lane.split('/').next().unwrap_or(lane)).unwrap_or_default();
    let fields = vec![
        text_field("Rule", "empty: every rule", &alert.rule),
        text_field("Platform", "empty: every platform", platform),
        text_field("Influencer", "empty: all", &name),
        text_field("Tag", "empty: with any tags", ""),
        text_field("For", "2h or 3d, or until: 2026-12-01 18:00", "1d"),
        text_field("Reason", "why, for all who work with this roster", ""),
    ];
    let mut modal = form(shared, Kind::Silence { influencer: alert.about.influencer(), name }, fields);
    if let Modal::Form(form) = &mut modal {
        form.focus = 5;
    }
    modal
}

/// Whom or what an alert is about.
fn named(alert: &Alert) -> String {
    alert.subject().0.to_owned()
}

impl Form {
    pub(super) fn next_of_acknowledge(&self, alert: AlertId) -> Result<Step, RosterError> {
        let note = self.text(0);
        Ok(Step::Mutate(Mutation::Acknowledge(vec![alert], (!note.is_empty()).then(|| note.to_owned()))))
    }

    pub(super) fn next_of_assign(&self, alert: AlertId) -> Result<Step, RosterError> {
        let user = Some(self.text(0)).filter(|user| !user.is_empty()).map(str::to_owned);
        Ok(Step::Mutate(Mutation::Assign { alert, user }))
    }

    /// `known`: the influencer whose name is written already.
    pub(super) fn next_of_silence(
        &self,
        shared: &Shared,
        known: (Option<InfluencerId>, &str),
    ) -> Result<Step, RosterError> {
        let part = |index: usize| match self.text(index) {
            "" => Ok(None),
            text if text.len() > LONGEST_NAME => Err(RosterError::usage("a name is too long")),
            text => Ok(Some(text.to_owned())),
        };
        let influencer = part(2)?;
        // A name may be that of several.
        let influencer = influencer.map(|name| match known {
            (Some(id), known) if known == name => id.to_string(),
            _ => name,
        });
        let ends = ends(self.text(4), shared)?;
        let reason = self.text(5).to_owned();
        if reason.is_empty() {
            return Err(RosterError::usage("a silence needs a reason").hint("say why, for those who miss an alert"));
        }
        let tag = part(3)?.map(|tag| tag.trim_start_matches('#').to_owned());
        let silence = NewSilence { rule: part(0)?, platform: part(1)?, influencer, tag, ends, reason };
        Ok(Step::Mutate(Mutation::Silence(Box::new(silence))))
    }
}

/// A length, or a time: of the day here without a zone.
fn ends(text: &str, shared: &Shared) -> Result<SilenceEnd, RosterError> {
    if let Ok(Some(length)) = parse::interval(text) {
        return Ok(SilenceEnd::After(length));
    }
    let at: Option<jiff::Timestamp> = text.parse().ok();
    let local = || {
        let time: DateTime = text.parse().ok()?;
        Some(time.to_zoned(shared.zone.clone()).ok()?.timestamp())
    };
    let wrong = || RosterError::usage("say for how long or until when: 2h, 3d, or 2026-12-01 18:00");
    at.or_else(local).map(|at| SilenceEnd::At(Timestamp::from(at))).ok_or_else(wrong)
}
