//! `reports.query` of the Analytics API: which channel is reported, from when to when.

use jiff::civil::Date;

use super::access::{self, ANALYTICS, MONEY, READ, WRITE};
use super::{errors, reports};
use crate::State;
use crate::platforms::{ApiRequest, ApiResponse};
use crate::world::World;

/// One report, as requested.
pub struct Query<'a> {
    pub metrics: Vec<&'a str>,
    pub dimensions: Vec<&'a str>,
    pub first: Date,
    pub last: Date,
    /// As sent: `-views` for the most first.
    pub sort: Option<&'a str>,
    pub most: Option<usize>,
    /// From 0.
    pub start: usize,
}

/// The Data API's scopes open reports too, as Google's own description of the API has it.
pub fn query(world: &World, request: &ApiRequest) -> Result<ApiResponse, ApiResponse> {
    let held = access::with_scope(world, request, &[ANALYTICS, MONEY, READ, WRITE])?;
    let query = read(request)?;
    let account = world.opened(&held.grant).into_iter().next().ok_or_else(errors::not_your_channel)?;
    match request.one("ids").ok_or_else(|| errors::required("ids"))?.strip_prefix("channel==") {
        Some("MINE") => {}
        Some(id) if id == account.id => {}
        _ => return Err(errors::not_your_channel().about(&account)),
    }
    match account.state {
        State::Active => reports::report(&account, &query, world.now()).map(|response| response.about(&account)),
        State::Failing => Err(errors::server_error().about(&account)),
        _ => Err(errors::not_your_channel().about(&account)),
    }
}

fn read(request: &ApiRequest) -> Result<Query<'_>, ApiResponse> {
    let list = |name| request.one(name).map(|text| text.split(',').map(str::trim).collect::<Vec<_>>());
    let date = |name| {
        let text = request.one(name).ok_or_else(|| errors::required(name))?;
        text.parse::<Date>().map_err(|_| errors::bad_value(name, text))
    };
    let number = |name, least: usize| match request.one(name) {
        None => Ok(None),
        Some(text) => match text.parse::<usize>() {
            Ok(number) if number >= least => Ok(Some(number)),
            _ => Err(errors::bad_value(name, text)),
        },
    };
    Ok(Query {
        metrics: list("metrics").ok_or_else(|| errors::required("metrics"))?,
        dimensions: list("dimensions").unwrap_or_default(),
        first: date("startDate")?,
        last: date("endDate")?,
        sort: request.one("sort"),
        most: number("maxResults", 1)?,
        start: number("startIndex", 1)?.map_or(0, |index| index - 1),
    })
}
