//! What Meta refuses of one post or one owner costs only that.

use roster_protocol::connection::Connection;
use roster_protocol::sync::{Outcome, SyncTarget};
use roster_sandbox::{AccountEdit, Platform, Refuses};

use crate::support::World;

fn refuses(what: &str, post: Option<u64>, code: u32) -> Vec<Refuses> {
    vec![Refuses { what: what.to_owned(), post, code }]
}

/// Two people's accounts with these posts; what B's refuse is refused from the start.
async fn anna_and_ben(platform: Platform, account: AccountEdit, refused: Vec<Refuses>) -> World {
    let world = World::with_apps().await;
    for (name, handle) in [("Anna", "anna.page"), ("Ben", "ben.page")] {
        world.account(platform, handle, account.clone());
        world.influencer(name).await;
    }
    world.account(platform, "ben.page", AccountEdit { refuses: Some(refused), ..AccountEdit::default() });
    for (name, handle) in [("Anna", "anna.page"), ("Ben", "ben.page")] {
        world.consent(name, platform.slug(), handle).await;
    }
    world.settle().await;
    world
}

async fn connection(world: &World, name: &str) -> Connection {
    world.show(name).await.connections.remove(0)
}

/// Mean views, likes and comments, and the engagement rate.
fn numbers(connection: &Connection) -> [Option<f64>; 4] {
    let numbers = &connection.latest.as_ref().expect("a snapshot").numbers;
    let mean = |mean: Option<roster_protocol::metric::Mean>| mean.map(|mean| mean.as_f64());
    let rate = numbers.engagement_rate.map(|rate| rate.as_f64());
    [mean(numbers.avg_views), mean(numbers.avg_likes), mean(numbers.avg_comments), rate]
}

/// Mean reach and reposts.
fn seen(connection: &Connection) -> [Option<f64>; 2] {
    let numbers = &connection.latest.as_ref().expect("a snapshot").numbers;
    [numbers.avg_reach, numbers.avg_reposts].map(|mean| mean.map(|mean| mean.as_f64()))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_post_that_refuses_a_metric_costs_neither_other_posts_nor_other_owners() {
    let account = AccountEdit {
        followers: Some(10_000),
        growth_per_day: Some(0.0),
        posts: Some(12),
        likes: Some(100),
        comments: Some(10),
        reposts: Some(20),
        saves: Some(5),
        views: Some(5000),
        reach: Some(3000),
        ..AccountEdit::default()
    };
    for metric in ["views", "shares", "reposts"] {
        let refused = refuses(metric, Some(7), 100);
        let world = anna_and_ben(Platform::Instagram, account.clone(), refused).await;
        for _ in 0..2 {
            for name in ["Anna", "Ben"] {
                let connection = connection(&world, name).await;
                let expected = [Some(5000.0), Some(100.0), Some(10.0), Some(0.0135)];
                assert_eq!(numbers(&connection), expected, "{metric}, {name}");
                assert_eq!(seen(&connection), [Some(3000.0), Some(4.0)], "{metric}, {name}");
                assert_eq!(connection.last_error, None, "{metric}, {name}: no trouble");
            }
            // Also when both are requested together, and what was refused is known.
            let runs = world.sync_target(SyncTarget::All).await;
            assert_eq!(runs.iter().map(|run| run.outcome).collect::<Vec<_>>(), [Outcome::Ok; 2], "{metric}: {runs:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_whose_insights_are_refused_keeps_the_rest_and_costs_no_other() {
    let account = AccountEdit {
        followers: Some(10_000),
        growth_per_day: Some(0.0),
        posts: Some(12),
        likes: Some(40),
        comments: Some(10),
        reposts: Some(2),
        views: Some(7000),
        ..AccountEdit::default()
    };
    let world = anna_and_ben(Platform::Facebook, account, refuses("insights", None, 100)).await;
    for _ in 0..2 {
        let anna = connection(&world, "Anna").await;
        assert_eq!(numbers(&anna)[0], Some(7000.0));
        assert_eq!(anna.last_error, None);
        let ben = connection(&world, "Ben").await;
        assert_eq!(numbers(&ben)[..3], [None, Some(40.0), Some(10.0)]);
        let error = ben.last_error.expect("it says why");
        assert!(error.starts_with("views: ") && error.contains("a permission is missing"), "{error}");
        world.sync_target(SyncTarget::All).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_small_page_that_refuses_reach_is_in_no_trouble() {
    let account = AccountEdit {
        followers: Some(10_000),
        posts: Some(12),
        likes: Some(40),
        views: Some(7000),
        reach: Some(5000),
        ..AccountEdit::default()
    };
    let world = anna_and_ben(Platform::Facebook, account, refuses("post_total_media_view_unique", None, 200)).await;
    for _ in 0..2 {
        for (name, reach) in [("Anna", Some(5000.0)), ("Ben", None)] {
            let connection = connection(&world, name).await;
            assert_eq!((numbers(&connection)[0], seen(&connection)), (Some(7000.0), [reach, None]), "{name}");
            assert_eq!(connection.last_error, None, "{name}");
        }
        world.sync_target(SyncTarget::All).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refused_sums_cost_only_themselves() {
    for code in [10, 200] {
        let account =
            AccountEdit { followers: Some(10_000), likes: Some(40), views: Some(7000), ..AccountEdit::default() };
        let world = anna_and_ben(Platform::Facebook, account, refuses("sums", None, code)).await;
        let anna = connection(&world, "Anna").await;
        assert_eq!((numbers(&anna)[0], numbers(&anna)[1], anna.last_error), (Some(7000.0), Some(40.0), None), "{code}");
        let ben = connection(&world, "Ben").await;
        assert_eq!(numbers(&ben), [Some(7000.0), None, None, None], "{code}");
        assert_eq!(ben.latest.as_ref().and_then(|latest| latest.numbers.followers), Some(10_000), "{code}");
        let expected = "reactions and comments: Facebook refused them, as if pages_read_user_content is missing";
        assert_eq!(ben.last_error.as_deref(), Some(expected), "{code}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_missing_permission_for_posts_is_said_and_not_taken_for_a_hidden_number() {
    let account = AccountEdit { followers: Some(10_000), likes: Some(40), views: Some(500), ..AccountEdit::default() };
    let world = anna_and_ben(Platform::Instagram, account, refuses("insights", None, 10)).await;
    let anna = connection(&world, "Anna").await;
    assert_eq!((numbers(&anna)[0], anna.last_error), (Some(500.0), None));
    let ben = connection(&world, "Ben").await;
    assert_eq!(numbers(&ben)[..2], [None, Some(40.0)]);
    let error = ben.last_error.expect("it says why");
    let expected = "views, shares, saves, reach, reposts: Instagram says that a permission is missing, although \
                    instagram_manage_insights was allowed: ";
    assert!(error.starts_with(expected), "{error}");
}
