//! What a dataset would be, told before anything of it is made: [`expected`].

use super::made::LAYOUT;
use super::source::Source;
use super::{Found, given, specs};
use crate::host::catalog::Recipe;
use crate::host::data::generate::Store;
use crate::host::settings::Settings;
use crate::host::suite::{Suite, TableSpec};
use crate::host::variant::{ICEBERG, ICEBERG_MONTHLY, ICEBERG_S3, PARQUET, PARQUET_BY_CATEGORY, S3};
use crate::protocol::id::Scale;

/// Checksum and layout as a record will have them, each where it can be told.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Expected {
    pub(crate) sha256: Option<String>,
    pub(crate) layout: Option<String>,
}

/// What [`dataset`](super::dataset) would give, as far as that can be told without making, building or hashing anything. Tables that
/// are there already are looked into as a run does, if it takes no program that is not built.
pub(crate) fn expected(
    suite: &Suite,
    names: &[String],
    scale: Scale,
    format: &str,
    settings: &Settings,
    store: &Store,
) -> Expected {
    if suite.is_external() {
        let specs = specs(suite, names);
        let is_plain = |spec: &&TableSpec| {
            let source = spec.source.as_deref().map(|source| Source::of(source, settings.metastore.as_deref()));
            matches!(source, Some(Ok(Source::Parquet(_))))
        };
        let can_be_read = specs.iter().all(is_plain) || Recipe::iceberg().program().path.is_file();
        let found = if can_be_read { given(suite, &specs, scale, settings).ok() } else { None };
        let told = |Found { dataset, .. }| Expected { sha256: Some(dataset.sha256), layout: Some(dataset.layout) };
        return found.map(told).unwrap_or_default();
    }
    let (known, of_tables) = match format {
        // On S3 lie the same files: by those that are here their checksum is known without asking anybody.
        PARQUET | S3 => (store.known(suite, scale, names), ""),
        ICEBERG | ICEBERG_S3 => (store.known(suite, scale, names), LAYOUT),
        PARQUET_BY_CATEGORY => (store.known_by_category(suite, scale, names), ""),
        ICEBERG_MONTHLY => (store.known_monthly(suite, scale, names), LAYOUT),
        _ => return Expected::default(),
    };
    let told = |(sha256, layout): (_, String)| Expected { sha256, layout: Some(layout + of_tables) };
    known.map(told).unwrap_or_default()
}
