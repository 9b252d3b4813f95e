//! Who follows an account, from its demographics. Pure.

use std::collections::BTreeMap;

use roster_protocol::metric::{AgeRange, Ratio};
use roster_protocol::reported::{Audience, AudienceOf, Gender};
use serde::Deserialize;

use super::NAME;
use crate::http_client::count;
use crate::platforms::graph::{Countries, List, shares};
use crate::platforms::reading::item;
use crate::platforms::{Observation, PlatformError};

/// Below so many followers Instagram reports no audience.
pub(super) const FEWEST_FOLLOWERS: u64 = 100;

pub(super) const METRIC: &str = "follower_demographics";

#[derive(Deserialize)]
struct Metric {
    #[serde(default)]
    total_value: Total,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Total {
    breakdowns: Vec<Breakdown>,
}

/// Rows under keys, which are in any order and sometimes have a `timeframe` before them.
#[derive(Deserialize)]
struct Breakdown {
    dimension_keys: Vec<String>,
    #[serde(default)]
    results: Vec<Row>,
}

#[derive(Deserialize)]
struct Row {
    dimension_values: Vec<String>,
    #[serde(default, deserialize_with = "count")]
    value: Option<u64>,
}

/// Accounts by gender, by age and by country, as far as they were reported.
#[derive(Debug, Default)]
pub(super) struct Demographics {
    genders: BTreeMap<String, u64>,
    ages: BTreeMap<AgeRange, u64>,
    /// Of all ages, those of an unknown range included.
    of_all_ages: u128,
    countries: Countries,
}

impl Demographics {
    /// Adds a response. One without rows adds nothing: the account has too few followers.
    pub(super) fn add(&mut self, list: &List) -> Result<(), PlatformError> {
        for text in &list.data {
            let metric: Metric = item(NAME, text)?;
            for breakdown in &metric.total_value.breakdowns {
                let column = |name: &str| breakdown.dimension_keys.iter().position(|key| key == name);
                let (gender, age, country) = (column("gender"), column("age"), column("country"));
                for row in &breakdown.results {
                    let cell = |column: Option<usize>| row.dimension_values.get(column?).map(String::as_str);
                    let accounts = row.value.unwrap_or(0);
                    if let Some(gender) = cell(gender) {
                        let sum = self.genders.entry(gender.to_ascii_uppercase()).or_default();
                        *sum = sum.saturating_add(accounts);
                    }
                    if let Some(age) = cell(age) {
                        self.of_all_ages += u128::from(accounts);
                        if let Ok(range) = age.parse() {
                            let sum = self.ages.entry(range).or_default();
                            *sum = sum.saturating_add(accounts);
                        }
                    }
                    if let Some(country) = cell(country) {
                        self.countries.add(country, accounts);
                    }
                }
            }
        }
        Ok(())
    }

    /// Each bucket's share of all in its breakdown, those included whom Instagram does not know.
    fn audience(&self) -> Audience {
        let mut genders = BTreeMap::<Gender, u64>::new();
        for (name, accounts) in &self.genders {
            let gender = match name.as_str() {
                "F" => Gender::Female,
                "M" => Gender::Male,
                _ => Gender::Other,
            };
            let sum = genders.entry(gender).or_default();
            *sum = sum.saturating_add(*accounts);
        }
        Audience {
            of: AudienceOf::Followers,
            genders: shares(&genders, self.of_all_genders()),
            ages: shares(&self.ages, self.of_all_ages),
            countries: self.countries.shares(),
        }
    }

    fn of_all_genders(&self) -> u128 {
        self.genders.values().map(|accounts| u128::from(*accounts)).sum()
    }

