//! What the host's user database says, kept for some seconds. It may be a directory service that responds late or never: each
//! look-up runs on a thread that may block, one at a time for each key and few at once, and its caller waits for a while
//! only.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{Semaphore, watch};
use tokio::time::Instant;

/// What is older is looked up again.
const FRESH: Duration = Duration::from_secs(15);
/// What is older counts no more, also when it cannot be looked up again.
const EXPIRED: Duration = Duration::from_secs(35);
/// How long a caller waits for a look-up.
const LONGEST_WAIT: Duration = Duration::from_secs(3);
/// Keys that are remembered.
const MOST_KEYS: usize = 256;

type LookUp<K, V> = dyn Fn(&K) -> Option<V> + Send + Sync;

/// Values by key, each looked up when it is needed and not fresh.
pub struct Known<K, V> {
    look_up: Arc<LookUp<K, V>>,
    entries: Mutex<HashMap<K, Arc<Entry<V>>>>,
    under_way: Arc<Semaphore>,
    /// What was looked up before is not fresh.
    since: Mutex<Option<Instant>>,
}

struct Entry<V>(watch::Sender<State<V>>);

struct State<V> {
    /// With when its look-up began.
    value: Option<(Arc<V>, Instant)>,
    /// Look-ups that ended, successful or not.
    ended: u64,
    is_under_way: bool,
}

impl<V> State<V> {
    fn younger_than(&self, age: Duration) -> Option<Arc<V>> {
        self.value.as_ref().filter(|(_, at)| at.elapsed() < age).map(|(value, _)| value.clone())
    }
}

