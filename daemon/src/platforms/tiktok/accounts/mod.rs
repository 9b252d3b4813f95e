//! TikTok's Accounts API, which is part of its API for Business: an app, a review, hosts and tokens of its own. It
//! reports what the Display API does not: figures of days, the audience, saves, and reach of videos.
//!
//! After business-api.tiktok.com "Get profile data of a TikTok account" and the typed clients bububa/tiktok-business and
//! sns-sdks/python-tiktok with their recorded responses, read on 2026-11-21 and 2026-11-30 in public copies.
//!
//! Limits: an app of the basic level has 10 requests a second and 600 a minute, over which the code is 40100; the
//! minute is counted here (one third-party reading of the page on limits). Of the second nothing is counted: two
//! accounts at once stay below it. An account costs two requests, and once a day one more for days and audience.
//!
//! Oddities:
//! - The token is in the header `Access-Token`, without `Bearer`. Every response has HTTP 200, with a `code` that is 0
//!   or a number that says what is wrong. `fields` is a JSON list.
//! - Codes and tokens are sent as JSON, where the app's id is `client_id`; on the consent page it is `client_key`, and
//!   PKCE is documented nowhere. Codes live an hour. The refresh token's end stays where the first consent put it.
//! - An account's id is `open_id`, which only the response with the tokens names so: of a token it is `creator_id`.
//!   Another app sees another id: after a change from one API to the other the accounts have to be connected anew.
//! - Days are those of UTC, 60 back, and arrive one or two days late. A day so young with zeros alone may be one that
//!   has not arrived: it is left out.
//! - `daily_total_followers` is the change of the day, in spite of its name; `followers_count` of a day is their number.
//! - Reach of a video is a field of the list of videos that `video.insights` opens, a day or two late. Where the list
//!   refuses it, it is requested without.
//! - Reach, gained and lost of days are reported of business accounts only, and nothing at all before the owner has switched
//!   on the analytics in TikTok's own app. Likes that are taken back are not subtracted. Views are organic and paid.
//! - The audience is that of accounts with 100 followers or more, in fractions of 1. Ages begin at 18 and end with
//!   55+, which none of our ranges is: that share is left out.
//! - The list of videos holds posts that are shown as ads only. A client spells `favorites` as `favorities`.
//!
//! What the numbers of errors mean is seen in clients, not documented where it can be read: 40100, 40105, 40110 and
//! 40131 in responses, the others of 401xx in the sister API of Ocean Engine.
//!
//! Definition 1 of these numbers, where the Display API's are 0: engagements are likes, comments, shares and saves. Reach
//! is a video's `reach`.

mod ask;
mod audience;
mod consent;
mod days;
mod read;
pub(super) mod scopes;
#[cfg(test)]
mod tests;
mod tokens;

use futures::FutureExt;
use futures::future::BoxFuture;
use roster_protocol::metric::Metric;
use roster_protocol::reported::DayMetric;

use super::{INFO as DISPLAY, canonical, minute};
use crate::http_client::Api;
use crate::oauth::OAuthApp;
use crate::platforms::consenting::Consenting;
use crate::platforms::{Account, Figure, HandleError, Observed, Platform, PlatformInfo, Reports};

const INFO: PlatformInfo = PlatformInfo {
    metrics: &[
        Metric::Followers,
        Metric::Following,
        Metric::Posts,
        Metric::EngagementRate,
        Metric::AvgLikes,
        Metric::AvgComments,
        Metric::AvgViews,
        Metric::AudienceMale,
        Metric::AudienceFemale,
        Metric::AvgReach,
    ],
    budgets: &[minute("requests", "/open_api/")],
    reports: Some(Reports { zone: "UTC", figures: FIGURES, breaks: &[] }),
    ..DISPLAY
};

const FIGURES: &[Figure] = &[
    figure(DayMetric::Followers, "followers_count", "people who follow the account on the date"),
    figure(DayMetric::Gained, "daily_new_followers", "new followers of the day, of business accounts only"),
    figure(DayMetric::Lost, "daily_lost_followers", "followers lost on the day, of business accounts only"),
    figure(
        DayMetric::Reach,
        "unique_video_views",
        "people who watched something published at least once, of business accounts only",
    ),
    figure(
        DayMetric::Views,
        "video_views",
        "plays of videos, organic and paid: the first one each time that a video is shown",
    ),
    figure(DayMetric::Likes, "likes", "likes of videos; likes that are taken back later are not subtracted"),
    figure(DayMetric::Comments, "comments", "comments on videos"),
    figure(DayMetric::Shares, "shares", "times that videos were shared"),
    figure(DayMetric::ProfileViews, "profile_views", "times that people opened the profile"),
];

const fn figure(metric: DayMetric, source: &'static str, definition: &'static str) -> Figure {
    Figure { metric, source, definition, step: 1 }
}

pub(super) struct Accounts {
    pub(super) app: Option<OAuthApp>,
}

const NO_APP: &str = "set client_id (the app id) and client_secret_file in [platforms.tiktok] to those of an app at \
                      business-api.tiktok.com that has the permission TikTok Accounts";

impl Platform for Accounts {
    fn info(&self) -> &PlatformInfo {
        &INFO
    }

    fn lacks(&self) -> Option<String> {
        self.app.is_none().then(|| NO_APP.to_owned())
    }

    fn consenting(&self) -> Option<&dyn Consenting> {
        Some(self)
    }

    fn canonical(&self, handle: &str) -> Result<String, HandleError> {
        canonical(handle)
    }

    fn observe<'a>(&'a self, api: &'a Api, accounts: &'a [Account]) -> BoxFuture<'a, Observed> {
        ask::observe(self, api, accounts).boxed()
    }
}
