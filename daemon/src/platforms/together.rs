//! One request about many: where the platform fails at it, perhaps because of one of them, the rest is requested
//! without that one.

use std::collections::VecDeque;

use super::PlatformError;
use super::batch::{FEW, Stop};
use crate::http_client::{HttpError, Response};

/// A request that can be about one or many.
pub(super) trait RequestsTogether<T>: Sync {
    type Reply: Send;

    /// Requests these, in one request or, where one alone is refused, in another way.
    fn together(&self, some: &[T]) -> impl Future<Output = Result<Self::Reply, Refused>> + Send;
}

/// Why there is no reply.
#[derive(Clone, Debug)]
pub(super) enum Refused {
    /// The platform failed: one of them may be the reason.
    Together(PlatformError),
    /// For a reason that concerns all of them alike.
    Each(PlatformError),
}

impl From<PlatformError> for Refused {
    fn from(error: PlatformError) -> Self {
        Self::Each(error)
    }
}

impl From<HttpError> for Refused {
    fn from(error: HttpError) -> Self {
        Self::Each(error.into())
    }
}

/// Whether the platform failed at this request; one that says when to come back fails at all.
pub(super) fn is_failure(response: &Response) -> bool {
    matches!(response.status, 500 | 502..=599) && response.header("retry-after").is_none()
}

/// Some of what was requested, and the reply to that.
pub(super) type Replies<'a, T, Reply> = Vec<(&'a [T], Result<Reply, PlatformError>)>;

/// Requests all of them: together, where that is refused in halves, and so on to the single ones, which keep their
/// refusal for themselves. For `n` of them that takes at most `1 + 2 · log₂ n` requests and then one each; when there
/// is no response but failures, the platform is down, and four requests show it.
pub(super) async fn together<'a, T: Sync, R: RequestsTogether<T>>(
    requests: &R,
    stop: &Stop<'_>,
    all: &'a [T],
) -> Replies<'a, T, R::Reply> {
    let mut waiting = VecDeque::from([all]);
    let mut replies = Vec::new();
    let mut left = 1 + 2 * all.len().max(1).ilog2().saturating_add(1);
    let mut tries = Tries::default();
    while let Some(mut some) = waiting.pop_front().filter(|some| !some.is_empty()) {
        if let Some(error) = stop.why() {
            replies.push((some, Err(error)));
            continue;
        }
        // One alone shows whether the platform responds at all; after many tries all that is left is requested so.
        if some.len() > 1 && (left == 0 || tries.want_one()) {
            waiting.push_front(&some[1..]);
            some = &some[..1];
        }
        left = left.saturating_sub(1);
        let reply = match requests.together(some).await {
            Ok(reply) => {
                tries.responded = true;
                stop.responded();
                Ok(reply)
            }
            Err(Refused::Together(error)) => {
                tries.failed(some.len());
                if tries.are_in_vain() {
                    stop.end(&error);
                } else if let [_, _, ..] = some {
                    let (left, right) = some.split_at(some.len() / 2);
                    waiting.extend([left, right]);
                    continue;
                } else {
                    stop.note(&error);
                }
                Err(error)
            }
            Err(Refused::Each(error)) => {
                tries.responded |=
                    matches!(error, PlatformError::AccountGone { .. } | PlatformError::Unexpected { .. });
                stop.note(&error);
                Err(error)
            }
        };
        replies.push((some, reply));
    }
    replies
}

/// What became of the requests so far.
#[derive(Default)]
struct Tries {
    responded: bool,
    failed: u32,
    /// Whether one alone has failed.
    one_failed: bool,
}

impl Tries {
    fn failed(&mut self, many: usize) {
        self.failed += 1;
        self.one_failed |= many == 1;
    }

    fn want_one(&self) -> bool {
        !self.responded && !self.one_failed && self.failed >= FEW
    }

    fn are_in_vain(&self) -> bool {
        !self.responded && self.one_failed && self.failed >= FEW
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use parking_lot::Mutex;

    use super::*;
    use crate::platforms::tests::world::{api, through};

    /// A platform that fails at what holds one of these; at the poisoned also when they are alone.
    struct Numbers {
        refused: BTreeSet<u32>,
        poisoned: BTreeSet<u32>,
        requested: Mutex<Vec<Vec<u32>>>,
    }

    impl RequestsTogether<u32> for Numbers {
        type Reply = Vec<u32>;

        async fn together(&self, some: &[u32]) -> Result<Vec<u32>, Refused> {
            self.requested.lock().push(some.to_vec());
            let bad = |set: &BTreeSet<u32>| some.iter().any(|number| set.contains(number));
            let what = || "500".to_owned();
            match some {
                [_] if bad(&self.refused) => Err(Refused::Each(PlatformError::AccountGone { what: what() })),
                _ if bad(&self.refused) || bad(&self.poisoned) => {
                    Err(Refused::Together(PlatformError::Unavailable { what: what() }))
                }
                _ => Ok(some.to_vec()),
            }
        }
    }

    async fn check(count: u32, refused: &[u32], poisoned: &[u32], most: usize) {
        let set = |numbers: &[u32]| numbers.iter().copied().collect::<BTreeSet<_>>();
        let numbers = Numbers { refused: set(refused), poisoned: set(poisoned), requested: Mutex::default() };
        let api = api(through("http://127.0.0.1:1"));
        let all: Vec<u32> = (0..count).collect();
        let stop = Stop::new(&api);
        let replies = together(&numbers, &stop, &all).await;
        let mut good: Vec<u32> =
            replies.iter().filter_map(|(_, reply)| reply.as_ref().ok()).flatten().copied().collect();
        good.sort_unstable();
        let bad: Vec<u32> = [refused, poisoned].concat();
        let expected: Vec<u32> = all.iter().copied().filter(|number| !bad.contains(number)).collect();
        let requested = numbers.requested.into_inner();
        assert_eq!(good, expected, "{refused:?} {poisoned:?}: {requested:?}");
        let every: usize = replies.iter().map(|(some, _)| some.len()).sum();
        assert_eq!(every, all.len(), "each has one reply");
        assert!(requested.len() <= most, "{} requests: {requested:?}", requested.len());
    }

    #[tokio::test]
    async fn a_bad_one_costs_itself_alone_within_a_bound() {
        check(25, &[], &[], 1).await;
        for bad in 0..25 {
            check(25, &[bad], &[], 11).await;
            check(25, &[], &[bad], 11).await;
        }
        check(6, &[3], &[], 7).await;
        check(2, &[0], &[], 3).await;
        check(1, &[0], &[], 1).await;
        for (left, right) in [(0, 12), (11, 24), (0, 24), (5, 6)] {
            check(25, &[left, right], &[], 36).await;
        }
        check(25, &[0, 5, 10, 15, 20], &[], 36).await;
        check(25, &Vec::from_iter(0..25), &[], 36).await;
        check(0, &[], &[], 0).await;
    }

    #[tokio::test]
    async fn a_platform_that_is_down_is_not_stormed() {
        for count in [2, 3, 25, 50] {
            check(count, &[], &Vec::from_iter(0..count), 4).await;
        }
    }
}
