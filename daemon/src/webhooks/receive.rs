//! Takes one request of a platform, from its bytes to its answer, within a second.

use std::sync::Arc;
use std::time::Duration;

use roster_protocol::time::Seconds;
use sha2::{Digest, Sha256};

use crate::app::App;
use crate::app::refusals::{Refusal, Requester};
use crate::consent::listener_address;
use crate::decision::lease;
use crate::decision::webhook::{self, Notification, Taken};
use crate::meters::Notified;
use crate::model::Deletion;
use crate::platforms::Registered;
use crate::platforms::webhook::{Hook, Pushed, Received, Refused};
use crate::secret::vault::SealingContext;

/// Platforms give up after some seconds, and repeat what was not answered.
const ANSWER: Duration = Duration::from_millis(900);
/// Letters and digits of a deletion's code: 80 bits.
const CODE_BYTES: usize = 10;

/// How a request is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It is durable, now or since it was received before.
    Taken,
    /// What an owner wanted deleted is deleted; the address of the page that says so, and its code.
    Deleted {
        address: String,
        code: String,
    },
    /// There is no such address.
    Unknown,
    /// There was one, perhaps, and nothing is to be sent there any more.
    Gone,
    Refused(Refused),
    /// It could not be stored in time: the platform sends it again.
    Later,
}

/// Takes a request to an address of a platform.
pub async fn receive(app: &Arc<App>, slug: &str, received: Received<'_>) -> Answer {
    let Some(known) = listening(app, slug, received.hook) else { return Answer::Unknown };
    let read = known.platform.webhooks().map(|webhooks| webhooks.read(received));
    let answer = match read.unwrap_or(Err(Refused::NotHere)) {
        Ok(pushed) => Ok(take(app, slug, received.hook.path(), received, pushed).await),
        Err(refused) => Err(refused),
    };
    match &answer {
        Ok((_, as_what)) => app.meters.record_notification(slug, *as_what),
        Err(Refused::Old) => app.meters.record_notification(slug, Notified::Old),
        Err(Refused::Malformed) => app.meters.record_notification(slug, Notified::Malformed),
        Err(Refused::Forged) => app.meters.record_notification(slug, Notified::Forged),
        Err(Refused::NotHere) => {}
    }
    match answer {
        Ok((answer, _)) => answer,
        Err(refused) => Answer::Refused(refused),
    }
}

/// Counts a request that is refused, and notes a few of them in the audit log.
pub async fn refused(app: &Arc<App>, slug: &str, refused: Refused) {
    let refusal = match refused {
        Refused::NotHere => Refusal::NoAddress,
        Refused::Forged => Refusal::Forged,
        Refused::Old => Refusal::Old,
        Refused::Malformed => Refusal::Malformed,
    };
    let sender = Requester::Sender(app.look(|roster| roster.slug(slug)));
    app.refused_request(sender, refusal).await;
}

/// A platform that sends something to this address. One that is switched off is listened to all the same: its owners may
/// take back what they gave.
fn listening(app: &App, slug: &str, hook: Hook) -> Option<Arc<Registered>> {
    let known = app.look(|roster| roster.platforms.get(slug).cloned())?;
    known.platform.webhooks()?.hooks().contains(&hook).then_some(known)
}

/// The response that proves to a platform that the address of notifications is ours; `None` where there is no such
/// address.
pub fn challenge(app: &App, slug: &str, query: &[(String, String)]) -> Option<Result<String, Refused>> {
    let known = listening(app, slug, Hook::Events)?;
    known.platform.webhooks().map(|webhooks| webhooks.challenge(query))
}

/// What became of a request to delete; `None` when there is none of this code at the platform.
pub fn deletion(app: &App, slug: &str, code: &str) -> Option<Deletion> {
    app.look(|roster| roster.webhooks.deletions.get(code).filter(|deletion| deletion.platform == slug).cloned())
}

