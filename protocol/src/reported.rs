//! What a platform reports to an account's owner besides the numbers of the moment: figures of days that are over, and who
//! the audience is. Unknown is `None`, never 0.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::metric::{AgeRange, Ratio, UnknownName};
use crate::time::Date;

/// A figure that a platform reports of a whole day. All are counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum DayMetric {
    /// Those subscribed at the end of the day.
    Followers,
    /// Those who subscribed on the day.
    Gained,
    /// Those who left on the day.
    Lost,
    /// Distinct accounts that saw something of the account.
    Reach,
    /// Times that something was played or seen, as the platform counts them.
    Views,
    /// Views that lasted.
    EngagedViews,
    /// Minutes watched.
    WatchMinutes,
    Likes,
    Comments,
    Shares,
    Saves,
    Reposts,
    /// Everything that people did with posts, in the platform's own sum.
    Engagements,
    /// Times that the account's own page was visited.
    ProfileViews,
}

impl DayMetric {
    /// Every metric, in the order of the columns everywhere.
    pub const ALL: [DayMetric; 14] = [
        DayMetric::Followers,
        DayMetric::Gained,
        DayMetric::Lost,
        DayMetric::Reach,
        DayMetric::Views,
        DayMetric::EngagedViews,
        DayMetric::WatchMinutes,
        DayMetric::Likes,
        DayMetric::Comments,
        DayMetric::Shares,
        DayMetric::Saves,
        DayMetric::Reposts,
        DayMetric::Engagements,
        DayMetric::ProfileViews,
    ];

    /// The name in JSON and on the command line.
    pub fn as_str(self) -> &'static str {
        self.names().0
    }

    /// The name on the screen.
    pub fn label(self) -> &'static str {
        self.names().1
    }

    fn names(self) -> (&'static str, &'static str) {
        match self {
            DayMetric::Followers => ("followers", "followers"),
            DayMetric::Gained => ("gained", "gained"),
            DayMetric::Lost => ("lost", "lost"),
            DayMetric::Reach => ("reach", "reach"),
            DayMetric::Views => ("views", "views"),
            DayMetric::EngagedViews => ("engaged_views", "engaged views"),
            DayMetric::WatchMinutes => ("watch_minutes", "minutes watched"),
            DayMetric::Likes => ("likes", "likes"),
            DayMetric::Comments => ("comments", "comments"),
            DayMetric::Shares => ("shares", "shares"),
            DayMetric::Saves => ("saves", "saves"),
            DayMetric::Reposts => ("reposts", "reposts"),
            DayMetric::Engagements => ("engagements", "engagements"),
            DayMetric::ProfileViews => ("profile_views", "profile views"),
        }
    }
}

impl fmt::Display for DayMetric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for DayMetric {
    type Err = UnknownName;

    fn from_str(text: &str) -> Result<Self, UnknownName> {
        let named = Self::ALL.into_iter().find(|metric| metric.as_str() == text);
        named.ok_or_else(|| UnknownName::new("figure of a day", text, Self::ALL.map(Self::as_str).join(", ")))
    }
}

/// The figures of one day. `None`: the platform does not report it, or not yet.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DayNumbers([Option<u64>; DayMetric::ALL.len()]);

impl DayNumbers {
    pub fn get(&self, metric: DayMetric) -> Option<u64> {
        self.0[metric as usize]
    }

    pub fn set(&mut self, metric: DayMetric, value: Option<u64>) {
        self.0[metric as usize] = value;
    }

    /// Whether nothing of the day is known.
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(Option::is_none)
    }

    /// Takes from `earlier` what is unknown here.
    pub fn fill(&mut self, earlier: &DayNumbers) {
        self.0.iter_mut().zip(&earlier.0).for_each(|(now, earlier)| *now = now.or(*earlier));
    }
}

impl FromIterator<(DayMetric, u64)> for DayNumbers {
    fn from_iter<I: IntoIterator<Item = (DayMetric, u64)>>(figures: I) -> Self {
        let mut numbers = Self::default();
        figures.into_iter().for_each(|(metric, value)| numbers.set(metric, Some(value)));
        numbers
    }
}

/// A day that is over, as the platform reported it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportedDay {
    /// A day of the platform's zone, not of the daemon's: see [`DayTerms`].
    pub date: Date,
    pub numbers: DayNumbers,
}

