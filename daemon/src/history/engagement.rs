//! Engagement from the newest posts. Pure.

use roster_protocol::metric::{Mean, Ratio};
use roster_protocol::time::Timestamp;

/// How many of the newest posts count by default: about a month of an account that posts every few days, so that one
/// post neither makes nor breaks the mean.
pub const NEWEST_POSTS: usize = 12;

/// What one post earned. `None`: hidden, or not reported by its platform.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PostNumbers {
    pub likes: Option<u64>,
    pub comments: Option<u64>,
    /// Reposts, quotes and the like.
    pub shares: Option<u64>,
    /// Bookmarks and the like.
    pub saves: Option<u64>,
    pub views: Option<u64>,
    /// Distinct accounts that saw it.
    pub reach: Option<u64>,
    /// Reposts where they are counted apart from `shares`: no engagement here.
    pub reposts: Option<u64>,
}

/// A post with its time; `None` where the time cannot be parsed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Post {
    pub at: Option<Timestamp>,
    pub numbers: PostNumbers,
}

/// What the newest posts say of an account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Engagement {
    /// Mean engagements (likes + comments + shares + saves) per post ÷ followers. `None` at 0 or unknown followers, and
    /// where no post reports its likes: without them it would be another number.
    pub rate: Option<Ratio>,
    pub avg_likes: Option<Mean>,
    pub avg_comments: Option<Mean>,
    pub avg_views: Option<Mean>,
    pub avg_reach: Option<Mean>,
    pub avg_reposts: Option<Mean>,
}

/// The numbers of the `most` newest posts, newest first; those without a time count as oldest, in their given order.
pub fn newest(mut posts: Vec<Post>, most: usize) -> Vec<PostNumbers> {
    posts.sort_by_key(|post| std::cmp::Reverse(post.at));
    posts.into_iter().take(most).map(|post| post.numbers).collect()
}

/// The engagement of `posts`.
///
/// Each mean is over the posts that report that number; `None` where none does. So a post with hidden likes does not
/// lower the mean, and the rate is the sum of the means, which is the mean of the sums when every post reports
/// everything.
pub fn engagement(posts: &[PostNumbers], followers: Option<u64>) -> Engagement {
    let likes = Total::of(posts, |post| post.likes);
    let comments = Total::of(posts, |post| post.comments);
    let shares = Total::of(posts, |post| post.shares);
    let saves = Total::of(posts, |post| post.saves);
    let views = Total::of(posts, |post| post.views);
    let rate = likes.mean().zip(followers.filter(|count| *count > 0)).and_then(|(likes, followers)| {
        let others = [comments.mean(), shares.mean(), saves.mean()];
        let engagements = likes + others.into_iter().flatten().sum::<f64>();
        Ratio::from_f64(engagements / followers as f64)
    });
    Engagement {
        rate,
        avg_likes: likes.hundredths(),
        avg_comments: comments.hundredths(),
        avg_views: views.hundredths(),
        avg_reach: Total::of(posts, |post| post.reach).hundredths(),
        avg_reposts: Total::of(posts, |post| post.reposts).hundredths(),
    }
}

/// The sum of one number over the posts that report it.
struct Total {
    sum: u128,
    posts: u128,
}

impl Total {
    fn of(posts: &[PostNumbers], number: impl Fn(&PostNumbers) -> Option<u64>) -> Self {
        posts.iter().filter_map(number).fold(Self { sum: 0, posts: 0 }, |total, number| Self {
            sum: total.sum + u128::from(number),
            posts: total.posts + 1,
        })
    }

    fn mean(&self) -> Option<f64> {
        (self.posts > 0).then(|| self.sum as f64 / self.posts as f64)
    }

