//! What was made for those who asked, kept until the history changes, and a little longer: [`Cached`]. What has become old is given all
//! the same while the new one is made beside (`renew`), so that a result that is handed in costs no reader a wait. How
//! old it may be has a bound.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// What something was made of: the version of the history, and of what else it shows.
pub(super) type Stamp = (u64, u64);

/// How long anything may be given after it has become old.
pub(super) const BOUND: Duration = Duration::from_secs(30);
/// How long something is made anew after somebody has asked for it.
pub(super) const WATCHED: Duration = Duration::from_mins(5);

/// What is kept, by its key, with the question that it answers.
#[derive(Debug)]
pub(super) struct Cached<Q, T> {
    kept: Mutex<Kept<Q, T>>,
    most_bytes: usize,
    bound: Duration,
    watched: Duration,
}

#[derive(Debug)]
struct Kept<Q, T> {
    entries: HashMap<String, Entry<Q, T>>,
    bytes: usize,
}

#[derive(Debug)]
struct Entry<Q, T> {
    question: Q,
    value: Arc<T>,
    bytes: usize,
    stamp: Stamp,
    old_since: Option<Instant>,
    used: Instant,
}

impl<Q: Clone, T> Cached<Q, T> {
    /// Of values that have so many bytes at most together.
    pub(super) fn new(most_bytes: usize) -> Self {
        Self::bounded(most_bytes, BOUND, WATCHED)
    }

    fn bounded(most_bytes: usize, bound: Duration, watched: Duration) -> Self {
        let kept = Kept { entries: HashMap::new(), bytes: 0 };
        Self { kept: Mutex::new(kept), most_bytes, bound, watched }
    }

    fn kept(&self) -> MutexGuard<'_, Kept<Q, T>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was made for a key; none where there is nothing, or it is too old.
    pub(super) fn get(&self, key: &str) -> Option<Arc<T>> {
        let mut kept = self.kept();
        let entry = kept.entries.get_mut(key)?;
        entry.used = Instant::now();
        let is_good = entry.old_since.is_none_or(|since| since.elapsed() < self.bound);
        is_good.then(|| Arc::clone(&entry.value))
    }

    /// Keeps what was made. Where it is too much, what nobody has asked for longest goes.
    pub(super) fn keep(&self, key: String, question: Q, (stamp, value, bytes): (Stamp, T, usize)) -> Arc<T> {
        let value = Arc::new(value);
        let mut kept = self.kept();
        // Making it anew is no asking for it.
        let used = kept.entries.get(&key).map_or_else(Instant::now, |entry| entry.used);
        kept.forget(&key);
        let entry = Entry { question, value: Arc::clone(&value), bytes, stamp, old_since: None, used };
        kept.bytes += bytes;
        kept.entries.insert(key, entry);
        while kept.bytes > self.most_bytes {
            let oldest = kept.entries.iter().min_by_key(|(_, entry)| entry.used).map(|(key, _)| key.clone());
            let Some(oldest) = oldest else { break };
            kept.forget(&oldest);
        }
        value
    }

    /// Forgets what was made for a key.
    pub(super) fn forget(&self, key: &str) {
        self.kept().forget(key);
    }

    /// Whether anybody has asked for anything lately.
    pub(super) fn is_watched(&self) -> bool {
        self.kept().entries.values().any(|entry| entry.used.elapsed() < self.watched)
    }

    /// What is old and somebody has asked for lately, that which was asked for last first. What is old and nobody asks for is forgotten
    /// after a while. `now` is of what an answer would be made.
    pub(super) fn due(&self, now: impl Fn(&Q) -> Stamp) -> Vec<(String, Q)> {
        let mut kept = self.kept();
        let mut due = Vec::new();
        let mut over = Vec::new();
        for (key, entry) in &mut kept.entries {
            if entry.stamp == now(&entry.question) {
                continue;
            }
            let since = *entry.old_since.get_or_insert_with(Instant::now);
            if entry.used.elapsed() < self.watched {
                due.push((entry.used, key.clone(), entry.question.clone()));
            } else if since.elapsed() >= self.bound {
                over.push(key.clone());
            }
        }
        for key in &over {
            kept.forget(key);
        }
        due.sort_by_key(|(used, ..)| Reverse(*used));
        due.into_iter().map(|(_, key, question)| (key, question)).collect()
    }
}

impl<Q, T> Kept<Q, T> {
    fn forget(&mut self, key: &str) {
        if let Some(gone) = self.entries.remove(key) {
            self.bytes -= gone.bytes;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_hours(1);

    fn keep(cached: &Cached<u8, &'static str>, key: &str, version: u64, value: &'static str) {
        cached.keep(key.to_owned(), 0, ((version, 0), value, 10));
    }

    fn keys(due: &[(String, u8)]) -> Vec<&str> {
        due.iter().map(|(key, _)| key.as_str()).collect()
    }

    #[test]
    fn get_gives_what_is_old_until_its_bound() {
        let cached = Cached::bounded(100, LONG, LONG);
        keep(&cached, "a", 1, "one");
        assert!(cached.due(|_| (1, 0)).is_empty());
        assert_eq!(keys(&cached.due(|_| (2, 0))), ["a"]);
        assert_eq!(cached.get("a").as_deref(), Some(&"one"));
        keep(&cached, "a", 2, "two");
        assert_eq!(cached.get("a").as_deref(), Some(&"two"));
        assert!(cached.due(|_| (2, 0)).is_empty());
        let strict = Cached::bounded(100, Duration::ZERO, LONG);
        keep(&strict, "a", 1, "one");
        assert_eq!(strict.get("a").as_deref(), Some(&"one"));
        strict.due(|_| (2, 0));
        assert_eq!(strict.get("a"), None);
    }

    #[test]
    fn keep_forgets_what_nobody_asked_for_longest() {
        let cached = Cached::bounded(25, LONG, LONG);
        keep(&cached, "a", 1, "a");
        keep(&cached, "b", 1, "b");
        assert!(cached.get("a").is_some());
        keep(&cached, "c", 1, "c");
        assert_eq!(
            [cached.get("a"), cached.get("b"), cached.get("c")].map(|value| value.is_some()),
            [true, false, true]
        );
        // The same key again takes no more room.
        keep(&cached, "c", 2, "c");
        keep(&cached, "c", 3, "c");
        assert_eq!([cached.get("a"), cached.get("c")].map(|value| value.is_some()), [true, true]);
    }

    #[test]
    fn due_names_the_last_asked_for_first_and_forgets_what_nobody_asks_for() {
        let cached = Cached::bounded(100, LONG, LONG);
        keep(&cached, "a", 1, "a");
        keep(&cached, "b", 1, "b");
        cached.get("a");
        assert_eq!(keys(&cached.due(|_| (2, 0))), ["a", "b"]);
        let unwatched = Cached::bounded(100, Duration::ZERO, Duration::ZERO);
        keep(&unwatched, "a", 1, "a");
        assert!(unwatched.due(|_| (2, 0)).is_empty());
        let kept = unwatched.kept();
        assert!(kept.entries.is_empty() && kept.bytes == 0);
    }
}
