//! Labels: texts of JSON that are merged into one, whose keys are sorted; and a bounded [`Cache`] of what was merged before.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::Arc;

use anyhow::Context;
use lru::LruCache;

use crate::engine::Result;

/// Labels by their keys, in the order of these' bytes.
pub(super) type Labels = BTreeMap<String, String>;

/// So much of a text that is no object of labels is shown.
const SHOWN: usize = 120;

/// Labels from their text; NULL has none.
///
/// # Errors
/// When it is no object of texts: shows how it begins.
pub(super) fn parse(text: Option<&str>) -> Result<Labels> {
    let Some(text) = text else { return Ok(Labels::new()) };
    serde_json::from_str(text).with_context(|| {
        let shown: String = text.chars().take(SHOWN).collect();
        let more = if shown.len() < text.len() { "..." } else { "" };
        format!("the labels {shown:?}{more} are no JSON object of texts")
    })
}

/// The one text of labels: no blanks, keys sorted.
///
/// # Errors
/// None that a map of texts can have.
pub(super) fn canonical(labels: &Labels) -> Result<String> {
    Ok(serde_json::to_string(labels)?)
}

/// Merges what is read from these texts, later labels over earlier ones.
///
/// # Errors
/// As [`parse`].
pub(super) fn merged(texts: [Option<&str>; 3]) -> Result<String> {
    let mut labels = Labels::new();
    for text in texts {
        labels.extend(parse(text)?);
    }
    canonical(&labels)
}

/// Merged labels by what they were merged of.
#[derive(Debug)]
pub(super) struct Cache {
    kept: LruCache<Box<[u8]>, Arc<str>>,
    /// Of the last look, so that one that finds something allocates nothing.
    key: Vec<u8>,
}

impl Cache {
    /// That keeps so many.
    pub(super) fn new(entries: usize) -> Self {
        Self { kept: LruCache::new(NonZeroUsize::new(entries).unwrap_or(NonZeroUsize::MIN)), key: Vec::new() }
    }

    /// The labels of a node and a namespace, by number, and those of a pod: as they were merged before, or as `make` merges them.
    ///
    /// # Errors
    /// Those of `make`.
    pub(super) fn get(
        &mut self,
        node: u32,
        namespace: u32,
        pod: Option<&str>,
        make: impl FnOnce() -> Result<String>,
    ) -> Result<Arc<str>> {
        self.key.clear();
        self.key.extend(node.to_ne_bytes());
        self.key.extend(namespace.to_ne_bytes());
        // One that is NULL is not the empty text.
        self.key.extend(pod.map(|_| 1));
        self.key.extend(pod.unwrap_or_default().as_bytes());
        if let Some(found) = self.kept.get(self.key.as_slice()) {
            return Ok(found.clone());
        }
        let merged: Arc<str> = make()?.into();
        self.kept.put(self.key.clone().into(), merged.clone());
        Ok(merged)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn merged_sorts_keys_and_takes_the_last_of_each() {
        let node = r#"{ "b": "node", "gr\u00f6\u00dfe": "\ud83d\ude80", "a\"q": "x\\y" }"#;
        let told = merged([Some(node), None, Some(r#"{"b":"pod","Z":""}"#)]).unwrap();
        assert_eq!(told, r#"{"Z":"","a\"q":"x\\y","b":"pod","größe":"🚀"}"#);
        assert_eq!(merged([None, None, Some("{}")]).unwrap(), "{}");
    }

    #[test]
    fn parse_refuses_what_is_no_object_of_texts() {
        for text in ["", "{", "[]", "null", r#"{"a":1}"#, r#"{"a":null}"#, r#"{"a":"b"} x"#, r#"{"a":"\ud83d"}"#] {
            let error = format!("{:#}", parse(Some(text)).unwrap_err());
            assert!(error.contains("no JSON object of texts"), "{text}: {error}");
        }
        let long = format!("{}{}", "ä".repeat(200), '"');
        assert!(parse(Some(&long)).unwrap_err().to_string().len() < 400);
    }

    #[test]
    fn cache_makes_each_once_while_it_is_kept_and_keeps_so_many() {
        let mut cache = Cache::new(2);
        let mut made = 0;
        let mut get = |node, pod: Option<&str>| {
            let text = cache.get(node, 0, pod, || {
                made += 1;
                Ok(format!("{node} {pod:?}"))
            });
            (text.unwrap().to_string(), made)
        };
        assert_eq!(get(1, None), ("1 None".to_owned(), 1));
        assert_eq!(get(1, Some("")), ("1 Some(\"\")".to_owned(), 2));
        assert_eq!(get(1, None).1, 2);
        assert_eq!(get(2, None).1, 3);
        // The least recently used one has gone.
        assert_eq!((get(1, None).1, get(1, Some("")).1), (3, 4));
    }
}
