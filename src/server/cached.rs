//! What takes long to make, kept until the history changes: [`Cached`]. What is old is given at once and made anew beside, so that nobody
//! waits while a bench hands in results.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;

/// Values by their keys, at most so many.
#[derive(Debug)]
pub(super) struct Cached<T> {
    entries: Mutex<HashMap<String, Entry<T>>>,
    most: usize,
    /// How long a value is good enough after the history has changed.
    pause: Duration,
    /// How many are being made anew.
    under_way: Arc<AtomicUsize>,
}

/// Values that are made anew at a time: the machine may have a benchmark to run.
const AT_A_TIME: usize = 1;

#[derive(Debug)]
struct Entry<T> {
    value: Arc<T>,
    version: u64,
    made: Instant,
    used: Instant,
    is_being_made: bool,
}

struct Turn(Arc<AtomicUsize>);

impl Drop for Turn {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

impl<T: Send + Sync + 'static> Cached<T> {
    pub(super) fn new(most: usize, pause: Duration) -> Self {
        Self { entries: Mutex::default(), most, pause, under_way: Arc::default() }
    }

    fn entries(&self) -> MutexGuard<'_, HashMap<String, Entry<T>>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The value of a key, of this version of the history or, while that is made, of the one before.
    ///
    /// # Errors
    /// When there is none, and it cannot be made.
    pub(super) fn get(
        self: &Arc<Self>,
        key: &str,
        version: u64,
        make: impl FnOnce() -> Result<T> + Send + 'static,
    ) -> Result<Arc<T>> {
        {
            let mut entries = self.entries();
            if let Some(entry) = entries.get_mut(key) {
                entry.used = Instant::now();
                let is_due = entry.version != version && entry.made.elapsed() >= self.pause && !entry.is_being_made;
                if is_due && self.under_way.fetch_add(1, Ordering::AcqRel) >= AT_A_TIME {
                    // The next who asks has it made.
                    self.under_way.fetch_sub(1, Ordering::AcqRel);
                } else if is_due {
                    entry.is_being_made = true;
                    let (this, key) = (Arc::clone(self), key.to_owned());
                    thread::spawn(move || {
                        // It goes down however making ends.
                        let _turn = Turn(Arc::clone(&this.under_way));
                        match make() {
                            Ok(value) => drop(this.keep(&key, version, value)),
                            Err(error) => {
                                log::warn!("cannot be made anew: {error:#}");
                                // Asked again after a pause.
                                if let Some(entry) = this.entries().get_mut(&key) {
                                    (entry.is_being_made, entry.made) = (false, Instant::now());
                                }
                            }
                        }
                    });
                }
                return Ok(Arc::clone(&entry.value));
            }
        }
        Ok(self.keep(key, version, make()?))
    }

    fn keep(&self, key: &str, version: u64, value: T) -> Arc<T> {
        let (value, now) = (Arc::new(value), Instant::now());
        let entry = Entry { value: Arc::clone(&value), version, made: now, used: now, is_being_made: false };
        let mut entries = self.entries();
        entries.insert(key.to_owned(), entry);
        while entries.len() > self.most {
            let oldest = entries.iter().min_by_key(|(_, entry)| entry.used).map(|(key, _)| key.clone());
            oldest.map(|key| entries.remove(&key));
        }
        value
    }
}
