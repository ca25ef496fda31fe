//! Sets of join keys: a bitmap where the keys lie close together, a hash table where they do not.
//!
//! The keys of a set are numbered, so that what belongs to a key is an element of a plain vector.

use std::collections::HashMap;

use anyhow::ensure;

use super::chunk::Chunk;
use super::physical::Long;
use super::rows::Rows;
use crate::engine::Result;

/// A set of keys, each with its number: 0 for the first up to one less than there are.
#[derive(Debug)]
pub enum Keys {
    /// A bit for every number between the first key and the last.
    Dense {
        /// The first key.
        first: i64,
        /// The bits, and how many keys come before each 64 of them.
        words: Vec<(u64, u32)>,
        /// Keys.
        len: usize,
    },
    /// For keys that are far apart.
    Sparse(HashMap<i64, u32>),
}

/// A bitmap may always be as large as this; at 2 MiB of bits and as much of counts it fits a core's second-level cache.
const SMALL_SPAN: u64 = 1 << 24;

/// For a larger one every key pays so many bits.
const BITS_OF_A_KEY: u64 = 512;

impl Keys {
    /// Numbers the different ones among these keys.
    ///
    /// # Errors
    /// When they are more than 32 bits can count.
    pub fn new(keys: impl Iterator<Item = i64> + Clone) -> Result<Self> {
        let (first, last, count) = keys
            .clone()
            .fold((i64::MAX, i64::MIN, 0_u64), |(first, last, count), key| (first.min(key), last.max(key), count + 1));
        ensure!(u32::try_from(count).is_ok(), "{count} keys cannot be numbered in 32 bits");
        // One less than the numbers from the first to the last, as those can be 2^64.
        let span = if count == 0 { 0 } else { last.abs_diff(first) };
        if span < SMALL_SPAN.max(count.saturating_mul(BITS_OF_A_KEY)) {
            let mut words = vec![(0_u64, 0_u32); usize::try_from(span / 64)? + 1];
            for key in keys {
                let bit = key.abs_diff(first);
                words[usize::try_from(bit / 64)?].0 |= 1 << (bit % 64);
            }
            let mut len = 0;
            for (bits, before) in &mut words {
                *before = len;
                len += bits.count_ones();
            }
            Ok(Self::Dense { first, words, len: len as usize })
        } else {
            let mut numbers = HashMap::new();
            for key in keys {
                let next = u32::try_from(numbers.len())?;
                numbers.entry(key).or_insert(next);
            }
            Ok(Self::Sparse(numbers))
        }
    }

    /// As [`new`](Self::new) for the keys of rows that have one of their own each, so that a row can be had by the
    /// number of its key.
    ///
    /// # Errors
    /// When two rows have the same key: the plans would join one of them only.
    pub fn primary(keys: impl Iterator<Item = i64> + Clone, column: &str) -> Result<Self> {
        let count = keys.clone().count();
        let set = Self::new(keys)?;
        ensure!(set.len() == count, "{column} is a primary key, but of {count} rows only {} differ in it", set.len());
        Ok(set)
    }

    /// Those of the rows whose key is in the set.
    ///
    /// # Errors
    /// When the column is not what the format says.
    pub fn semi_join(&self, column: &Chunk<Long>, rows: &Rows<'_>) -> Result<Vec<u32>> {
        column.filter(rows, |key| self.contains(key))
    }

    /// The numbers of the keys of rows that are all in the set.
    ///
    /// # Errors
    /// As [`semi_join`](Self::semi_join).
    pub fn numbers(&self, column: &Chunk<Long>, rows: &Rows<'_>) -> Result<Vec<usize>> {
        column.map(rows, |key| self.find(key).unwrap_or_default())
    }

    /// What belongs to the keys, each at its key's number; of several that belong to one key, the last.
    pub fn arrange<T: Clone + Default>(&self, rows: impl IntoIterator<Item = (i64, T)>) -> Vec<T> {
        let mut arranged = vec![T::default(); self.len()];
        for (key, value) in rows {
            if let Some(number) = self.find(key) {
                arranged[number] = value;
            }
        }
        arranged
    }

    /// How many keys there are.
    pub fn len(&self) -> usize {
        match self {
            Self::Dense { len, .. } => *len,
            Self::Sparse(numbers) => numbers.len(),
        }
    }

    /// Whether the key is in the set.
    pub fn contains(&self, key: i64) -> bool {
        match self {
            Self::Dense { first, words, .. } => {
                let bit = key.wrapping_sub(*first).cast_unsigned();
                word(words, bit).is_some_and(|(bits, _)| bits >> (bit % 64) & 1 == 1)
            }
            Self::Sparse(numbers) => numbers.contains_key(&key),
        }
    }

    /// The key's number; `None` where it is not in the set.
    pub fn find(&self, key: i64) -> Option<usize> {
        match self {
            Self::Dense { first, words, .. } => {
                // A key before the first wraps around to far behind the last.
                let bit = key.wrapping_sub(*first).cast_unsigned();
                let (bits, before) = word(words, bit)?;
                let below = bits & ((1 << (bit % 64)) - 1);
                (bits >> (bit % 64) & 1 == 1).then(|| (before + below.count_ones()) as usize)
            }
            Self::Sparse(numbers) => numbers.get(&key).map(|number| *number as usize),
        }
    }
}

fn word(words: &[(u64, u32)], bit: u64) -> Option<(u64, u32)> {
    words.get(usize::try_from(bit / 64).ok()?).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(keys: &[i64], dense: bool) {
        let set = Keys::new(keys.iter().copied()).unwrap();
        assert_eq!(matches!(set, Keys::Dense { .. }), dense);
        let mut numbers: Vec<_> = keys.iter().map(|key| set.find(*key).unwrap()).collect();
        numbers.sort_unstable();
        numbers.dedup();
        assert_eq!(numbers, (0..set.len()).collect::<Vec<_>>());
        for key in keys.iter().flat_map(|key| [key.wrapping_sub(1), *key, key.wrapping_add(1), key.wrapping_add(64)]) {
            assert_eq!(set.contains(key), keys.contains(&key), "{key}");
            assert_eq!(set.find(key).is_some(), keys.contains(&key), "{key}");
        }
    }

    #[test]
    fn keys_are_found_wherever_they_lie() {
        check(&[], true);
        check(&[7], true);
        check(&[i64::MIN], true);
        check(&[i64::MAX], true);
        check(&[5, 3, 200, 5, 64, 127, 128], true);
        check(&[-70, -1, 0, 63, 1 << 23], true);
        check(&[1, 1 << 40], false);
        check(&[i64::MIN, 0, i64::MAX, 0], false);
    }

    #[test]
    fn values_are_arranged_by_the_numbers_of_their_keys() {
        for far in [1, 1 << 50] {
            let set = Keys::new([5, far].into_iter()).unwrap();
            let values = set.arrange([(far, "far"), (5, "first"), (5, "five"), (7, "seven")]);
            assert_eq!(values.len(), 2);
            assert_eq!((values[set.find(5).unwrap()], values[set.find(far).unwrap()]), ("five", "far"));
        }
    }

    #[test]
    fn a_primary_key_is_there_once() {
        assert_eq!(Keys::primary([3, 1, 2].into_iter(), "k").unwrap().len(), 3);
        assert!(Keys::primary([3, 1, 3].into_iter(), "k").unwrap_err().to_string().contains("primary"));
    }
}
