//! The day of a breach: all consents end at once, and are revoked at the platforms.

use roster_protocol::transport::within;
use roster_sandbox::{Fault, FaultKind, Platform, Stage};

use crate::support::consent::consented;
use crate::support::programs::{CommandOutput, ROSTER, alone, until};
use crate::support::{LIMIT, World};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_consents_end_at_once_and_are_revoked_until_none_is_left() {
    let world = World::with_apps().await;
    let accounts = [(Platform::Tiktok, "mara"), (Platform::Tiktok, "oskar"), (Platform::Youtube, "@mara")];
    for (platform, handle) in accounts {
        world.quiet(platform, handle, 5000);
        let name = format!("{platform:?} {handle}");
        world.influencer(&name).await;
        consented(&world.client, &name, platform, handle).await;
    }
    world.begin("Tiktok mara", "tiktok", None).await.expect("one that waits");
    let home = tempfile::tempdir().expect("a directory");
    let roster = async |arguments: &[&str]| {
        let mut command = alone(ROSTER, home.path());
        command.args(arguments).arg("--socket").arg(&world.daemon().socket);
        CommandOutput::of(command).await
    };
    let refused = roster(&["revoke", "all"]).await;
    assert!(refused.code == Some(2) && refused.err.contains("--yes"), "{refused:?}");
    assert_eq!(world.grants().await.len(), 3);

    // One of TikTok's responses is an error: that one is left, and tried again.
    let fault = Fault { at: Some(Stage::Token), ..Fault::new(Platform::Tiktok, FaultKind::ServerError) };
    world.sandbox.world().fault(fault);
    let revoked = roster(&["revoke", "all", "--yes", "--no-wait", "--json"]).await.json();
    assert_eq!((&revoked["ended"], &revoked["requested"]), (&3.into(), &1.into()), "{revoked}");
    let left = until("two are revoked", async || {
        let grants = world.grants().await;
        let failed =
            grants.iter().filter(|grant| grant.note.as_ref().is_some_and(|note| note.contains("attempts failed")));
        let over = grants.iter().filter(|grant| grant.note.as_ref().is_some_and(|note| note.contains("all consents")));
        ((failed.count(), over.count()) == (1, 2)).then_some(grants.len())
    });
    assert_eq!(left.await, 3);
    let again = roster(&["revoke", "all", "--yes", "--no-wait", "--json"]).await;
    let left = again.json();
    assert_eq!((again.code, &left["ended"], left["left"].as_array().map(Vec::len)), (Some(6), &0.into(), Some(1)));
    until("the last one is revoked", async || {
        world.pass(1800).await;
        let grants = world.grants().await;
        grants.iter().all(|grant| grant.note.as_ref().is_some_and(|note| note.contains("all consents"))).then_some(())
    })
    .await;
    let done = roster(&["revoke", "all", "--yes"]).await;
    assert!(done.code == Some(0) && done.out.contains("nothing is left"), "{done:?}");
    let rows = world.client.connections(within(LIMIT), Default::default()).await.expect("a response").expect("a page");
    assert!(rows.rows.is_empty() || rows.rows.iter().all(|row| row.grant.is_some()));
    let audit = roster(&["audit", "--json"]).await.out;
    assert_eq!(audit.matches("consent.revoke_all").count(), 1, "{audit}");

    // An owner who consents again is read as before.
    consented(&world.client, "Tiktok mara", Platform::Tiktok, "mara").await;
    let synced = roster(&["sync", "Tiktok mara", "--json"]).await.json();
    assert_eq!(synced["ok"], 1, "{synced}");
}
