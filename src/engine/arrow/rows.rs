//! Which rows of a row group are wanted: a range, or a list in rising order.

use std::ops::Range;

/// Rows by their place in the row group, rising.
#[derive(Debug, Clone)]
pub enum Rows<'a> {
    /// All from here to there.
    Range(Range<u32>),
    /// These alone.
    Some(&'a [u32]),
}

impl<'a> From<&'a Vec<u32>> for Rows<'a> {
    fn from(rows: &'a Vec<u32>) -> Self {
        Self::Some(rows)
    }
}

impl Rows<'_> {
    /// How many.
    pub fn len(&self) -> usize {
        match self {
            Self::Range(rows) => rows.len(),
            Self::Some(rows) => rows.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The first, if any.
    pub fn first(&self) -> Option<u32> {
        match self {
            Self::Range(rows) => (!rows.is_empty()).then_some(rows.start),
            Self::Some(rows) => rows.first().copied(),
        }
    }

    /// One after the other.
    pub fn iter(&self) -> impl Iterator<Item = u32> {
        let (range, some) = match self {
            Self::Range(rows) => (rows.clone(), &[][..]),
            Self::Some(rows) => (0..0, *rows),
        };
        range.chain(some.iter().copied())
    }

    /// Takes those before row `end` away and gives them.
    pub fn take_before(&mut self, end: u32) -> Self {
        let count = match self {
            Self::Range(rows) => (end.clamp(rows.start, rows.end.max(rows.start)) - rows.start) as usize,
            // A few at a time are taken from many: looking from the front is nearer than halving.
            Self::Some(rows) => {
                let mut bound = 16;
                while rows.get(bound).is_some_and(|row| *row < end) {
                    bound *= 2;
                }
                rows[..rows.len().min(bound)].partition_point(|row| *row < end)
            }
        };
        self.take(count)
    }

    /// Takes the first `count` away, or all, and gives them.
    pub fn take(&mut self, count: usize) -> Self {
        let count = count.min(self.len());
        match self {
            Self::Range(rows) => {
                // Not more than the rows, which are counted in 32 bits.
                let middle = rows.start + u32::try_from(count).unwrap_or(u32::MAX);
                let taken = rows.start..middle;
                rows.start = middle;
                Self::Range(taken)
            }
            Self::Some(rows) => {
                let (taken, left) = rows.split_at(count);
                *rows = left;
                Self::Some(taken)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_taken_from_the_front() {
        let list: Vec<u32> = (0..100).map(|row| row * 3).collect();
        let (mut some, mut range) = (Rows::from(&list), Rows::Range(0..300));
        for end in [0, 1, 4, 4, 100, 299, 1000] {
            let taken: Vec<u32> = some.take_before(end).iter().collect();
            let of_range: Vec<u32> = range.take_before(end).iter().filter(|row| row % 3 == 0).collect();
            assert_eq!(taken, of_range, "{end}");
        }
        assert!(some.is_empty() && range.is_empty());
    }

    #[test]
    fn no_more_are_taken_than_there_are() {
        let mut rows = Rows::Range(5..7);
        assert_eq!(rows.take(9).len(), 2);
        assert_eq!(rows.first(), None);
        assert_eq!(rows.take_before(9).len(), 0);
    }
}
