//! Who follows an account: counts of followers by age, gender, country and city.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::insights::LEAST_FOLLOWERS;
use crate::platforms::ApiResponse;
use crate::platforms::meta::{error, item};
use crate::world::account::Account;
use crate::world::audience::AGES;

const GENDERS: [&str; 3] = ["F", "M", "U"];
const COUNTRIES: [&str; 4] = ["GR", "DE", "FR", "CY"];
const CITIES: [&str; 4] = ["Athens, Attica", "Berlin, Berlin", "Paris, Île-de-France", "Nicosia, Nicosia"];

/// The largest buckets only.
const MOST_BUCKETS: usize = 45;

pub fn is_one(metric: &str) -> bool {
    matches!(metric, "follower_demographics" | "engaged_audience_demographics")
}

/// The metric's object; `None` when there are too few followers to report apart.
pub fn report(
    account: &Account,
    metric: &str,
    timeframe: Option<&str>,
    breakdown: Option<&str>,
    now: Timestamp,
) -> Result<Option<Value>, ApiResponse> {
    if timeframe.is_some_and(|frame| !matches!(frame, "this_week" | "this_month")) {
        return Err(error(100, None, "(#100) timeframe must be one of the following values: this_month, this_week"));
    }
    let keys: Vec<&str> =
        breakdown.unwrap_or_default().split(',').map(str::trim).filter(|key| !key.is_empty()).collect();
    let known = |key: &&str| matches!(*key, "age" | "gender" | "country" | "city");
    if !keys.iter().all(known) || (keys.len() > 1 && !matches!(keys.as_slice(), ["age", "gender"] | ["gender", "age"]))
    {
        return Err(error(1, None, "An unknown error has occurred."));
    }
    let followers = account.followers.at(now);
    let people = if metric == "follower_demographics" { followers } else { followers / 10 };
    if people < LEAST_FOLLOWERS {
        return Ok(None);
    }
    let mut reported = json!({});
    if !keys.is_empty() {
        reported["breakdowns"] = json!([broken_down(account, &keys, timeframe, people)]);
    }
    Ok(Some(item(&account.id, metric, "lifetime", ("total_value", reported))))
}

/// The time is the first of the columns where it was requested.
fn broken_down(account: &Account, keys: &[&str], timeframe: Option<&str>, people: u64) -> Value {
    let frame = timeframe.map(str::to_uppercase);
    let mut buckets: Vec<(Vec<String>, u64)> = shares(account, keys)
        .into_iter()
        .map(|(values, share)| (values, (people as f64 * share) as u64))
        .filter(|(_, count)| *count > 0)
        .collect();
    buckets.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    buckets.truncate(MOST_BUCKETS);
    let results = buckets.into_iter().map(|(values, count)| {
        let values: Vec<String> = frame.iter().cloned().chain(values).collect();
        json!({"dimension_values": values, "value": count})
    });
    let keys: Vec<&str> = frame.iter().map(|_| "timeframe").chain(keys.iter().copied()).collect();
    json!({"dimension_keys": keys, "results": results.collect::<Vec<_>>()})
}

fn shares(account: &Account, keys: &[&str]) -> Vec<(Vec<String>, f64)> {
    let audience = account.audience();
    let text = |text: &str| vec![text.to_owned()];
    let indices =
        |names: [&str; 4]| names.iter().zip([0.4, 0.2, 0.1, 0.05]).map(|(name, share)| (text(name), share)).collect();
    match keys {
        ["age"] => (0..AGES.len()).map(|age| (text(AGES[age]), audience.age(age))).collect(),
        ["gender"] => (0..GENDERS.len()).map(|gender| (text(GENDERS[gender]), audience.gender(gender))).collect(),
        ["country"] => indices(COUNTRIES),
        ["city"] => indices(CITIES),
        [first, _] => {
            let cells = (0..AGES.len()).flat_map(|age| (0..GENDERS.len()).map(move |gender| (age, gender)));
            let cell = |(age, gender): (usize, usize)| {
                let mut values = vec![AGES[age].to_owned(), GENDERS[gender].to_owned()];
                if *first == "gender" {
                    values.reverse();
                }
                (values, audience.shares[age][gender])
            };
            cells.map(cell).collect()
        }
        _ => Vec::new(),
    }
}
