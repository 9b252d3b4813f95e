//! `roster doctor` on the daemon's side: what a newcomer gets wrong, looked at all at once, each within its time.
//!
//! Nothing is changed. What is looked at as the client's user (its terminal, its desktop, its groups) is the client's.

mod config;
mod files;
mod host;
mod keys;
mod platforms;
mod reaching;

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::{BoxFuture, join_all};
use roster_protocol::audit::Who;
use roster_protocol::doctor::{Examination, Finding};
use roster_protocol::text::clean;
use roster_protocol::time::Seconds;

use crate::app::{App, ending};
use crate::delivery::outbox::Outbox;

/// How long each may take: one that waits for a platform as long as a request may, and a little more.
const LONGEST: Duration = Duration::from_secs(25);
/// The longest sentence.
const CHARACTERS: usize = 600;

/// Looks at everything.
pub async fn examine(app: &Arc<App>, outbox: &Outbox, who: &Who) -> Examination {
    let checks: [(&str, BoxFuture<'_, Vec<Finding>>); 8] = [
        ("config", config::look(app).boxed()),
        ("key", keys::look(app).boxed()),
        ("files", files::look(app).boxed()),
        ("disk", files::disk(app).boxed()),
        ("host", host::look(app, outbox, who).boxed()),
        ("listener", reaching::look(app).boxed()),
        ("network", reaching::network(app).boxed()),
        ("platforms", platforms::look(app).boxed()),
    ];
    let found = join_all(checks.map(|(what, check)| in_time(what, LONGEST, check))).await;
    let findings = found.into_iter().flatten().map(cleaned).collect();
    Examination { findings, unit: host::unit(app), ends_within: Seconds(ending::LONGEST_S) }
}

/// What a check finds; one that takes too long hides no other.
async fn in_time(what: &str, longest: Duration, check: impl Future<Output = Vec<Finding>>) -> Vec<Finding> {
    tokio::time::timeout(longest, check).await.unwrap_or_else(|_| {
        let found = format!("looking at it took more than {} s", longest.as_secs());
        vec![Finding::warning(what, found, "look whether a disk, a mount or the network hangs, and try again")]
    })
}

/// What platforms, files and the system say of themselves is in the sentences.
fn cleaned(finding: Finding) -> Finding {
    let fix = finding.fix.map(|fix| clean(&fix, CHARACTERS));
    Finding { what: clean(&finding.what, 40), found: clean(&finding.found, CHARACTERS), fix, ..finding }
}

/// A sentence that says what is wrong, and behind its last colon what to do.
fn split(what: &str, sentence: &str) -> Finding {
    match sentence.rsplit_once(": ") {
        Some((found, fix)) => Finding::warning(what, found, fix),
        None => Finding { fix: None, ..Finding::warning(what, sentence, "") },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn one_that_hangs_is_said_and_hides_no_other() {
        let longest = Duration::from_millis(20);
        let hangs = in_time("disk", longest, std::future::pending());
        let well = in_time("key", longest, async { vec![Finding::well("key", "it is there")] });
        let (hangs, well) = tokio::join!(hangs, well);
        assert_eq!(hangs[0].verdict, roster_protocol::Verdict::Warning);
        assert_eq!((hangs[0].what.as_str(), well[0].found.as_str()), ("disk", "it is there"));
    }

    #[test]
    fn a_sentence_is_split_at_its_last_colon() {
        let check = |sentence: &str, found: &str, fix: Option<&str>| {
            let made = split("secrets", sentence);
            assert_eq!((made.found.as_str(), made.fix.as_deref()), (found, fix));
        };
        check("/a: holds a secret: chmod 640 /a", "/a: holds a secret", Some("chmod 640 /a"));
        check("it is so", "it is so", None);
    }
}
