//! Who follows an account. Pure.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use roster_protocol::metric::{AgeRange, Ratio};
use roster_protocol::reported::{Audience, AudienceOf, Country, Gender};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::super::SLUG;
use crate::platforms::Observation;
use crate::platforms::reading::items;

pub(super) const FIELDS: [&str; 3] = ["audience_genders", "audience_ages", "audience_countries"];

/// Everyone older than all ranges before it, which none of ours is.
const OLDEST: &str = "55+";

/// The lists as they were reported, each by itself: one that cannot be read is one that is not there.
#[derive(Clone, Copy, Default)]
pub(super) struct Lists<'a> {
    pub(super) genders: Option<&'a RawValue>,
    pub(super) ages: Option<&'a RawValue>,
    pub(super) countries: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Row {
    #[serde(alias = "gender", alias = "age", alias = "country")]
    of: String,
    percentage: f64,
}

/// The shares of a list by their names, each once: the first one counts. Empty where they are all 0.
fn shares(list: Option<&RawValue>) -> BTreeMap<String, Ratio> {
    let rows = list.and_then(|text| items::<Row>(SLUG, text.get().as_bytes()).ok()).unwrap_or_default();
    let mut shares = BTreeMap::new();
    for Row { of, percentage } in rows.into_iter().flatten() {
        if let Some(share) = Some(percentage).filter(|share| (0.0..=1.0).contains(share)).and_then(Ratio::from_f64) {
            shares.entry(of).or_insert(share);
        }
    }
    if shares.values().all(|share| share.0 == 0) { BTreeMap::new() } else { shares }
}

impl Lists<'_> {
    /// Adds what they say; nothing where TikTok reports nothing, as of accounts with fewer than 100 followers.
    pub(super) fn add_to(self, observation: &mut Observation) {
        let (genders, ages) = (shares(self.genders), shares(self.ages));
        let gender = |gender: Gender| {
            let named = |name: &String| name.eq_ignore_ascii_case(gender.as_str());
            Some((gender, *genders.iter().find(|(name, _)| named(name))?.1))
        };
        let age = |range: AgeRange| Some((range, *ages.get(range.as_str())?));
        let audience = Audience {
            of: AudienceOf::Followers,
            genders: Gender::ALL.into_iter().filter_map(gender).collect(),
            ages: AgeRange::ALL.into_iter().filter_map(age).collect(),
            countries: countries(self.countries),
        };
        let numbers = &mut observation.numbers;
        numbers.audience_male = gender(Gender::Male).map(|(_, share)| share);
        numbers.audience_female = gender(Gender::Female).map(|(_, share)| share);
        // Of two equal ranges the younger one is reported, so that the result does not waver.
        let top = audience.ages.iter().rev().max_by_key(|(_, share)| *share);
        let oldest = ages.get(OLDEST).copied().unwrap_or_default();
        numbers.top_age_range = top.filter(|(_, share)| *share >= oldest).map(|(range, _)| *range);
        observation.audience = Some(audience).filter(|audience| !audience.is_empty());
    }
}

/// The most frequent first.
fn countries(list: Option<&RawValue>) -> Vec<(Country, Ratio)> {
    let known = |(code, share): (String, Ratio)| Some((code.parse().ok()?, share));
    let mut countries: Vec<(Country, Ratio)> = shares(list).into_iter().filter_map(known).collect();
    countries.sort_by_key(|(country, share)| (Reverse(*share), *country));
    countries
}

#[cfg(test)]
mod tests {
    use super::super::read::InsightsResponse;
    use super::*;
    use crate::http_client::read_json;