/// A gender, as platforms tell them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Gender {
    Female,
    Male,
    /// Another one, or unknown to the platform.
    Other,
}

impl Gender {
    /// Every gender, in the order of lists.
    pub const ALL: [Gender; 3] = [Gender::Female, Gender::Male, Gender::Other];

    /// The word in JSON.
    pub fn as_str(self) -> &'static str {
        ["female", "male", "other"][self as usize]
    }
}

/// A country by its code of ISO 3166-1, such as `DE`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Country([u8; 2]);

impl Country {
    /// Its two letters.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// Its two letters as bytes.
    pub fn bytes(self) -> [u8; 2] {
        self.0
    }
}

impl fmt::Display for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Country {
    type Err = UnknownName;

    fn from_str(text: &str) -> Result<Self, UnknownName> {
        let code = <[u8; 2]>::try_from(text.as_bytes()).ok().filter(|code| code.iter().all(u8::is_ascii_uppercase));
        code.map(Self).ok_or_else(|| UnknownName::new("country", text, "two capital letters, such as DE"))
    }
}

/// Whom an audience consists of: platforms measure different people.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum AudienceOf {
    /// Those subscribed.
    #[default]
    Followers,
    /// Those who watched of late.
    Viewers,
}

impl AudienceOf {
    /// The word in JSON.
    pub fn as_str(self) -> &'static str {
        ["followers", "viewers"][self as usize]
    }
}

/// Who the audience is, as shares of those whom the platform knows. A list that it does not report is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Audience {
    pub of: AudienceOf,
    /// Each gender once at most, in the order of [`Gender::ALL`].
    pub genders: Vec<(Gender, Ratio)>,
    /// Each range once at most, youngest first.
    pub ages: Vec<(AgeRange, Ratio)>,
    /// The most frequent first; platforms leave out the rest.
    pub countries: Vec<(Country, Ratio)>,
}

impl Audience {
    /// Whether nothing of it is known.
    pub fn is_empty(&self) -> bool {
        self.genders.is_empty() && self.ages.is_empty() && self.countries.is_empty()
    }
}

/// What a platform's figures of days mean.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DayTerms {
    /// The zone whose days they are, by its IANA name.
    pub zone: String,
    /// Those that it reports.
    pub figures: Vec<FigureTerms>,
    /// Days from which a figure counts something else, the oldest first.
    pub breaks: Vec<Break>,
}

/// What one figure means.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FigureTerms {
    pub metric: DayMetric,
    /// The platform's own name of it.
    pub source: String,
    /// What it counts, in a sentence without an end.
    pub definition: String,
    /// How coarsely it is reported: 1 is exact.
    pub step: u64,
}

/// A day from which on a figure counts something else: not a change of what it counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Break {
    pub metric: DayMetric,
    pub from: Date,
    /// What is new, in a sentence without an end.
    pub what: String,
}

/// What is stored of one connection.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reported {
    /// The oldest first; days of which nothing was reported are absent.
    pub days: Vec<ReportedDay>,
    /// The newest one with the day on which it was observed; `None`: none was ever reported.
    pub audience: Option<(Date, Audience)>,
    /// `None` for a platform that reports no figures of days.
    pub terms: Option<DayTerms>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_they_are_written() {
        for metric in DayMetric::ALL {
            assert_eq!(metric.as_str().parse(), Ok(metric));
        }
        let error = "gain".parse::<DayMetric>().expect_err("no such figure").to_string();
        assert!(error.starts_with("unknown figure of a day \"gain\": followers, gained, lost"), "{error}");
        assert_eq!("DE".parse::<Country>().map(|country| country.to_string()), Ok("DE".to_owned()));
        for text in ["", "D", "de", "DEU", "D1", "Ä"] {
            assert!(text.parse::<Country>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn what_a_later_report_leaves_out_stays() {
        let mut later: DayNumbers = [(DayMetric::Gained, 7), (DayMetric::Views, 0)].into_iter().collect();
        later.fill(&[(DayMetric::Gained, 5), (DayMetric::Lost, 2), (DayMetric::Views, 9)].into_iter().collect());
        let known = DayMetric::ALL.map(|metric| later.get(metric));
        assert_eq!(&known[..5], [None, Some(7), Some(2), None, Some(0)]);
        assert!(!later.is_empty() && DayNumbers::default().is_empty());
    }
}