impl<K, V> Known<K, V>
where
    K: Clone + Eq + Hash + Send + 'static,
    V: Send + Sync + 'static,
{
    /// `look_up` may block, and returns `None` when there was no response. `most_at_once`: all of them may hang, each on a
    /// thread that may block.
    pub fn new(most_at_once: usize, look_up: impl Fn(&K) -> Option<V> + Send + Sync + 'static) -> Self {
        Self {
            look_up: Arc::new(look_up),
            entries: Mutex::default(),
            under_way: Arc::new(Semaphore::new(most_at_once)),
            since: Mutex::default(),
        }
    }

    /// The value that is at most as old as what counts; `None` when it is not known in time.
    pub async fn get(&self, key: &K) -> Option<Arc<V>> {
        let entry = self.entry(key)?;
        if let Some(fresh) = self.fresh(&entry) {
            return Some(fresh);
        }
        let mut state = entry.0.subscribe();
        let ended = state.borrow_and_update().ended;
        self.begin(key, &entry);
        // When it is not in time, what is known already has to do.
        let _ = tokio::time::timeout(LONGEST_WAIT, state.wait_for(|state| state.ended > ended)).await;
        entry.0.borrow().younger_than(EXPIRED)
    }

    /// The value if it is fresh.
    pub fn at_hand(&self, key: &K) -> Option<Arc<V>> {
        let entry = self.entries.lock().get(key).cloned();
        self.fresh(&*entry?)
    }

    /// Has everything looked up again when it is needed next.
    pub fn forget(&self) {
        *self.since.lock() = Some(Instant::now());
    }

    fn fresh(&self, entry: &Entry<V>) -> Option<Arc<V>> {
        let since = *self.since.lock();
        let state = entry.0.borrow();
        let (_, at) = state.value.as_ref()?;
        if since.is_some_and(|since| *at <= since) { None } else { state.younger_than(FRESH) }
    }

    /// `None` when too many are being looked up to remember another one.
    fn entry(&self, key: &K) -> Option<Arc<Entry<V>>> {
        let mut entries = self.entries.lock();
        if let Some(entry) = entries.get(key) {
            return Some(entry.clone());
        }
        if entries.len() >= MOST_KEYS {
            entries.retain(|_, entry| entry.0.borrow().is_under_way || self.fresh(entry).is_some());
        }
        if entries.len() >= MOST_KEYS {
            return None;
        }
        let state = State { value: None, ended: 0, is_under_way: false };
        let entry = Arc::new(Entry(watch::Sender::new(state)));
        entries.insert(key.clone(), entry.clone());
        Some(entry)
    }

    /// Begins a look-up unless one is under way, in a task of its own: it may hang longer than its caller waits.
    fn begin(&self, key: &K, entry: &Arc<Entry<V>>) {
        let is_first = entry.0.send_if_modified(|state| !std::mem::replace(&mut state.is_under_way, true));
        if !is_first {
            return;
        }
        let (look_up, under_way) = (self.look_up.clone(), self.under_way.clone());
        let (key, entry) = (key.clone(), entry.clone());
        tokio::spawn(async move {
            let permit = under_way.acquire_owned().await;
            let began = Instant::now();
            let found = tokio::task::spawn_blocking(move || look_up(&key)).await;
            drop(permit);
            entry.0.send_modify(|state| {
                state.is_under_way = false;
                state.ended += 1;
                if let Ok(Some(value)) = found {
                    state.value = Some((Arc::new(value), began));
                }
            });
        });
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::sync::mpsc;

    use super::*;

    /// A database that counts look-ups and responds with the count.
    fn counting() -> (Known<u32, u32>, Arc<AtomicU32>) {
        let count = Arc::new(AtomicU32::new(0));
        let counted = count.clone();
        (Known::new(4, move |_| Some(counted.fetch_add(1, Ordering::Relaxed) + 1)), count)
    }

    async fn pass(seconds: u64) {
        tokio::time::advance(Duration::from_secs(seconds)).await;
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_known_is_looked_up_again_before_it_counts_no_more() {
        let (known, count) = counting();
        assert_eq!(known.at_hand(&1), None);
        assert_eq!(known.get(&1).await.as_deref(), Some(&1));
        pass(14).await;
        assert_eq!((known.get(&1).await.as_deref(), known.at_hand(&1).as_deref()), (Some(&1), Some(&1)));
        pass(2).await;
        assert_eq!((known.at_hand(&1), known.get(&1).await.as_deref()), (None, Some(&2)));
        known.forget();
        pass(1).await;
        assert_eq!(known.get(&1).await.as_deref(), Some(&3));
        assert_eq!(count.load(Ordering::Relaxed), 3);
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_response_what_is_known_counts_for_a_while() {
        let is_down = Arc::new(std::sync::atomic::AtomicBool::new(false));
        let down = is_down.clone();
        let known = Known::new(4, move |key: &u32| (!down.load(Ordering::Relaxed)).then_some(*key));
        assert_eq!(known.get(&1).await.as_deref(), Some(&1));
        is_down.store(true, Ordering::Relaxed);
        pass(30).await;
        assert_eq!(known.get(&1).await.as_deref(), Some(&1));
        pass(6).await;
        assert_eq!(known.get(&1).await, None);
    }

    #[tokio::test]
    async fn a_look_up_that_hangs_delays_only_those_who_wait_for_it() {
        let (release, released) = mpsc::channel::<()>();
        let released = std::sync::Mutex::new(released);
        let known = Arc::new(Known::new(4, move |key: &u32| {
            if *key == 7 {
                let _ = released.lock().map(|released| released.recv());
            }
            Some(*key)
        }));
        let waits = known.clone();
        let waiting = tokio::spawn(async move { waits.get(&7).await });
        let begun = std::time::Instant::now();
        for key in 10..200 {
            assert_eq!(known.get(&key).await.as_deref(), Some(&key));
        }
        assert!(begun.elapsed() < LONGEST_WAIT, "no other key waits for it");
        assert_eq!(waiting.await.expect("it ends"), None, "it is not known in time");
        assert_eq!(known.under_way.available_permits(), 3);
        drop(release);
    }

    #[tokio::test]
    async fn no_more_is_remembered_than_fits_and_no_more_hangs_than_may() {
        let (release, released) = mpsc::channel::<()>();
        let released = std::sync::Mutex::new(released);
        let known = Arc::new(Known::new(4, move |_: &u32| {
            let _ = released.lock().map(|released| released.recv());
            Some(())
        }));
        let keys = 0..2 * MOST_KEYS as u32;
        let waiting: Vec<_> = keys
            .map(|key| {
                tokio::spawn({
                    let known = known.clone();
                    async move { known.get(&key).await }
                })
            })
            .collect();
        for waiting in waiting {
            assert_eq!(waiting.await.expect("it ends"), None);
        }
        assert_eq!(known.entries.lock().len(), MOST_KEYS);
        assert_eq!(known.under_way.available_permits(), 0);
        drop(release);
    }
}