    /// Two decimals, halves away from zero; `None` also where a [`Mean`] cannot hold it.
    fn hundredths(&self) -> Option<Mean> {
        let doubled = self.sum.checked_mul(200)?.checked_add(self.posts)?;
        doubled.checked_div(self.posts.checked_mul(2)?).and_then(|mean| u64::try_from(mean).ok()).map(Mean)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn post(likes: u64, comments: u64, shares: u64) -> PostNumbers {
        PostNumbers { likes: Some(likes), comments: Some(comments), shares: Some(shares), ..PostNumbers::default() }
    }

    #[test]
    fn the_rate_is_engagements_per_post_by_followers() {
        let check = |posts: &[PostNumbers], followers: Option<u64>, expected: Option<i64>| {
            assert_eq!(engagement(posts, followers).rate, expected.map(Ratio), "{posts:?} {followers:?}");
        };
        check(&[post(40, 8, 2)], Some(1000), Some(50_000));
        check(&[post(40, 8, 2), post(60, 0, 0)], Some(1000), Some(55_000));
        check(&[post(0, 0, 0)], Some(10), Some(0));
        check(&[post(5, 0, 0)], Some(3), Some(1_666_667));
        check(&[], Some(1000), None);
        check(&[post(1, 1, 1)], Some(0), None);
        check(&[post(1, 1, 1)], None, None);
        check(&[PostNumbers { comments: Some(5), ..PostNumbers::default() }], Some(100), None);
        let hidden_once = [post(100, 0, 0), PostNumbers { likes: None, ..post(0, 0, 0) }];
        check(&hidden_once, Some(1000), Some(100_000));
        // Each part is a mean of its own: a post that does not report its shares takes nothing from those of others.
        let saved = PostNumbers { saves: Some(5), ..post(100, 10, 20) };
        check(&[saved, PostNumbers { shares: None, ..saved }], Some(10_000), Some(13_500));
        check(&[post(u64::MAX, u64::MAX, u64::MAX); 12], Some(1), None);
    }

    #[test]
    fn averages_have_two_decimals_and_hidden_ones_are_none() {
        let check = |likes: &[Option<u64>], expected: Option<u64>| {
            let posts: Vec<_> = likes.iter().map(|likes| PostNumbers { likes: *likes, ..Default::default() }).collect();
            assert_eq!(engagement(&posts, None).avg_likes, expected.map(Mean), "{likes:?}");
        };
        check(&[], None);
        check(&[None, None], None);
        check(&[Some(1), None, Some(2)], Some(150));
        check(&[Some(1), Some(0), Some(0)], Some(33));
        check(&[Some(1), Some(1), Some(0)], Some(67));
        check(&[Some(1), Some(0), Some(0), Some(0), Some(0), Some(0), Some(0), Some(0)], Some(13));
        check(&[Some(u64::MAX / 100)], Some(u64::MAX / 100 * 100));
        check(&[Some(u64::MAX)], None);
    }

    #[test]
    fn reach_and_reposts_are_means_of_their_own_and_no_engagements() {
        let seen = |reach, reposts| PostNumbers { reach, reposts, ..post(40, 8, 2) };
        let posts = [seen(Some(900), Some(3)), seen(Some(601), None), seen(None, Some(0))];
        let engagement = engagement(&posts, Some(1000));
        assert_eq!((engagement.avg_reach, engagement.avg_reposts), (Some(Mean(75_050)), Some(Mean(150))));
        assert_eq!(engagement.rate, Some(Ratio(50_000)));
        let unknown = super::engagement(&[post(40, 8, 2)], Some(1000));
        assert_eq!((unknown.avg_reach, unknown.avg_reposts), (None, None));
    }

    #[test]
    fn the_newest_come_first_and_those_without_time_last() {
        let at = |at: Option<i64>, likes: u64| Post { at: at.map(Timestamp), numbers: post(likes, 0, 0) };
        let posts = vec![at(None, 1), at(Some(5), 2), at(Some(9), 3), at(None, 4), at(Some(-1), 5)];
        let likes = |most| newest(posts.clone(), most).iter().filter_map(|post| post.likes).collect::<Vec<_>>();
        assert_eq!(likes(12), [3, 2, 5, 1, 4]);
        assert_eq!(likes(2), [3, 2]);
        assert!(likes(0).is_empty());
    }

    proptest::proptest! {
        #[test]
        fn nothing_overflows(
            posts in proptest::collection::vec(proptest::array::uniform7(proptest::option::of(proptest::num::u64::ANY)), 0..20),
            followers in proptest::option::of(proptest::num::u64::ANY),
        ) {
            let posts: Vec<_> = posts.into_iter()
                .map(|[likes, comments, shares, saves, views, reach, reposts]| {
                    PostNumbers { likes, comments, shares, saves, views, reach, reposts }
                })
                .collect();
            let engagement = engagement(&posts, followers);
            proptest::prop_assert!(engagement.rate.is_none_or(|rate| rate.0 >= 0));
        }
    }
}
