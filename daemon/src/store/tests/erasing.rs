//! What an erasure takes out of rows that are about several, or that cannot be read.

use roster_protocol::time::Timestamp;

use super::disk::Disk;
use super::sample::{at, connection, connection_id, influencer_id};
use crate::model::{BudgetKey, BudgetUse, Commit, Receipt, SyncCommit, Tombstone, WebhooksCommit, hashed};
use crate::store::tables::Records;
use crate::store::{Load, Store};

fn budget(platform: &str, account: Option<&str>) -> BudgetUse {
    let key = BudgetKey { lane: platform.to_owned(), unit: "calls".to_owned(), account: account.map(str::to_owned) };
    BudgetUse { key, parts: vec![(at(1), 1)], reported: None, per_account: None }
}

async fn aside(store: &Store, table: Records, key: Vec<u8>) {
    let put = store.alone(move |txn, _| {
        crate::store::records::quarantine(txn, table.name(), &key, b"a name")?;
        Ok(())
    });
    put.await.expect("a write");
}

#[tokio::test]
async fn limits_notifications_and_damaged_rows_of_theirs_go_and_no_others() {
    let (store, _) = Disk::default().open().expect("a store");
    let theirs = connection(1, 1);
    let account = theirs.platform_user_id.clone().unwrap_or_else(|| theirs.handle.clone());
    let tombstone = Tombstone {
        influencers: vec![influencer_id(1)],
        connections: vec![theirs.id],
        salt: [7; 16],
        accounts: vec![hashed(&[7; 16], &theirs)],
        at: Timestamp(0),
        is_done: false,
    };
    let other = connection_id(2);
    let marked = vec![(theirs.id, at(1)), (other, at(2))];
    let receipts = vec![
        Receipt { at: at(1), key: [1; 32], marked },
        Receipt { at: at(2), key: [2; 32], marked: vec![(theirs.id, at(1))] },
    ];
    let budgets = vec![
        budget(&theirs.platform, Some(&account)),
        budget("elsewhere", Some(&account)),
        budget(&theirs.platform, Some("another")),
        budget(&theirs.platform, None),
    ];
    let kept: Vec<BudgetKey> = budgets[1..].iter().map(|budget| budget.key.clone()).collect();
    let commit = Commit {
        webhooks: WebhooksCommit { receipts, ..WebhooksCommit::default() },
        sync: SyncCommit { budgets, ..SyncCommit::default() },
        ..Commit::default()
    };
    store.commit(commit).await.expect("stored");
    aside(&store, Records::Alerts, vec![0; 8]).await;
    aside(&store, Records::Runs, [&[0; 8][..], &theirs.id.0].concat()).await;
    aside(&store, Records::Runs, [&[0; 8][..], &other.0].concat()).await;

    // Twice, as after a crash.
    for _ in 0..2 {
        store.erase(&tombstone).await.expect("erased");
    }
    let loaded = store.read(Load).await.expect("read");
    let marked: Vec<_> = loaded.receipts.into_iter().map(|receipt| receipt.marked).collect();
    assert_eq!(marked, [vec![(other, at(2))], vec![]]);
    let mut left: Vec<BudgetKey> = loaded.budgets.into_iter().map(|budget| budget.key).collect();
    left.sort();
    let mut expected = kept;
    expected.sort();
    assert_eq!(left, expected);
    let aside =
        store.alone(|txn, _| Ok(redb::ReadableTableMetadata::len(&txn.open_table(Records::Quarantine.definition())?)?));
    assert_eq!(aside.await.expect("a count"), 1, "another's run");
}
