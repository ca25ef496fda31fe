//! How many questions a history is asked at a time: [`Turns`].

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Questions at a time.
const AT_A_TIME: usize = 3;

/// Questions that are asked at the same time; the others wait, since all of them share DuckDB's memory and threads.
#[derive(Debug, Default)]
pub struct Turns {
    taken: Mutex<Taken>,
    freed: Condvar,
}

#[derive(Debug, Default)]
struct Taken {
    now: usize,
    /// Those that wait to be alone; nobody new begins before them.
    waiting: usize,
}

/// One of them, or all, until it is dropped.
pub struct Turn<'a> {
    turns: &'a Turns,
    many: usize,
}

impl Turns {
    /// Waits for one.
    pub fn take(&self) -> Turn<'_> {
        let free = |taken: &mut Taken| taken.waiting == 0 && taken.now < AT_A_TIME;
        self.when(self.lock(), free, 1)
    }

    /// Waits until nobody else asks, and lets nobody else ask.
    pub fn take_all(&self) -> Turn<'_> {
        let mut taken = self.lock();
        taken.waiting += 1;
        let turn = self.when(taken, |taken| taken.now == 0, AT_A_TIME);
        self.lock().waiting -= 1;
        turn
    }

    fn when<'a>(&'a self, taken: MutexGuard<'_, Taken>, is_free: impl Fn(&mut Taken) -> bool, many: usize) -> Turn<'a> {
        let freed = self.freed.wait_while(taken, |taken| !is_free(taken));
        freed.unwrap_or_else(PoisonError::into_inner).now += many;
        Turn { turns: self, many }
    }

    fn lock(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.turns.lock().now -= self.many;
        self.turns.freed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::thread::{scope, sleep};
    use std::time::Duration;

    use super::*;

    #[test]
    fn one_that_wants_to_be_alone_is_alone_and_gets_its_turn_among_many() {
        let (turns, now, alone) = (Turns::default(), AtomicUsize::new(0), AtomicUsize::new(0));
        scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..50 {
                        let _turn = turns.take();
                        assert!(now.fetch_add(1, Ordering::SeqCst) < AT_A_TIME);
                        sleep(Duration::from_micros(200));
                        now.fetch_sub(1, Ordering::SeqCst);
                    }
                });
            }
            for _ in 0..2 {
                scope.spawn(|| {
                    for _ in 0..10 {
                        let _turn = turns.take_all();
                        assert_eq!(now.fetch_add(1, Ordering::SeqCst), 0);
                        sleep(Duration::from_micros(200));
                        now.fetch_sub(1, Ordering::SeqCst);
                        alone.fetch_add(1, Ordering::SeqCst);
                    }
                });
            }
        });
        let Taken { now, waiting } = *turns.lock();
        assert_eq!((alone.into_inner(), now, waiting), (20, 0, 0));
    }
}
