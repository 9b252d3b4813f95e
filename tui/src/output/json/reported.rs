//! JSON of what platforms report to owners: figures of days, and the audience.

use roster_protocol::Date;
use roster_protocol::reported as protocol;
use serde::Serialize;
use serde_json::{Map, Value};

use super::ratio;

/// A day with every figure by its name.
#[derive(Debug, Serialize)]
pub struct Day {
    date: String,
    #[serde(flatten)]
    figures: Map<String, Value>,
}

impl From<&protocol::ReportedDay> for Day {
    fn from(day: &protocol::ReportedDay) -> Self {
        let figure = |metric: protocol::DayMetric| (metric.to_string(), day.numbers.get(metric).into());
        Self { date: day.date.to_string(), figures: protocol::DayMetric::ALL.into_iter().map(figure).collect() }
    }
}

/// What a platform's figures of days mean.
#[derive(Debug, Serialize)]
pub struct Terms {
    /// The zone whose days they are.
    zone: String,
    figures: Vec<Figure>,
    breaks: Vec<Break>,
}

#[derive(Debug, Serialize)]
struct Figure {
    name: &'static str,
    /// The platform's own name of it.
    source: String,
    definition: String,
    step: u64,
}

/// From when on a figure counts something else.
#[derive(Debug, Serialize)]
struct Break {
    name: &'static str,
    from: String,
    what: String,
}

impl From<&protocol::DayTerms> for Terms {
    fn from(terms: &protocol::DayTerms) -> Self {
        let figure = |it: &protocol::FigureTerms| Figure {
            name: it.metric.as_str(),
            source: it.source.clone(),
            definition: it.definition.clone(),
            step: it.step,
        };
        let of_day =
            |it: &protocol::Break| Break { name: it.metric.as_str(), from: it.from.to_string(), what: it.what.clone() };
        Self {
            zone: terms.zone.clone(),
            figures: terms.figures.iter().map(figure).collect(),
            breaks: terms.breaks.iter().map(of_day).collect(),
        }
    }
}

/// Who an audience is: shares by name, the order of countries by their share.
#[derive(Debug, Serialize)]
pub struct Audience {
    date: String,
    /// `followers` or `viewers`.
    of: &'static str,
    genders: Map<String, Value>,
    ages: Map<String, Value>,
    countries: Vec<Country>,
}

#[derive(Debug, Serialize)]
struct Country {
    country: String,
    share: serde_json::Number,
}

impl From<&(Date, protocol::Audience)> for Audience {
    fn from((date, audience): &(Date, protocol::Audience)) -> Self {
        let share = |name: &str, share| (name.to_owned(), Value::from(ratio(share)));
        Self {
            date: date.to_string(),
            of: audience.of.as_str(),
            genders: audience.genders.iter().map(|(gender, of_all)| share(gender.as_str(), *of_all)).collect(),
            ages: audience.ages.iter().map(|(range, of_all)| share(range.as_str(), *of_all)).collect(),
            countries: audience
                .countries
                .iter()
                .map(|(country, of_all)| Country { country: country.to_string(), share: ratio(*of_all) })
                .collect(),
        }
    }
}

/// What `audience` gives.
#[derive(Debug, Serialize)]
pub struct AudienceOf {
    pub connection: String,
    /// Null: the platform reports none, or not yet.
    pub audience: Option<Audience>,
}
