//! Requests to providers: paged newest first, and no more of them than may be kept.

use roster_protocol::ids::ConnectionId;
use roster_protocol::time::Timestamp;
use roster_protocol::{ProviderRequest, RequestOutcome};

use super::disk::Disk;
use crate::model::{Commit, RequestBlock, SyncCommit};
use crate::store::{RequestsQuery, Store};

const MINUTE: i64 = 60_000;

fn request(at: i64, connection: u8, status: u16) -> ProviderRequest {
    ProviderRequest {
        at: Timestamp(at),
        platform: if connection.is_multiple_of(2) { "youtube" } else { "tiktok" }.to_owned(),
        endpoint: "GET /x".to_owned(),
        connection: Some(ConnectionId::from_bytes([connection; 5])),
        accounts: 1,
        status: Some(status),
        error: None,
        duration_ms: 5,
        bytes: 7,
    }
}

/// Blocks of five requests each, one a minute.
async fn store(blocks: i64) -> Store {
    let (store, _) = Disk::default().open().expect("a store");
    for block in 0..blocks {
        let at = block * MINUTE;
        let requests =
            (0..5).map(|place| request(at + place, place as u8, if place == 4 { 503 } else { 200 })).collect();
        let requests = vec![RequestBlock { at: Timestamp(at + 10), requests }];
        store.commit(Commit::from(SyncCommit { requests, ..SyncCommit::default() })).await.expect("stored");
    }
    store
}

fn all() -> RequestsQuery {
    RequestsQuery { since: Timestamp(i64::MIN), platform: None, of: None, outcome: None, before: None, limit: 3 }
}

/// The times of all that a query gives, page by page.
async fn times(store: &Store, query: RequestsQuery) -> Vec<i64> {
    let (mut found, mut query) = (Vec::new(), query);
    loop {
        let page = store.read(query.clone()).await.expect("read");
        found.extend(page.rows.iter().map(|request| request.at.0));
        match page.next {
            Some(mark) => query.before = Some(mark),
            None => return found,
        }
    }
}

#[tokio::test]
async fn pages_go_back_through_the_blocks_and_lose_none() {
    let store = store(3).await;
    let expected = [2, 1, 0].into_iter().flat_map(|block| [4, 3, 2, 1, 0].map(|place| block * MINUTE + place));
    assert_eq!(times(&store, all()).await, expected.collect::<Vec<_>>());
    let since = RequestsQuery { since: Timestamp(MINUTE + 3), ..all() };
    assert_eq!(times(&store, since).await.len(), 7);
    let failed = RequestsQuery { outcome: Some(RequestOutcome::Failed), ..all() };
    assert_eq!(times(&store, failed).await, [2 * MINUTE + 4, MINUTE + 4, 4]);
    let of = RequestsQuery { of: Some([ConnectionId::from_bytes([1; 5])].into()), ..all() };
    assert_eq!(times(&store, of).await, [2 * MINUTE + 1, MINUTE + 1, 1]);
    let platform = RequestsQuery { platform: Some("tiktok".to_owned()), ..all() };
    assert_eq!(times(&store, platform).await.len(), 6);
}

#[tokio::test]
async fn what_is_old_or_too_much_is_deleted_oldest_first() {
    let store = store(10).await;
    store.prune_requests_to(Timestamp(2 * MINUTE), u64::MAX).await.expect("pruned");
    assert_eq!(times(&store, all()).await.len(), 8 * 5);
    // Of too many bytes, the newest stay.
    store.prune_requests_to(Timestamp(i64::MIN), 300).await.expect("pruned");
    let left = times(&store, all()).await;
    assert!((1..40).contains(&left.len()) && left[0] == 9 * MINUTE + 4, "{left:?}");
    store.prune_requests_to(Timestamp(i64::MIN), 0).await.expect("pruned");
    assert_eq!(times(&store, all()).await, Vec::<i64>::new());
}
