//! A queue of what is read, such as row groups, in its order, each for the worker that asks first: [`Ahead`].

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use super::Coming;

/// Units of work of which some are begun before they are asked for.
pub struct Ahead<U, F> {
    number: usize,
    fetch: F,
    queue: Mutex<Queue<U>>,
}

struct Queue<U> {
    begun: VecDeque<(U, Coming)>,
    rest: std::vec::IntoIter<U>,
}

impl<U, F: Fn(&U) -> Coming> Ahead<U, F> {
    /// Begins to `fetch` so many of the units; with none, each is begun when it is asked for.
    pub fn new(units: Vec<U>, number: usize, fetch: F) -> Self {
        let mut queue = Queue { begun: VecDeque::new(), rest: units.into_iter() };
        queue.begin(number, &fetch);
        Self { number, fetch, queue: Mutex::new(queue) }
    }

    /// The next unit, and what waits for its bytes; none after the last.
    pub fn next(&self) -> Option<(U, Coming)> {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        queue.begin(self.number + 1, &self.fetch);
        queue.begun.pop_front()
    }
}

impl<U> Queue<U> {
    /// Has so many units begun, as far as there are any.
    fn begin(&mut self, number: usize, fetch: impl Fn(&U) -> Coming) {
        while self.begun.len() < number
            && let Some(unit) = self.rest.next()
        {
            let coming = fetch(&unit);
            self.begun.push_back((unit, coming));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use anyhow::anyhow;

    use super::*;

    #[test]
    fn units_come_in_their_order_and_so_many_are_begun_ahead() {
        for number in [0, 2, 9] {
            let begun = RefCell::new(Vec::new());
            let fetch = |unit: &usize| -> Coming {
                begun.borrow_mut().push(*unit);
                Box::new(|| Err(anyhow!("no bytes")))
            };
            let ahead = Ahead::new((0..5).collect(), number, fetch);
            assert_eq!(begun.borrow().len(), number.min(5));
            for unit in 0..5 {
                let (next, coming) = ahead.next().unwrap();
                assert!(next == unit && coming().is_err());
                assert_eq!(*begun.borrow(), (0..(unit + number + 1).min(5)).collect::<Vec<_>>());
            }
            assert!(ahead.next().is_none());
        }
    }
}
