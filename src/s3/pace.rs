//! How fast bytes may pass: a [`Pace`] for one connection, or for all of them.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::protocol::units::Bytes;

/// What may be made up for: a timer wakes up to a millisecond late, which must not make the whole slower.
const LATE: Duration = Duration::from_millis(2);

/// A line that carries so many bytes a second.
pub(super) struct Pace {
    bytes_a_second: u64,
    /// When what was sent so far has arrived.
    until: Mutex<Instant>,
}

impl Pace {
    pub(super) fn new(Bytes(bytes_a_second): Bytes) -> Self {
        Self { bytes_a_second: bytes_a_second.max(1), until: Mutex::new(Instant::now()) }
    }

    /// When so many bytes that are sent `now` have arrived.
    pub(super) fn sent(&self, bytes: u64, now: Instant) -> Instant {
        #[expect(clippy::cast_precision_loss, reason = "the size of a frame and a rate, far below 2^53")]
        let takes = Duration::from_secs_f64(bytes as f64 / self.bytes_a_second as f64);
        let mut until = self.until.lock().unwrap_or_else(PoisonError::into_inner);
        *until = (*until).max(now.checked_sub(LATE).unwrap_or(now)) + takes;
        *until
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sent_takes_as_long_as_the_rate_says_and_keeps_no_credit() {
        let pace = Pace::new(Bytes(1_000_000));
        let start = Instant::now();
        let ms = |at: Instant| at.saturating_duration_since(start).as_millis();
        assert!((8..=10).contains(&ms(pace.sent(10_000, start))));
        assert!((18..=20).contains(&ms(pace.sent(10_000, start))));
        // After a pause it begins anew.
        let later = start + Duration::from_secs(1);
        assert!((1008..=1010).contains(&ms(pace.sent(10_000, later))));
    }
}
