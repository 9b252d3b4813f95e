//! Reading parameters, and refusing them in the words of the lexicon's validation.

use super::{Answer, invalid};
use crate::platforms::Ask;

/// One value that must be there.
pub fn required<'a>(ask: &'a Ask, nsid: &str, name: &str) -> Result<&'a str, Answer> {
    ask.one(name).filter(|value| !value.is_empty()).ok_or_else(|| missing(nsid, name))
}

/// A handle or DID that must be there and could be one.
pub fn actor<'a>(ask: &'a Ask, nsid: &str, name: &str) -> Result<&'a str, Answer> {
    let actor = required(ask, nsid, name)?;
    could_be_actor(actor).then_some(actor).ok_or_else(|| wrong_format(nsid, actor, name))
}

/// 1 to 25 handles or DIDs.
pub fn actors<'a>(ask: &'a Ask, nsid: &str, name: &str) -> Result<Vec<&'a str>, Answer> {
    let actors = several(ask, nsid, name)?;
    match actors.iter().position(|actor| !could_be_actor(actor)) {
        Some(place) => Err(wrong_format(nsid, actors[place], &format!("{name}[{place}]"))),
        None => Ok(actors),
    }
}

/// 1 to 25 values.
pub fn several<'a>(ask: &'a Ask, nsid: &str, name: &str) -> Result<Vec<&'a str>, Answer> {
    let values = [ask.all(name), ask.all(&format!("{name}[]"))].concat();
    match values.len() {
        0 => Err(missing(nsid, name)),
        1..=25 => Ok(values),
        many => Err(refused(nsid, &format!("array too big (maximum 25, got {many}) at $.{name}"))),
    }
}

/// `limit`, from 1 to 100; 50 unless given.
pub fn limit(ask: &Ask, nsid: &str) -> Result<usize, Answer> {
    let Some(text) = ask.one("limit") else { return Ok(50) };
    match text.parse::<i64>() {
        Ok(limit @ 1..=100) => Ok(limit as usize),
        Ok(small @ ..1) => Err(refused(nsid, &format!("integer too small (minimum 1, got {small}) at $.limit"))),
        Ok(big) => Err(refused(nsid, &format!("integer too big (maximum 100, got {big}) at $.limit"))),
        Err(_) => Err(refused(nsid, "Expected integer value type (got string) at $.limit")),
    }
}

fn could_be_actor(actor: &str) -> bool {
    match actor.strip_prefix("did:") {
        Some(rest) => rest.split_once(':').is_some_and(|(method, id)| !method.is_empty() && !id.is_empty()),
        None => crate::world::ids::handle_of(crate::Platform::Bluesky, actor).is_ok() && !actor.starts_with('@'),
    }
}

fn missing(nsid: &str, name: &str) -> Answer {
    refused(nsid, &format!("Missing required key \"{name}\" at $"))
}

fn wrong_format(nsid: &str, value: &str, place: &str) -> Answer {
    refused(nsid, &format!("Invalid at-identifier format (got \"{value}\") at $.{place}"))
}

fn refused(nsid: &str, why: &str) -> Answer {
    invalid(format!("Invalid {nsid} params: {why}"))
}
