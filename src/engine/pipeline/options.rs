//! What can be set of a pipeline: [`Options`], read from the mode that the host gives.

use anyhow::bail;

use crate::engine::stored::AHEAD;
use crate::engine::{EngineSettings, Result};

/// Sets of labels that a cache keeps: a few megabytes.
const CACHED: usize = 16_384;

/// How a pipeline works. What is not set is the plainest way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is an axis of its own")]
pub struct Options {
    /// In chunks, each of which is aggregated before the next is read; or all is read first.
    pub streaming: bool,
    /// By Arrow's kernels, and what a group has in common once for each group; or row by row.
    pub columnar: bool,
    /// By as many workers as the engine has threads; or by one.
    pub parallel: bool,
    /// Labels that were merged before are taken from a bounded cache, the least recently used of which go.
    pub label_cache: Option<usize>,
    /// Of tables on S3, row groups are fetched before they are needed, so many ahead; or each when it is.
    pub ahead: usize,
    /// Connections to S3 are kept for later requests; or each request opens one.
    pub pool: bool,
    /// How rows are written.
    pub sink: SinkMethod,
}

/// How rows are written, always in one transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SinkMethod {
    /// Nowhere: they are the answer.
    None,
    /// By a prepared statement for each row.
    Insert,
    /// By a prepared statement for a thousand rows.
    InsertBatch,
    /// By COPY, as text.
    Copy,
    /// By COPY, in its binary format.
    CopyBinary,
}

/// The options by the names that they have in modes, in the order in which these spell them: those of one axis in one line. The first of
/// each is the default, and not spelled.
const AXES: [&[&str]; 7] = [
    &["whole", "streaming"],
    &["rows", "columnar"],
    &["serial", "parallel"],
    &["uncached", "label-cache"],
    &["on-demand", "prefetch"],
    &["reconnect", "pool"],
    &["insert", "sink-none", "insert-batch", "copy", "copy-binary"],
];

impl Options {
    /// From the mode and the entry's own settings: `label_cache_entries` is how much a cache keeps.
    ///
    /// # Errors
    /// When the mode or a setting is unknown.
    pub fn read(settings: &EngineSettings) -> Result<Self> {
        let mut entries = CACHED;
        for (name, value) in &settings.options {
            match (name.as_str(), value.parse()) {
                ("label_cache_entries", Ok(number)) if number > 0 => entries = number,
                ("label_cache_entries", _) => bail!("label_cache_entries is '{value}': give a number from 1 on"),
                _ => bail!("a pipeline has no setting '{name}', only label_cache_entries; its options are its modes"),
            }
        }
        let chosen = chosen(settings.mode.as_deref().unwrap_or_default())?;
        let is = |name: &str| chosen.contains(&name);
        Ok(Self {
            streaming: is("streaming"),
            columnar: is("columnar"),
            parallel: is("parallel"),
            label_cache: is("label-cache").then_some(entries),
            ahead: if is("prefetch") { AHEAD } else { 0 },
            pool: is("pool"),
            sink: match chosen[AXES.len() - 1] {
                "sink-none" => SinkMethod::None,
                "insert-batch" => SinkMethod::InsertBatch,
                "copy" => SinkMethod::Copy,
                "copy-binary" => SinkMethod::CopyBinary,
                _ => SinkMethod::Insert,
            },
        })
    }
}

/// One option of each axis: `streaming-copy-binary` is streaming, rows, serial, uncached and copy-binary.
fn chosen(mode: &str) -> Result<[&'static str; AXES.len()]> {
    let mut rest = mode;
    let mut chosen = AXES.map(|axis| axis[0]);
    for (place, axis) in AXES.iter().enumerate() {
        // `copy` begins as `copy-binary` does: what takes most is meant.
        let spelled = axis.iter().filter_map(|name| {
            let after = rest.strip_prefix(name)?;
            let behind = after.strip_prefix('-').filter(|behind| !behind.is_empty());
            Some((*name, if after.is_empty() { after } else { behind? }))
        });
        if let Some((name, after)) = spelled.min_by_key(|(_, after)| after.len()) {
            (chosen[place], rest) = (name, after);
        }
    }
    if !rest.is_empty() {
        bail!("'{mode}' is no mode of a pipeline: '{rest}' is none of its options, in their order {AXES:?}");
    }
    Ok(chosen)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(mode: Option<&str>) -> Result<Options> {
        Options::read(&EngineSettings {
            s3: None,
            threads: 1,
            memory_limit_bytes: None,
            timeout_seconds: None,
            scratch: "/".into(),
            mode: mode.map(str::to_owned),
            options: [].into(),
        })
    }

    #[test]
    fn options_read_every_mode_of_the_entry() {
        let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/engines.toml")).unwrap();
        let listed: toml::Table = toml::from_str(&text).unwrap();
        let axes = listed["pipeline"]["axes"]["options"].as_array().unwrap();
        let names = |axis: &toml::Value| -> Vec<String> {
            axis.as_array().unwrap().iter().map(|name| name.as_str().unwrap().to_owned()).collect()
        };
        assert_eq!(axes.iter().map(names).collect::<Vec<_>>(), AXES.map(<[&str]>::to_vec));
    }

    #[test]
    fn options_read_takes_defaults_for_what_a_mode_does_not_spell() {
        let plain = read(None).unwrap();
        assert_eq!((plain.streaming, plain.columnar, plain.sink), (false, false, SinkMethod::Insert));
        let all = read(Some("streaming-columnar-parallel-label-cache-prefetch-pool-copy-binary")).unwrap();
        assert!(all.streaming && all.columnar && all.parallel && all.label_cache == Some(CACHED));
        assert!(all.pool && all.ahead == AHEAD && !plain.pool && plain.ahead == 0);
        assert_eq!(all.sink, SinkMethod::CopyBinary);
        for (mode, sink) in [
            ("copy", SinkMethod::Copy),
            ("parallel-insert-batch", SinkMethod::InsertBatch),
            ("sink-none", SinkMethod::None),
        ] {
            assert_eq!(read(Some(mode)).unwrap().sink, sink);
        }
        for wrong in ["quick", "copy-streaming", "streaming-", "copy-", "columnarx"] {
            let found = read(Some(wrong));
            assert!(found.as_ref().is_err_and(|error| error.to_string().contains("no mode")), "{wrong}: {found:?}");
        }
    }
}
