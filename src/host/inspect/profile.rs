//! Profiles as the dhat crate and Valgrind's DHAT write them: where in the program bytes were allocated.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::protocol::observe::Heap;

/// A place in the program and what was allocated there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Site {
    /// The function nearest to the allocation that is no allocator and no container of the standard library.
    pub function: String,
    /// Bytes, freed ones included.
    pub total_bytes: u64,
    /// Blocks.
    pub total_blocks: u64,
}

#[derive(Debug, Deserialize)]
pub(super) struct Profile {
    #[serde(rename = "pps")]
    points: Vec<Point>,
    #[serde(rename = "ftbl")]
    frames: Vec<String>,
}

/// A stack from which was allocated; in both formats the names are dhat's own.
#[derive(Debug, Deserialize)]
struct Point {
    #[serde(rename = "tb")]
    total_bytes: u64,
    #[serde(rename = "tbk")]
    total_blocks: u64,
    #[serde(rename = "gb")]
    peak_bytes: u64,
    #[serde(rename = "gbk")]
    peak_blocks: u64,
    #[serde(rename = "fs")]
    stack: Vec<usize>,
}

impl Profile {
    pub(super) fn read(path: &Path) -> Result<Self> {
        let context = || format!("cannot read the profile {}", path.display());
        serde_json::from_slice(&fs::read(path).with_context(context)?).with_context(context)
    }

    pub(super) fn heap(&self) -> Heap {
        let sum = |part: fn(&Point) -> u64| self.points.iter().map(part).sum();
        Heap {
            total_bytes: sum(|point| point.total_bytes),
            total_blocks: sum(|point| point.total_blocks),
            peak_bytes: sum(|point| point.peak_bytes),
            peak_blocks: sum(|point| point.peak_blocks),
        }
    }

    /// The places, most bytes first; less what they had in the other profile, where there is one.
    pub(super) fn sites(&self, without: Option<&Self>) -> Vec<Site> {
        let mut found = self.by_function();
        for (function, (bytes, blocks)) in without.map(Self::by_function).unwrap_or_default() {
            if let Some(site) = found.get_mut(&function) {
                *site = (site.0.saturating_sub(bytes), site.1.saturating_sub(blocks));
            }
        }
        let mut sites: Vec<Site> = found
            .into_iter()
            .filter(|(_, (bytes, _))| *bytes > 0)
            .map(|(function, (total_bytes, total_blocks))| Site { function, total_bytes, total_blocks })
            .collect();
        sites.sort_by(|a, b| (b.total_bytes, &a.function).cmp(&(a.total_bytes, &b.function)));
        sites
    }

    fn by_function(&self) -> BTreeMap<String, (u64, u64)> {
        let mut found: BTreeMap<String, (u64, u64)> = BTreeMap::new();
        for point in &self.points {
            let names = point.stack.iter().filter_map(|frame| Some(function(self.frames.get(*frame)?)));
            let own = names.clone().find(|name| !is_plumbing(name)).or_else(|| names.clone().next());
            let site = found.entry(own.unwrap_or("unknown").to_owned()).or_default();
            *site = (site.0 + point.total_bytes, site.1 + point.total_blocks);
        }
        found
    }
}

/// The name in a frame such as `0x55d1: alloc::vec::Vec<T>::with_capacity (src/vec/mod.rs:1:2)`.
fn function(frame: &str) -> &str {
    let name = frame.split_once(": ").map_or(frame, |(_, name)| name);
    name.rsplit_once(" (").map_or(name, |(name, _)| name)
}

/// Functions that allocate for whoever calls them.
fn is_plumbing(function: &str) -> bool {
    const PLUMBING: [&str; 21] = [
        "alloc::",
        "core::",
        "std::",
        "hashbrown::",
        "dhat::",
        "__rust",
        "__rg_",
        "__rdl",
        "malloc",
        "calloc",
        "realloc",
        "aligned_alloc",
        "posix_memalign",
        "operator new",
        "_Zn",
        "__gnu_cxx::",
        "bytes::",
        "mi_",
        "je_",
        "_rjem",
        "void std::",
    ];
    // A generic implementation is `<T as Trait>::function`.
    let name = function.trim_start_matches(['<', '&', '[']);
    // C++ engines have allocators and makers of their own, in their own namespaces.
    let own = |part: &str| part.contains("Allocat") || part.starts_with("make_");
    PLUMBING.iter().any(|prefix| name.starts_with(prefix)) || name.split("::").any(own)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn profile(text: &str) -> Profile {
        serde_json::from_str(text).unwrap()
    }

    const TWO: &str = r#"{"ftbl":["[root]","0x1: alloc::vec::Vec<T>::with_capacity (vec.rs:1:1)","0x2: arrow::buffer::new (b.rs:2:2)","0x3: main (m.rs:1:1)"],
        "pps":[{"tb":100,"tbk":2,"gb":60,"gbk":1,"fs":[1,2,3]},{"tb":7,"tbk":1,"gb":0,"gbk":0,"fs":[2,3]},{"tb":5,"tbk":1,"gb":5,"gbk":1,"fs":[1]}]}"#;

    #[test]
    fn site_is_the_nearest_function_outside_the_allocator() {
        let sites = profile(TWO).sites(None);
        assert_eq!(
            (sites[0].function.as_str(), sites[0].total_bytes, sites[0].total_blocks),
            ("arrow::buffer::new", 107, 3)
        );
        assert_eq!(sites[1].function, "alloc::vec::Vec<T>::with_capacity");
        assert_eq!(profile(TWO).heap(), Heap { total_bytes: 112, total_blocks: 4, peak_bytes: 65, peak_blocks: 2 });
    }

    #[test]
    fn what_was_there_without_the_run_is_taken_off() {
        let without =
            r#"{"ftbl":["0x9: arrow::buffer::new (b.rs:2:2)"],"pps":[{"tb":50,"tbk":1,"gb":0,"gbk":0,"fs":[0]}]}"#;
        let sites = profile(TWO).sites(Some(&profile(without)));
        assert_eq!((sites[0].total_bytes, sites[0].total_blocks), (57, 2));
    }
}
