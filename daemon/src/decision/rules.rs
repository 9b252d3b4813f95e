//! Alert rules that users make, change and remove.

use roster_protocol::audit::Who;
use roster_protocol::error::RosterError;
use roster_protocol::rule::{LONGEST_NAME, MOST_RULES, Origin, Rule, RuleParts, is_name};

use super::Decision;
use super::audit::audit_change;
use super::checks::checked_tag;
use crate::alerts::rules::{InUse, made_of};

/// How much of the text parts of a rule is kept.
const MOST_IN_SCOPE: usize = 100;

/// Makes a rule.
///
/// # Errors
/// A name that is none or is in use, what makes no rule, too many rules.
pub fn add(decision: &mut Decision<'_>, who: &Who, name: &str, parts: &RuleParts) -> Result<(), RosterError> {
    if !is_name(name) {
        let message = format!("{name:?} cannot name a rule: lower-case letters, digits and -, at most {LONGEST_NAME}");
        return Err(RosterError::usage(message));
    }
    if decision.roster.rules.get(name).is_some() {
        let hint = format!("`roster rules edit {name}` changes it");
        return Err(RosterError::conflict(format!("there is a rule {name} already")).hint(hint));
    }
    if decision.roster.stored_rules.len() >= MOST_RULES {
        return Err(RosterError::conflict(format!("there are {MOST_RULES} rules already")));
    }
    put(decision, who, name, None, parts)
}

/// Changes a rule where `parts` names it; a built-in one is overridden.
///
/// # Errors
/// A rule that does not exist or that the config has, no change, what makes no rule.
pub fn edit(decision: &mut Decision<'_>, who: &Who, name: &str, parts: &RuleParts) -> Result<(), RosterError> {
    let used = changeable(decision, name)?.rule.clone();
    if *parts == RuleParts::default() {
        let hint = "name it, such as --percent 5 or --severity info; `roster rules edit --help` has all";
        return Err(RosterError::usage(format!("nothing of {name} is to be changed")).hint(hint));
    }
    put(decision, who, name, Some(&used), parts)
}

/// Removes what users made of a rule; a built-in one is as it was again.
///
/// # Errors
/// A rule that does not exist, that the config has, or of which there is only the built-in one.
pub fn remove(decision: &mut Decision<'_>, who: &Who, name: &str) -> Result<(), RosterError> {
    let used = changeable(decision, name)?;
    if used.origin == Origin::BuiltIn {
        let hint = format!("`roster rules off {name}` switches it off");
        return Err(RosterError::conflict(format!("{name} is built in")).hint(hint));
    }
    let line = audit_change(decision, who, "rule.remove", name.to_owned(), used.rule.to_string(), String::new());
    decision.log(line);
    decision.commit.alerting.removed_rules.push(name.to_owned());
    Ok(())
}

fn changeable<'a>(decision: &Decision<'a>, name: &str) -> Result<&'a InUse, RosterError> {
    let used = decision.roster.rules.get(name).ok_or_else(|| {
        let named = roster_protocol::text::clean(name, LONGEST_NAME);
        RosterError::not_found(format!("no rule {named:?}")).hint("`roster rules list` shows all")
    })?;
    if used.origin == Origin::Config {
        let hint = format!("change [rules.{name}] there, then `systemctl reload rosterd`");
        return Err(RosterError::conflict(format!("the config file has the rule {name}")).hint(hint));
    }
    Ok(used)
}

fn put(
    decision: &mut Decision<'_>,
    who: &Who,
    name: &str,
    before: Option<&Rule>,
    parts: &RuleParts,
) -> Result<(), RosterError> {
    let mut rule = made_of(name, before, parts).map_err(RosterError::usage)?;
    for tag in &mut rule.only.tags {
        *tag = checked_tag(tag)?;
    }
    check_scope(decision, &rule)?;
    let old = before.map(Rule::to_string).unwrap_or_default();
    let action = if before.is_some() { "rule.edit" } else { "rule.add" };
    let line = audit_change(decision, who, action, name.to_owned(), old, rule.to_string());
    decision.log(line);
    decision.commit.alerting.rules.push(rule);
    Ok(())
}

fn check_scope(decision: &Decision<'_>, rule: &Rule) -> Result<(), RosterError> {
    let only = &rule.only;
    if only.tags.len().max(only.platforms.len()).max(only.influencers.len()) > MOST_IN_SCOPE {
        return Err(RosterError::usage(format!("a rule names at most {MOST_IN_SCOPE} tags, platforms or influencers")));
    }
    let platforms = &decision.roster.platforms;
    if let Some(unknown) = only.platforms.iter().find(|slug| !platforms.contains_key(*slug)) {
        let known: Vec<&str> = platforms.keys().map(String::as_str).collect();
        let named = roster_protocol::text::clean(unknown, LONGEST_NAME);
        return Err(RosterError::usage(format!("{named:?} is no platform; known are {}", known.join(", "))));
    }
    if let Some(unknown) = only.influencers.iter().find(|id| !decision.roster.influencers.contains_key(id)) {
        return Err(RosterError::not_found(format!("no influencer {unknown}")));
    }
    Ok(())
}
