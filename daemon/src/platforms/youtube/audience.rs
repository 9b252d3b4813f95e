//! Who watches a channel, from a report of the Analytics API. Pure.

use std::collections::BTreeMap;

use roster_protocol::metric::{AgeRange, Ratio};
use roster_protocol::reported::{Audience, AudienceOf, Gender};
use serde_json::Value;

use super::report::{Report, unreadable};
use crate::platforms::{Observation, PlatformError};

/// Rounding may bring the sum of all shares this far over the whole.
const MOST_PERCENT: f64 = 101.0;

/// Sums the shares by gender and by age: each row is the percentage of one gender at one age among all. A row that
/// cannot be read is an error, for without it the shares would not be those of all. Without rows there are too few
/// viewers for Google to report.
pub(super) fn audience(report: &Report) -> Result<Audience, PlatformError> {
    let column = |name: &str| report.needed_column(name);
    let (age, gender, share) = (column("ageGroup")?, column("gender")?, column("viewerPercentage")?);
    let (mut genders, mut ages) = (BTreeMap::<Gender, f64>::new(), BTreeMap::<AgeRange, f64>::new());
    for row in report.rows() {
        let (age, gender, share) = row
            .and_then(|cells| shares(&cells, age, gender, share))
            .ok_or_else(|| unreadable("has a row that is none"))?;
        *genders.entry(gender).or_default() += share;
        if let Some(range) = age {
            *ages.entry(range).or_default() += share;
        }
    }
    if genders.values().sum::<f64>() > MOST_PERCENT {
        return Err(unreadable("has shares of more than the whole"));
    }
    Ok(Audience { of: AudienceOf::Viewers, genders: ratios(genders), ages: ratios(ages), countries: Vec::new() })
}

/// Sets the numbers that are followed.
pub(super) fn add_numbers(audience: &Audience, observation: &mut Observation) {
    let of = |wanted: Gender| audience.genders.iter().find(|(gender, _)| *gender == wanted).map(|(_, share)| *share);
    observation.numbers.audience_male = of(Gender::Male);
    observation.numbers.audience_female = of(Gender::Female);
    // Of two equal ranges the younger one is reported, so that the result does not waver.
    observation.numbers.top_age_range =
        audience.ages.iter().rev().max_by_key(|(_, share)| *share).map(|(range, _)| *range);
}

/// A range that is not known has no place of its own, but its viewers have a gender.
fn shares(cells: &[Value], age: usize, gender: usize, share: usize) -> Option<(Option<AgeRange>, Gender, f64)> {
    let text = |index: usize| cells.get(index).and_then(Value::as_str);
    let share = cells.get(share).and_then(Value::as_f64).filter(|share| (0.0..=MOST_PERCENT).contains(share))?;
    let gender = match text(gender)? {
        "female" => Gender::Female,
        "male" => Gender::Male,
        _ => Gender::Other,
    };
    Some((age_range(text(age)?), gender, share))
}

/// Percentages as ratios, in the order of their keys.
fn ratios<K>(percents: BTreeMap<K, f64>) -> Vec<(K, Ratio)> {
    percents.into_iter().filter_map(|(key, percent)| Some((key, Ratio::from_f64(percent / 100.0)?))).collect()
}

/// `age18-24`, and `age65-` for the last.
fn age_range(text: &str) -> Option<AgeRange> {
    let range = text.strip_prefix("age")?;
    if range == "65-" { Some(AgeRange::From65) } else { range.parse().ok() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Audience, PlatformError> {
        audience(&serde_json::from_str(text).expect(text))
    }

    fn with_rows(rows: &str) -> Result<Audience, PlatformError> {
        let headers = r#"[{"name":"ageGroup"},{"name":"gender"},{"name":"viewerPercentage"}]"#;
        read(&format!(r#"{{"columnHeaders":{headers},"rows":{rows}}}"#))
    }

    fn numbers(reported: &Audience) -> (Option<Ratio>, Option<Ratio>, Option<AgeRange>) {
        let mut observation = Observation::default();
        add_numbers(reported, &mut observation);
        let numbers = observation.numbers;
        (numbers.audience_male, numbers.audience_female, numbers.top_age_range)
    }

    #[test]
    fn shares_are_summed_by_gender_and_by_age() {
        let reported = read(include_str!("fixtures/demographics.json")).expect("a report");
        let genders =
            [(Gender::Female, Ratio(430_000)), (Gender::Male, Ratio(560_000)), (Gender::Other, Ratio(10_000))];
        let ages = [
            (AgeRange::From18To24, Ratio(372_500)),
            (AgeRange::From25To34, Ratio(447_500)),
            (AgeRange::From35To44, Ratio(110_000)),
            (AgeRange::From65, Ratio(70_000)),
        ];
        assert_eq!((reported.of, reported.genders.as_slice()), (AudienceOf::Viewers, genders.as_slice()));
        assert_eq!(reported.ages, ages);
        assert_eq!(numbers(&reported), (Some(Ratio(560_000)), Some(Ratio(430_000)), Some(AgeRange::From25To34)));
    }

    #[test]
    fn without_rows_nothing_is_reported() {
        let headers = r#"{"columnHeaders":[{"name":"ageGroup"},{"name":"gender"},{"name":"viewerPercentage"}]}"#;
        for none in [read(headers), with_rows("null"), with_rows("[]")] {
            let none = none.expect("a report");
            assert!(none.is_empty());
            assert_eq!(numbers(&none), (None, None, None));
        }
        let one = with_rows(r#"[["age65-","female",100]]"#).expect("a report");
        assert_eq!(numbers(&one), (None, Some(Ratio(1_000_000)), Some(AgeRange::From65)));
    }

    #[test]
    fn of_equal_ages_the_younger_one_is_the_top_and_unknown_ones_have_a_gender() {
        let tie = with_rows(r#"[["age35-44","male",40],["age18-24","male",40],["age9-9","male",20]]"#);
        let tie = tie.expect("a report");
        assert_eq!(numbers(&tie), (Some(Ratio(1_000_000)), None, Some(AgeRange::From18To24)));
        assert_eq!(tie.ages, [(AgeRange::From18To24, Ratio(400_000)), (AgeRange::From35To44, Ratio(400_000))]);
    }

    #[test]
    fn odd_reports_are_errors() {
        for rows in [
            r#"[["age18-24","male",-1]]"#,
            r#"[["age18-24","male",60],["age25-34","male",60]]"#,
            r#"[["age18-24","male","7"]]"#,
            r#"[["age18-24",7,7]]"#,
            r#"[["age18-24","male"]]"#,
            r#"[{"ageGroup":"age18-24"}]"#,
            "[7]",
        ] {
            assert!(matches!(with_rows(rows), Err(PlatformError::Unexpected { .. })), "{rows}");
        }
        assert!(read(r#"{"columnHeaders":[],"rows":[]}"#).is_err());
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_without_panic(rows in crate::platforms::tests::json()) {
            let headers = r#"[{"name":"ageGroup"},{"name":"gender"},{"name":"viewerPercentage"}]"#;
            let text = format!(r#"{{"columnHeaders":{headers},"rows":[{rows}]}}"#);
            if let Ok(report) = serde_json::from_str::<Report>(&text) {
                let _ = audience(&report);
            }
        }
    }
}