    /// Shares of all whose gender is in a row, the unknown one included.
    pub(super) fn add_to(&self, observation: &mut Observation) {
        observation.audience = Some(self.audience()).filter(|audience| !audience.is_empty());
        let all = self.of_all_genders();
        let share = |gender: &str| {
            let accounts = self.genders.get(gender).copied().unwrap_or(0);
            (all > 0).then(|| Ratio::from_f64(accounts as f64 / all as f64)).flatten()
        };
        observation.numbers.audience_male = share("M");
        observation.numbers.audience_female = share("F");
        // Of two equal ranges the younger one is reported, so that the result does not waver.
        let reported = self.ages.iter().filter(|(_, accounts)| **accounts > 0);
        observation.numbers.top_age_range =
            reported.rev().max_by_key(|(_, accounts)| **accounts).map(|(range, _)| *range);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reported(responses: &[&str]) -> Result<Observation, PlatformError> {
        let mut audience = Demographics::default();
        for text in responses {
            audience.add(&serde_json::from_str(text).expect(text))?;
        }
        let mut observation = Observation::default();
        audience.add_to(&mut observation);
        Ok(observation)
    }

    fn by(keys: &str, rows: &str) -> String {
        let breakdown = format!(r#"{{"dimension_keys":[{keys}],"results":[{rows}]}}"#);
        format!(r#"{{"data":[{{"name":"follower_demographics","total_value":{{"breakdowns":[{breakdown}]}}}}]}}"#)
    }

    #[test]
    fn columns_are_found_by_their_keys() {
        let numbers = reported(&[include_str!("fixtures/demographics.json")]).expect("an audience").numbers;
        assert_eq!((numbers.audience_male, numbers.audience_female), (Some(Ratio(240_000)), Some(Ratio(720_000))));
        assert_eq!(numbers.top_age_range, Some(AgeRange::From25To34));
        let swapped = by(
            r#""gender","age""#,
            r#"{"dimension_values":["f","18-24"],"value":3},{"dimension_values":["m","65+"],"value":1}"#,
        );
        let numbers = reported(&[&swapped]).expect("an audience").numbers;
        assert_eq!((numbers.audience_male, numbers.top_age_range), (Some(Ratio(250_000)), Some(AgeRange::From18To24)));
    }

    #[test]
    fn every_bucket_is_a_share_of_its_breakdown() {
        let countries = by(
            r#""timeframe","country""#,
            r#"{"dimension_values":["THIS_MONTH","GR"],"value":1},{"dimension_values":["THIS_MONTH","DE"],"value":3}"#,
        );
        let audience = |responses: &[&str]| reported(responses).expect("an audience").audience;
        let all = audience(&[include_str!("fixtures/demographics.json"), &countries]).expect("an audience");
        assert_eq!(
            all.genders,
            [(Gender::Female, Ratio(720_000)), (Gender::Male, Ratio(240_000)), (Gender::Other, Ratio(40_000))]
        );
        assert_eq!(all.ages, [(AgeRange::From18To24, Ratio(440_000)), (AgeRange::From25To34, Ratio(560_000))]);
        let countries: Vec<_> = all.countries.iter().map(|(code, share)| (code.as_str(), share.0)).collect();
        assert_eq!((all.of, countries), (AudienceOf::Followers, vec![("DE", 750_000), ("GR", 250_000)]));

        let odd = by(
            r#""age""#,
            r#"{"dimension_values":["65+"],"value":3},{"dimension_values":["of age"],"value":1},{"dimension_values":[],"value":9}"#,
        );
        let odd = audience(&[&odd]).expect("an audience");
        assert_eq!((odd.ages, odd.genders.len()), (vec![(AgeRange::From65, Ratio(750_000))], 0));
        assert_eq!(audience(&[&by(r#""gender""#, r#"{"dimension_values":["F"],"value":0}"#)]), None);
    }

    #[test]
    fn one_response_for_each_axis_says_the_same() {
        let ages =
            by(r#""age""#, r#"{"dimension_values":["25-34"],"value":2},{"dimension_values":["18-24"],"value":2}"#);
        let genders = by(r#""gender""#, r#"{"dimension_values":["F"],"value":4}"#);
        let numbers = reported(&[&ages, &genders]).expect("an audience").numbers;
        assert_eq!((numbers.audience_male, numbers.audience_female), (Some(Ratio(0)), Some(Ratio(1_000_000))));
        assert_eq!(numbers.top_age_range, Some(AgeRange::From18To24));
    }

    #[test]
    fn too_few_followers_are_no_client() {
        for nothing in
            [r#"{"data":[]}"#, r#"{"data":[{"name":"x"}]}"#, r#"{"data":[{"total_value":{}}]}"#, &by(r#""age""#, "")]
        {
            assert_eq!(reported(&[nothing]).map(|reported| reported.numbers), Ok(Default::default()), "{nothing}");
        }
        for odd in [
            by(r#""gender""#, r#"{"dimension_values":["F"],"value":-1}"#),
            by(r#""gender""#, r#"{"dimension_values":7}"#),
            r#"{"data":[7]}"#.to_owned(),
        ] {
            assert!(matches!(reported(&[&odd]), Err(PlatformError::Unexpected { .. })), "{odd}");
        }
        let short = by(r#""timeframe","gender""#, r#"{"dimension_values":["X"],"value":5}"#);
        assert_eq!(reported(&[&short]).map(|reported| reported.numbers), Ok(Default::default()));
    }

    proptest::proptest! {
        #[test]
        fn any_response_is_read_without_panic(text in crate::platforms::tests::json()) {
            if let Ok(list) = serde_json::from_str::<List>(&format!(r#"{{"data":[{text}]}}"#)) {
                let mut demographics = Demographics::default();
                let _ = demographics.add(&list);
                demographics.add_to(&mut Observation::default());
            }
        }
    }
}
