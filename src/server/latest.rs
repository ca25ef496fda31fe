//! A value that takes long to make, given as it was made last: [`Latest`].

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Result;

/// One value, of which there is a newer one with each change of the history.
#[derive(Debug)]
pub(super) struct Latest<T> {
    made: Mutex<Option<Made<T>>>,
    /// One makes it at a time; the others take what that gives.
    making: Mutex<()>,
}

#[derive(Debug)]
struct Made<T> {
    value: Arc<T>,
    version: u64,
    at: Instant,
    /// Since when it is known that the history has changed.
    old_since: Option<Instant>,
}

impl<T> Default for Latest<T> {
    fn default() -> Self {
        Self { made: Mutex::default(), making: Mutex::default() }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<T> Latest<T> {
    /// As it was made last, of whatever version; none before the first.
    pub(super) fn get(&self) -> Option<Arc<T>> {
        lock(&self.made).as_ref().map(|made| Arc::clone(&made.value))
    }

    /// The same, unless it has been old for longer than this.
    pub(super) fn within(&self, bound: Duration) -> Option<Arc<T>> {
        let made = lock(&self.made);
        let made = made.as_ref().filter(|made| made.old_since.is_none_or(|since| since.elapsed() < bound));
        made.map(|made| Arc::clone(&made.value))
    }

    /// Of which version of the history it is; 0 before the first.
    pub(super) fn version(&self) -> u64 {
        lock(&self.made).as_ref().map_or(0, |made| made.version)
    }

    /// How long ago it was made.
    pub(super) fn age(&self) -> Option<Duration> {
        lock(&self.made).as_ref().map(|made| made.at.elapsed())
    }

    /// Takes note that the history is of this version now.
    pub(super) fn notice(&self, version: u64) {
        if let Some(made) = lock(&self.made).as_mut().filter(|made| made.version != version) {
            made.old_since.get_or_insert_with(Instant::now);
        }
    }

    /// Makes it of the history's version, unless somebody just has.
    ///
    /// # Errors
    /// When it cannot be made; what was made before stays.
    pub(super) fn renew(&self, version: impl Fn() -> u64, make: impl FnOnce() -> Result<T>) -> Result<Arc<T>> {
        let _turn = lock(&self.making);
        // Before it is made: what comes in meanwhile may be in it or not.
        let version = version();
        if let Some(made) = lock(&self.made).as_ref().filter(|made| made.version == version) {
            return Ok(Arc::clone(&made.value));
        }
        let value = Arc::new(make()?);
        let newest = Made { value: Arc::clone(&value), version, at: Instant::now(), old_since: None };
        *lock(&self.made) = Some(newest);
        Ok(value)
    }
}
