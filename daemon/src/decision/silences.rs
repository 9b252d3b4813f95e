//! Silences that users make and end, and which alerts they are about.

use roster_protocol::audit::Who;
use roster_protocol::error::{ErrorKind, RosterError};
use roster_protocol::ids::{InfluencerId, SilenceId};
use roster_protocol::rule::LONGEST_NAME;
use roster_protocol::silence::{MOST_SILENCES, NewSilence, Silence, SilenceEnd};
use roster_protocol::text::clean;

use super::Decision;
use super::audit::audit;
use super::checks::{checked_note, checked_tag};
use crate::model::{Alert, AuditLine, Delivery, DeliveryKind, On};
use crate::roster::{Roster, resolve, rows};

/// The longest: what is to be silent for longer is switched off.
const LONGEST_DAYS: i64 = 366;

/// Whether a silence is about an alert now.
pub fn cover(decision: &Decision<'_>, alert: &Alert) -> bool {
    decision.roster.silenced_until(alert, decision.now).is_some()
}

/// Makes a silence; those that are over are deleted, and so is what waits to be delivered of alerts that it is about.
///
/// # Errors
/// A rule, platform or influencer that does not exist, no reason, an end that is past or too far, too many silences.
pub fn add(decision: &mut Decision<'_>, who: &Who, new: &NewSilence) -> Result<SilenceId, RosterError> {
    let silence = checked(decision, who, new)?;
    let (over, lasting): (Vec<&Silence>, Vec<&Silence>) =
        decision.roster.silences.values().partition(|silence| silence.until <= decision.now);
    if lasting.len() >= MOST_SILENCES {
        let hint = "`roster silence list` shows them, and `roster silence end ID` ends one";
        return Err(RosterError::conflict(format!("there are {MOST_SILENCES} silences already")).hint(hint));
    }
    decision.commit.alerting.removed_silences.extend(over.iter().map(|silence| silence.id));
    let on = named(decision.roster, &silence);
    let new = Some(format!("until {}: {}", silence.until, silence.reason));
    let line = AuditLine { new, ..audit(decision, who, "silence.add", on) };
    decision.log(line);
    let id = silence.id;
    hush(decision, &silence);
    decision.commit.alerting.silences.push(silence);
    Ok(id)
}

/// Drops the pending deliveries of alerts that a silence is about: that they opened, and what would escalate them while it
/// lasts. That an alert is over is still delivered to who received that it opened.
fn hush(decision: &mut Decision<'_>, silence: &Silence) {
    let roster = decision.roster;
    let is_hushed = |delivery: &&Delivery| match delivery.key.kind {
        DeliveryKind::Resolved => false,
        DeliveryKind::Escalated => delivery.next_at.is_some_and(|at| at < silence.until),
        DeliveryKind::Opened | DeliveryKind::Group | DeliveryKind::Grown => true,
    };
    let is_about = |delivery: &&Delivery| {
        roster.alerts.get(&delivery.key.alert).is_some_and(|alert| roster.is_about(silence, alert))
    };
    let hushed = roster.deliveries.pending().filter(is_hushed).filter(is_about);
    decision.commit.alerting.dropped.extend(hushed.map(|delivery| delivery.key.clone()));
}

fn checked(decision: &mut Decision<'_>, who: &Who, new: &NewSilence) -> Result<Silence, RosterError> {
    let roster = decision.roster;
    if let Some(rule) = new.rule.as_ref().filter(|rule| roster.rules.get(rule).is_none()) {
        let message = format!("no rule {:?}", clean(rule, LONGEST_NAME));
        return Err(RosterError::not_found(message).hint("`roster rules list` shows all"));
    }
    if let Some(slug) = new.platform.as_ref().filter(|slug| !roster.platforms.contains_key(*slug)) {
        let message = format!("no platform {:?}", clean(slug, LONGEST_NAME));
        return Err(RosterError::not_found(message).hint("`roster platforms` shows all"));
    }
    let influencer = new.influencer.as_deref().map(|named| resolve::influencer(roster, named)).transpose()?;
    let no_reason = || RosterError::usage("a silence needs a reason").hint("say why with --reason TEXT");
    let until = match new.ends {
        SilenceEnd::At(at) => at,
        SilenceEnd::After(length) => decision.now.plus_seconds(i64::try_from(length.0).unwrap_or(i64::MAX)),
    };
    if until <= decision.now || until > decision.now.plus_seconds(LONGEST_DAYS * 24 * 3600) {
        return Err(RosterError::usage(format!("a silence ends within {LONGEST_DAYS} days from now"))
            .hint("`roster rules off RULE` switches a rule off"));
    }
    Ok(Silence {
        rule: new.rule.clone(),
        platform: new.platform.clone(),
        influencer: influencer.map(|one| one.id),
        tag: new.tag.as_deref().map(checked_tag).transpose()?,
        begun_at: decision.now,
        until,
        reason: checked_note(&new.reason)?.ok_or_else(no_reason)?,
        by: who.user(),
        id: decision.fresh_id(),
    })
}

/// Ends a silence with this id or unique prefix before its time.
///
/// # Errors
/// None of that id, or several.
pub fn end(decision: &mut Decision<'_>, who: &Who, id: &str) -> Result<Silence, RosterError> {
    let lasting = decision.roster.silences.values().filter(|silence| silence.until > decision.now);
    let found: Vec<&Silence> = lasting.filter(|it| !id.is_empty() && it.id.to_string().starts_with(id)).collect();
    let silence = match found.as_slice() {
        [one] => (*one).clone(),
        [] => {
            let message = format!("no silence {:?}", clean(id, LONGEST_NAME));
            return Err(RosterError::not_found(message).hint("`roster silence list` shows all"));
        }
        many => {
            let ids: Vec<String> = many.iter().take(10).map(|it| it.id.to_string()).collect();
            return Err(RosterError::new(ErrorKind::Ambiguous, format!("{id:?} names {} silences", many.len()))
                .hint(format!("say which: {}", ids.join(", "))));
        }
    };
    let line = audit(decision, who, "silence.end", named(decision.roster, &silence));
    decision.log(line);
    decision.commit.alerting.removed_silences.push(silence.id);
    Ok(silence)
}

/// Has the silences of an influencer who is removed end, or be about the one who is merged with it.
pub fn moved(decision: &mut Decision<'_>, from: InfluencerId, into: Option<InfluencerId>) {
    let about = decision.roster.silences.values().filter(|silence| silence.influencer == Some(from));
    for silence in about.cloned() {
        match into {
            Some(_) => decision.commit.alerting.silences.push(Silence { influencer: into, ..silence }),
            None => decision.commit.alerting.removed_silences.push(silence.id),
        }
    }
}

fn named(roster: &Roster, silence: &Silence) -> On {
    let name = Some(rows::silence(roster, silence).to_string());
    On { what: silence.id.to_string(), name, influencer: silence.influencer }
}
