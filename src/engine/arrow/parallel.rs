//! Work shared out over threads, an item at a time.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use anyhow::anyhow;

use crate::engine::Result;

/// Folds every item into one state for each thread; exactly `threads` work, the caller's among them, unless there are
/// fewer items. Which items meet in a state is up to chance.
///
/// # Errors
/// When `step` fails: the first error in the order of the threads.
pub fn fold<S: Default + Send, I: Sync>(
    threads: usize,
    items: &[I],
    step: impl Fn(&mut S, &I) -> Result<()> + Sync,
) -> Result<Vec<S>> {
    let next = AtomicUsize::new(0);
    let work = || {
        let mut state = S::default();
        while let Some(item) = items.get(next.fetch_add(1, Ordering::Relaxed)) {
            let done = step(&mut state, item);
            if done.is_err() {
                // One failure is the query's: the other threads need not go on.
                next.store(items.len(), Ordering::Relaxed);
            }
            done?;
        }
        Ok(state)
    };
    thread::scope(|scope| {
        let helpers = threads.min(items.len()).saturating_sub(1);
        let helpers: Vec<_> = (0..helpers).map(|_| scope.spawn(work)).collect();
        let mine = work();
        let theirs = helpers
            .into_iter()
            .map(|helper| helper.join().unwrap_or_else(|_| Err(anyhow!("a thread of the plan panicked"))));
        // Every helper is joined before the first error is given: a scope panics over one that was not.
        let states: Vec<Result<S>> = theirs.chain([mine]).collect();
        states.into_iter().collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_item_is_worked_on_once_whatever_the_threads() {
        let items: Vec<u32> = (0..100).collect();
        for threads in 1..=4 {
            let states = fold(threads, &items, |seen: &mut Vec<u32>, item| {
                seen.push(*item);
                Ok(())
            });
            let states = states.unwrap();
            assert_eq!(states.len(), threads);
            let mut seen = states.concat();
            seen.sort_unstable();
            assert_eq!(seen, items);
        }
    }

    #[test]
    fn a_failure_is_given() {
        let failed = fold(2, &[1, 2, 3], |(): &mut (), item| Err(anyhow!("on purpose {item}")));
        assert!(failed.unwrap_err().to_string().starts_with("on purpose"));
    }
}
