//! What happens while a user watches: a large account loses a part of its followers, another gains.

use std::sync::Arc;
use std::time::Duration;

use roster_protocol::audit::Who;
use roster_protocol::sync::SyncTarget;
use roster_sandbox::{Account, AccountEdit, Platform, Sandbox, State};
use rosterd::app::App;
use rosterd::edits::syncing;
use rosterd::roster::Roster;

/// When something happens after the start, and by how much the followers move.
const ACTS: [(u64, f64); 3] = [(12, 0.86), (25, 1.31), (60, 0.8)];

/// Lets it happen, each act once.
pub async fn run(sandbox: Arc<Sandbox>, app: Arc<App>) {
    let mut past = 0;
    for (index, (second, factor)) in ACTS.into_iter().enumerate() {
        tokio::time::sleep(Duration::from_secs(second - past)).await;
        past = second;
        let Some(account) = stars(&sandbox).into_iter().nth(index) else { return };
        let Some(followers) = measured(&app, &account) else { return };
        let edit = AccountEdit { followers: Some((followers as f64 * factor) as u64), ..AccountEdit::default() };
        if sandbox.world().put(account.platform, &account.handle, &edit).is_err() {
            return;
        }
        let target = SyncTarget::One(format!("{}:{}", account.platform.slug(), account.handle));
        // The demo may be ending, or the user may have removed the account: then nothing happens.
        let _ = syncing::sync(&app, show(), target).await;
    }
}

/// Who causes what happens in the demo.
fn show() -> Who {
    Who { uid: 0, name: "demo".to_owned() }
}

/// The followers that were measured last.
fn measured(app: &App, account: &Account) -> Option<u64> {
    let of = |roster: &Roster| {
        let connection = roster.account(account.platform.slug(), &account.handle, None)?;
        connection.latest.as_ref().and_then(|latest| latest.numbers.followers)
    };
    app.look(of)
}

/// Accounts that are reported exactly and are all right, largest first: their changes are seen on the first screen.
fn stars(sandbox: &Sandbox) -> Vec<Arc<Account>> {
    let now = sandbox.world().now();
    let mut accounts = sandbox.world().accounts();
    accounts.retain(|account| {
        account.platform != Platform::Youtube && account.state == State::Active && account.moved_to.is_none()
    });
    accounts.sort_by_key(|account| std::cmp::Reverse(account.numbers_at(now).followers));
    accounts
}
