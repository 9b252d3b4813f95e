//! The demo: its world is one that the daemon itself could have made.

use std::collections::BTreeMap;

use roster_demo::{DemoOptions, Stage};
use roster_protocol::connection::ConnectionStatus;
use roster_protocol::sync::{Outcome, SyncTarget};
use roster_protocol::transport::{self, within};
use roster_sandbox::{Platform, State};

use crate::support::LIMIT;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_in_the_demo_syncs_but_what_it_configured_to_fail() {
    let mut stage = Stage::set(DemoOptions { accounts: 210, ..DemoOptions::default() }).await.expect("a demo");
    let client = transport::connect(&stage.socket()).await.expect("the daemon responds");
    let consented = tokio::time::timeout(4 * LIMIT, stage.consented()).await.expect("in time").expect("owners");
    let named = |run: &roster_protocol::sync::Run| run.connection.to_string();
    let ticket = client.sync(within(LIMIT), SyncTarget::All).await.expect("a response").expect("a ticket");
    let (mut runs, mut waiting) = (Vec::new(), BTreeMap::new());
    loop {
        let progress = client.sync_progress(within(LIMIT), ticket, runs.len() as u64).await;
        let progress = progress.expect("a response").expect("progress");
        runs.extend(progress.runs);
        if progress.done {
            break;
        }
    }
    let (mut owned, mut failed, mut taken_back) = (0, 0, 0);
    for run in &runs {
        let connection = client.connection(within(LIMIT), named(run)).await.expect("a response").expect("a connection");
        let platform = Platform::from_slug(&connection.platform).expect("a platform of the sandbox");
        let account = stage.sandbox().world().account(platform, &connection.handle).expect("an account");
        owned += usize::from(platform.has_consent() && platform != Platform::Youtube);
        let is_broken = account.state != State::Active || account.moved_to.is_some();
        if connection.status == ConnectionStatus::Reauthorize {
            waiting.insert(named(run), connection.handle.clone());
            // An account that is broken has no owner who could give it.
            taken_back += usize::from(!is_broken);
        } else {
            let shown = format!("{platform}:{}: {:?} {:?}", connection.handle, run.outcome, run.error);
            assert_eq!(run.outcome == Outcome::Ok, !is_broken, "{shown}");
        }
        failed += usize::from(is_broken);
    }
    assert!(runs.len() >= 200 && failed > 0, "{} runs, {failed} of what is broken", runs.len());
    // Some owners took their consent back; all others gave it.
    assert!(
        !waiting.is_empty() && waiting.len() + consented >= owned && taken_back * 8 < owned,
        "{waiting:?} of {owned}"
    );
    drop(client);
    stage.strike().await.expect("nothing is left");
}
