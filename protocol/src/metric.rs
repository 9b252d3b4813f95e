//! What is measured of an account, each with its unit. Unknown is `None`, never 0.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A share or rate in millionths: 52 500 is 0.0525 or 5.25 %.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Ratio(pub i64);

/// An average in hundredths: 61 040 is 610.40.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Mean(pub u64);

impl Ratio {
    /// The ratio as a number: 0.0525 for 5.25 %.
    pub fn as_f64(self) -> f64 {
        self.0 as f64 / 1e6
    }

    /// The nearest ratio to `value`; `None` when it is no finite number within ±9·10⁹.
    pub fn from_f64(value: f64) -> Option<Self> {
        (value.is_finite() && value.abs() < 9e9).then(|| Self((value * 1e6).round() as i64))
    }
}

impl Mean {
    /// The average as a number, two decimals.
    pub fn as_f64(self) -> f64 {
        self.0 as f64 / 100.0
    }

    /// The nearest average to `value`; `None` when it is negative, not finite, or over 9·10¹⁵.
    pub fn from_f64(value: f64) -> Option<Self> {
        (value.is_finite() && (0.0..9e15).contains(&value)).then(|| Self((value * 100.0).round() as u64))
    }
}

/// The age range that most of an audience falls into.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum AgeRange {
    From13To17,
    From18To24,
    From25To34,
    From35To44,
    From45To54,
    From55To64,
    From65,
}

impl AgeRange {
    /// Every range, youngest first.
    pub const ALL: [AgeRange; 7] = [
        AgeRange::From13To17,
        AgeRange::From18To24,
        AgeRange::From25To34,
        AgeRange::From35To44,
        AgeRange::From45To54,
        AgeRange::From55To64,
        AgeRange::From65,
    ];

    /// `25-34`, and `65+` for the last.
    pub fn as_str(self) -> &'static str {
        ["13-17", "18-24", "25-34", "35-44", "45-54", "55-64", "65+"][self as usize]
    }
}

impl fmt::Display for AgeRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for AgeRange {
    type Err = UnknownName;

    fn from_str(text: &str) -> Result<Self, UnknownName> {
        Self::ALL
            .into_iter()
            .find(|range| range.as_str() == text)
            .ok_or_else(|| UnknownName::new("age range", text, "13-17, 18-24, …, 65+"))
    }
}

/// A text that names none of the things it could.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown {what} {text:?}: {known}")]
pub struct UnknownName {
    what: &'static str,
    text: String,
    known: &'static str,
}

impl UnknownName {
    pub(crate) fn new(what: &'static str, text: &str, known: &'static str) -> Self {
        Self { what, text: text.chars().take(60).collect(), known }
    }
}

/// The numbers one observation can tell. `None`: the platform does not tell it, or hides it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Numbers {
    /// Those subscribed to the account, whatever the platform calls them.
    pub followers: Option<u64>,
    /// Those the account is subscribed to.
    pub following: Option<u64>,
    /// Posts of the account, as the platform counts them.
    pub posts: Option<u64>,
    /// Mean engagements per post over the newest posts ÷ followers.
    pub engagement_rate: Option<Ratio>,
    /// Mean likes per post over the newest posts.
    pub avg_likes: Option<Mean>,
    /// Mean comments (replies) per post over the newest posts.
    pub avg_comments: Option<Mean>,
    /// Mean views per post over the newest posts.
    pub avg_views: Option<Mean>,
    /// Share of men in the audience.
    pub audience_male: Option<Ratio>,
    /// Share of women in the audience.
    pub audience_female: Option<Ratio>,
    /// The age range most of the audience falls into.
    pub top_age_range: Option<AgeRange>,
}

/// A measured quantity that can be charted and followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Metric {
    Followers,
    Following,
    Posts,
    EngagementRate,
    AvgLikes,
    AvgComments,
    AvgViews,
    AudienceMale,
    AudienceFemale,
}

impl Metric {
    /// Every metric, in the order of the columns everywhere.
    pub const ALL: [Metric; 9] = [
        Metric::Followers,
        Metric::Following,
        Metric::Posts,
        Metric::EngagementRate,
        Metric::AvgLikes,
        Metric::AvgComments,
        Metric::AvgViews,
        Metric::AudienceMale,
        Metric::AudienceFemale,
    ];

    /// The name in JSON, config and on the command line.
    pub fn as_str(self) -> &'static str {
        [
            "followers",
            "following",
            "posts",
            "engagement_rate",
            "avg_likes",
            "avg_comments",
            "avg_views",
            "audience_male",
            "audience_female",
        ][self as usize]
    }

    /// This metric's value in its own unit: a count, an average, or a ratio (0.05 for 5 %).
    pub fn of(self, numbers: &Numbers) -> Option<f64> {
        let count = |value: Option<u64>| value.map(|count| count as f64);
        match self {
            Metric::Followers => count(numbers.followers),
            Metric::Following => count(numbers.following),
            Metric::Posts => count(numbers.posts),
            Metric::EngagementRate => numbers.engagement_rate.map(Ratio::as_f64),
            Metric::AvgLikes => numbers.avg_likes.map(Mean::as_f64),
            Metric::AvgComments => numbers.avg_comments.map(Mean::as_f64),
            Metric::AvgViews => numbers.avg_views.map(Mean::as_f64),
            Metric::AudienceMale => numbers.audience_male.map(Ratio::as_f64),
            Metric::AudienceFemale => numbers.audience_female.map(Ratio::as_f64),
        }
    }

    /// Whether values are whole counts.
    pub fn is_count(self) -> bool {
        matches!(self, Metric::Followers | Metric::Following | Metric::Posts)
    }

    /// Whether values are ratios, which people read as percent.
    pub fn is_ratio(self) -> bool {
        matches!(self, Metric::EngagementRate | Metric::AudienceMale | Metric::AudienceFemale)
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Metric {
    type Err = UnknownName;

    fn from_str(text: &str) -> Result<Self, UnknownName> {
        Self::ALL.into_iter().find(|metric| metric.as_str() == text).ok_or_else(|| {
            UnknownName::new(
                "metric",
                text,
                "followers, following, posts, engagement_rate, avg_likes, avg_comments, avg_views, audience_male, audience_female",
            )
        })
    }
}