/// Takes what a hub sends to the address of a subscription. It is about the account that was subscribed to, whatever
/// it says. The standard wants one that is not genuine to be answered as if it were.
pub async fn from_hub(app: &Arc<App>, slug: &str, token: &str, received: Received<'_>) -> Answer {
    let found = app.look(|roster| {
        let lease = roster.webhooks.lease_by_token(token)?;
        let platform = &roster.connections.get(&lease.connection)?.platform;
        Some((lease.clone(), roster.platforms.get(platform).filter(|_| platform == slug)?.clone()))
    });
    let Some((lease, known)) = found else { return Answer::Gone };
    let secret = app.consents.vault().open(SealingContext::of_lease(lease.connection), &lease.secret);
    let webhooks = known.platform.webhooks();
    let is_genuine =
        secret.is_ok_and(|secret| webhooks.is_some_and(|webhooks| webhooks.is_from_hub(&secret, received)));
    if !is_genuine {
        app.meters.record_notification(slug, Notified::Forged);
        refused(app, slug, Refused::Forged).await;
        return Answer::Taken;
    }
    let (answer, as_what) =
        take(app, slug, &lease.account, received, vec![Pushed::Changed { ids: vec![lease.account.clone()] }]).await;
    app.meters.record_notification(slug, as_what);
    answer
}

/// Takes a hub's question whether a subscription was asked for; `false` when it was not.
pub async fn confirmed_by_hub(app: &App, slug: &str, token: &str, topic: &str, lasts: Option<Seconds>) -> bool {
    app.decide(|decision| Ok(lease::confirm(decision, slug, token, topic, lasts))).await.unwrap_or(false)
}

/// Takes what is proved; `part` is what it was sent to.
async fn take(
    app: &Arc<App>,
    slug: &str,
    part: &str,
    received: Received<'_>,
    pushed: Vec<Pushed>,
) -> (Answer, Notified) {
    let key = key_of(slug, part, received.body);
    let code = data_encoding::BASE32_NOPAD.encode(&key[..CODE_BYTES]).to_ascii_lowercase();
    let (owned, platform, code_of_it) = (app.clone(), slug.to_owned(), code.clone());
    let taken = app.own(async move {
        let notification = Notification { platform: &platform, key, code: &code_of_it, pushed: &pushed };
        let taken = owned.decide(|decision| Ok(webhook::take(decision, &notification))).await?;
        log(&platform, taken);
        Ok(taken)
    });
    // When the time is over it goes on: the next try finds that it was taken.
    match tokio::time::timeout(ANSWER, taken).await {
        Ok(Ok(Taken { is_repeat, .. })) => {
            let as_what = if is_repeat { Notified::Repeat } else { Notified::Taken };
            let answer = match received.hook {
                Hook::Events | Hook::Deauthorize => Answer::Taken,
                Hook::Deletion => {
                    let path = format!("/webhooks/{slug}{}/{code}", Hook::Deletion.path());
                    Answer::Deleted { address: listener_address(app, &path), code }
                }
            };
            (answer, as_what)
        }
        Ok(Err(error)) => {
            tracing::warn!(platform = slug, %error, "a notification could not be stored; its platform sends it again");
            (Answer::Later, Notified::Later)
        }
        Err(_) => (Answer::Later, Notified::Later),
    }
}

/// What makes a notification what it is: its bytes, and where they were sent to.
fn key_of(slug: &str, part: &str, body: &[u8]) -> [u8; 32] {
    let hash = Sha256::new().chain_update(slug).chain_update([0]).chain_update(part);
    hash.chain_update([0]).chain_update(body).finalize().into()
}

fn log(platform: &str, taken: Taken) {
    let Taken { is_repeat, marked, ended, deleted } = taken;
    if ended + deleted > 0 {
        tracing::warn!(platform, ended, deleted, "owners took their consents back at their platform");
    } else {
        tracing::debug!(platform, is_repeat, marked, "a notification was taken");
    }
}
