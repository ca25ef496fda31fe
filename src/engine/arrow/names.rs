//! Numbers for texts, the same in all row groups, where dictionary codes are each row group's own.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Texts of few different values, numbered in the order in which they came.
#[derive(Debug, Default)]
pub struct Names(Mutex<HashMap<Vec<u8>, u32>>);

impl Names {
    /// The text's number.
    pub fn number(&self, text: &[u8]) -> u32 {
        let mut texts = self.lock();
        if let Some(number) = texts.get(text) {
            return *number;
        }
        // A row group has no more rows than this counts; a table would need 2^32 different texts.
        let next = u32::try_from(texts.len()).unwrap_or(u32::MAX);
        texts.insert(text.to_vec(), next);
        next
    }

    /// The texts, each at its number.
    pub fn texts(&self) -> Vec<Vec<u8>> {
        let mut texts: Vec<_> = self.lock().iter().map(|(text, number)| (*number, text.clone())).collect();
        texts.sort_unstable();
        texts.into_iter().map(|(_, text)| text).collect()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Vec<u8>, u32>> {
        // A text is either in the table or not, whoever panicked.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_has_one_number() {
        let names = Names::default();
        assert_eq!([&b"a"[..], b"b", b"a", b""].map(|text| names.number(text)), [0, 1, 0, 2]);
        assert_eq!(names.texts(), [&b"a"[..], b"b", b""]);
    }
}