    fn read(lists: &str) -> Observation {
        let response: InsightsResponse = read_json(format!(r#"{{"data":{{{lists}}}}}"#).as_bytes()).expect(lists);
        let mut observation = Observation::default();
        response.audience().add_to(&mut observation);
        observation
    }

    fn country(code: &str) -> Country {
        code.parse().expect(code)
    }

    #[test]
    fn shares_are_fractions_and_the_largest_countries_are_first() {
        let response: InsightsResponse = read_json(include_bytes!("fixtures/insights.json")).expect("a fixture");
        let mut observation = Observation::default();
        response.audience().add_to(&mut observation);
        let audience = observation.audience.expect("an audience");
        assert_eq!(audience.of, AudienceOf::Followers);
        let genders = [(Gender::Female, 603_100), (Gender::Male, 168_500), (Gender::Other, 228_400)];
        assert_eq!(audience.genders, genders.map(|(gender, share)| (gender, Ratio(share))));
        let ages = [
            (AgeRange::From18To24, 310_000),
            (AgeRange::From25To34, 420_000),
            (AgeRange::From35To44, 150_000),
            (AgeRange::From45To54, 80_000),
        ];
        assert_eq!(audience.ages, ages.map(|(range, share)| (range, Ratio(share))));
        let countries = [("TW", 599_600), ("MY", 179_700), ("VN", 62_900)];
        assert_eq!(audience.countries, countries.map(|(code, share)| (country(code), Ratio(share))));
        let numbers = &observation.numbers;
        assert_eq!((numbers.audience_male, numbers.audience_female), (Some(Ratio(168_500)), Some(Ratio(603_100))));
        assert_eq!(numbers.top_age_range, Some(AgeRange::From25To34));
    }

    #[test]
    fn too_few_followers_have_no_audience() {
        for nothing in [
            "",
            r#""audience_genders":[],"audience_ages":[],"audience_countries":[]"#,
            r#""audience_genders":null,"audience_ages":null"#,
            r#""audience_genders":[{"gender":"Female","percentage":0},{"gender":"Male","percentage":0}]"#,
        ] {
            assert_eq!(read(nothing), Observation::default(), "{nothing}");
        }
    }

    #[test]
    fn an_odd_row_or_list_costs_itself_alone() {
        let check = |odd: &str| {
            let lists = format!(r#""audience_genders":[{odd},{{"gender":"Male","percentage":1}}],"audience_ages":7"#);
            let audience = read(&lists).audience.expect(odd);
            assert_eq!((audience.genders, audience.ages), (vec![(Gender::Male, Ratio(1_000_000))], vec![]), "{odd}");
        };
        for odd in [
            r#"{"gender":"Female","percentage":-0.1}"#,
            r#"{"gender":"Female","percentage":75.5}"#,
            r#"{"gender":"Female","percentage":1e999}"#,
            r#"{"gender":"Female","percentage":"0.5"}"#,
            r#"{"gender":"Female","percentage":null}"#,
            r#"{"gender":"Female"}"#,
            r#"{"gender":7,"percentage":0.5}"#,
            r#"{"gender":"Nothing we know","percentage":0.5}"#,
            r#"{"percentage":0.5}"#,
            "null",
            "[]",
        ] {
            check(odd);
        }
        let twice = r#""audience_countries":[{"country":"DE","percentage":0.4},{"country":"DE","percentage":0.6}]"#;
        assert_eq!(read(twice).audience.expect("one").countries, [(country("DE"), Ratio(400_000))]);
        let unknown =
            r#""audience_countries":[{"country":"Others","percentage":0.4},{"country":"de","percentage":0.6}]"#;
        assert_eq!(read(unknown).audience, None);
    }

    #[test]
    fn no_range_is_the_top_one_where_most_are_older() {
        let ages = |young: f64, old: f64| {
            let rows = format!(r#"{{"age":"45-54","percentage":{young}}},{{"age":"55+","percentage":{old}}}"#);
            read(&format!(r#""audience_ages":[{rows}]"#)).numbers.top_age_range
        };
        assert_eq!(ages(0.6, 0.4), Some(AgeRange::From45To54));
        assert_eq!(ages(0.4, 0.6), None);
    }

    proptest::proptest! {
        #[test]
        fn any_lists_are_read_without_panic(text in crate::platforms::tests::json()) {
            let raw = RawValue::from_string(text).expect("made of JSON");
            let lists = Lists { genders: Some(&raw), ages: Some(&raw), countries: Some(&raw) };
            lists.add_to(&mut Observation::default());
        }
    }
}
