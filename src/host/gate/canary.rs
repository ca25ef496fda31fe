//! Loops of ours that no change can touch: one bound by the processor, one by memory. Where they move, the machine did.

use std::cell::Cell;
use std::hint::black_box;
use std::time::Instant;

use crate::host::stats::Random;

/// Numbers that the loop of the processor mixes: some 20 ms.
const MIXED: usize = 20_000_000;
/// Places that the loop of memory visits, some 250,000 in 50 ms, one telling the next, in 128 MiB: more than a cache holds. A loop goes
/// on where the last one stopped, since what that one visited may be in a cache.
const PLACES: usize = 128 << 20 >> 3;
const VISITED: usize = 250_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Canary {
    Processor,
    Memory,
}

pub(super) const CANARIES: [Canary; 2] = [Canary::Processor, Canary::Memory];

impl Canary {
    /// As rows are named.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Processor => "canary processor",
            Self::Memory => "canary memory",
        }
    }
}

/// What the canaries run over.
pub(super) struct CanaryState {
    /// Each place holds the next one: a single way through all of them.
    places: Vec<usize>,
    /// Where the next loop begins.
    place: Cell<usize>,
}

impl CanaryState {
    pub(super) fn new() -> Self {
        let mut places: Vec<usize> = (0..PLACES).collect();
        let mut random = Random::new(7);
        // Sattolo's shuffle makes one cycle of all.
        for last in (1..PLACES).rev() {
            places.swap(last, random.below(last));
        }
        Self { places, place: Cell::new(0) }
    }

    /// How long a canary takes now, in nanoseconds.
    pub(super) fn time(&self, canary: Canary) -> u64 {
        let start = Instant::now();
        match canary {
            Canary::Processor => {
                let mut random = Random::new(black_box(1));
                black_box((0..MIXED).fold(0_usize, |sum, _| sum ^ random.below(1 << 20)));
            }
            Canary::Memory => {
                self.place.set((0..VISITED).fold(self.place.get(), |place, _| self.places[place]));
            }
        }
        u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_one_way_through_all_places() {
        let state = CanaryState::new();
        let (mut place, mut steps) = (state.places[0], 1);
        while place != 0 {
            place = state.places[place];
            steps += 1;
        }
        assert_eq!(steps, PLACES);
        for canary in CANARIES {
            assert!(state.time(canary) > 0, "{}", canary.name());
        }
    }
}
