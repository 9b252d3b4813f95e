//! Reading parameters, and refusing them in the words of the lexicon's validation.

use super::{ApiResponse, invalid};
use crate::platforms::ApiRequest;

/// One value that must be there.
pub fn required<'a>(request: &'a ApiRequest, nsid: &str, name: &str) -> Result<&'a str, ApiResponse> {
    request.one(name).filter(|value| !value.is_empty()).ok_or_else(|| missing(nsid, name))
}

/// A handle or DID that must be there and could be one.
pub fn actor<'a>(request: &'a ApiRequest, nsid: &str, name: &str) -> Result<&'a str, ApiResponse> {
    let actor = required(request, nsid, name)?;
    could_be_actor(actor).then_some(actor).ok_or_else(|| wrong_format(nsid, actor, name))
}

/// 1 to 25 handles or DIDs.
pub fn actors<'a>(request: &'a ApiRequest, nsid: &str, name: &str) -> Result<Vec<&'a str>, ApiResponse> {
    let actors = several(request, nsid, name)?;
    match actors.iter().position(|actor| !could_be_actor(actor)) {
        Some(index) => Err(wrong_format(nsid, actors[index], &format!("{name}[{index}]"))),
        None => Ok(actors),
    }
}

/// 1 to 25 values.
pub fn several<'a>(request: &'a ApiRequest, nsid: &str, name: &str) -> Result<Vec<&'a str>, ApiResponse> {
    let values = [request.all(name), request.all(&format!("{name}[]"))].concat();
    match values.len() {
        0 => Err(missing(nsid, name)),
        1..=25 => Ok(values),
        many => Err(refused(nsid, &format!("array too big (maximum 25, got {many}) at $.{name}"))),
    }
}

/// `limit`, from 1 to 100; 50 unless given.
pub fn limit(request: &ApiRequest, nsid: &str) -> Result<usize, ApiResponse> {
    let Some(text) = request.one("limit") else { return Ok(50) };
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

fn missing(nsid: &str, name: &str) -> ApiResponse {
    refused(nsid, &format!("Missing required key \"{name}\" at $"))
}

fn wrong_format(nsid: &str, value: &str, index: &str) -> ApiResponse {
    refused(nsid, &format!("Invalid at-identifier format (got \"{value}\") at $.{index}"))
}

fn refused(nsid: &str, why: &str) -> ApiResponse {
    invalid(format!("Invalid {nsid} params: {why}"))
}
