//! A table's files, and the lazy frame that scans them.

use std::sync::Arc;

use polars::io::HiveOptions;
use polars::io::cloud::CloudOptions;
use polars::prelude::{
    DataType, Field, LazyFrame, PlRefPath, PolarsResult, ScanArgsParquet, Schema, SchemaRef, UnionArgs, col,
    concat_lf_diagonal,
};

use crate::engine::{Result, reached};
use crate::protocol::dataset::Table;
use crate::protocol::location::Location;
use crate::protocol::s3::Access;

/// A table's files.
#[derive(Debug, Clone)]
pub struct Files {
    paths: Vec<PlRefPath>,
    /// The columns to show, where the files differ in theirs.
    columns: Option<Vec<String>>,
    /// How the store is reached that they are in, where they are on S3.
    store: Option<CloudOptions>,
    /// The column that is in the names of their folders.
    folders: Option<SchemaRef>,
}

impl Files {
    /// Those of this table.
    ///
    /// # Errors
    /// For a path that Polars cannot name, or a file on S3 where nobody said what that is reached by.
    pub fn of(table: &Table, s3: Option<&Access>) -> Result<Self> {
        let path = |file: &Location| match file {
            Location::Local(path) => PlRefPath::try_from_path(path),
            Location::S3 { .. } => Ok(PlRefPath::new(file.to_string())),
        };
        let paths = table.files.iter().map(path).collect::<PolarsResult<Vec<_>>>()?;
        let stored = paths.iter().find(|path| path.has_scheme());
        let store = stored.map(|path| {
            let access = reached(s3)?;
            anyhow::Ok(CloudOptions::from_untyped_config(path.scheme(), options(access))?)
        });
        let evolved = table.iceberg.as_ref().filter(|iceberg| iceberg.evolved);
        let columns = evolved.map(|iceberg| iceberg.columns.clone());
        let text = |column: &str| Arc::new(Schema::from_iter([Field::new(column.into(), DataType::String)]));
        let folders = table.folders.as_ref().map(|folders| text(&folders.column));
        Ok(Self { paths, columns, store: store.transpose()?, folders })
    }

    /// Scans each file by itself: to count rows of files that differ in their columns, since Polars ends with a panic
    /// where it counts what [`Self::scan`] makes of such.
    ///
    /// # Errors
    /// When a file cannot be opened.
    pub fn scan_each(&self) -> PolarsResult<Vec<LazyFrame>> {
        self.paths.iter().map(|path| self.scan_these(std::slice::from_ref(path))).collect()
    }

    /// Scans them; nothing is read so far but what a schema takes.
    ///
    /// # Errors
    /// When a file cannot be opened.
    pub fn scan(&self) -> PolarsResult<LazyFrame> {
        let Some(columns) = &self.columns else { return self.scan_these(&self.paths) };
        let all = concat_lf_diagonal(self.scan_each()?, UnionArgs::default())?;
        Ok(all.select(columns.iter().map(|name| col(name.as_str())).collect::<Vec<_>>()))
    }

    fn scan_these(&self, paths: &[PlRefPath]) -> PolarsResult<LazyFrame> {
        // These are files, not patterns; and their columns are those in them, whatever their paths look like, unless the
        // table says otherwise.
        let hive_options = match &self.folders {
            None => HiveOptions::new_disabled(),
            schema => HiveOptions { schema: schema.clone(), ..HiveOptions::new_enabled() },
        };
        let cloud_options = self.store.clone();
        let args = ScanArgsParquet { glob: false, hive_options, cloud_options, ..ScanArgsParquet::default() };
        LazyFrame::scan_parquet_files(paths.iter().cloned().collect(), args)
    }
}

/// How a store is reached, by Polars' names.
fn options(access: &Access) -> Vec<(&'static str, String)> {
    let mut options = vec![
        ("aws_region", access.region.clone()),
        ("aws_access_key_id", access.access_key_id.reveal().to_owned()),
        ("aws_secret_access_key", access.secret_access_key.reveal().to_owned()),
        ("aws_virtual_hosted_style_request", (!access.path_style).to_string()),
        ("aws_allow_http", "true".to_owned()),
    ];
    options.extend(access.endpoint.clone().map(|endpoint| ("aws_endpoint_url", endpoint)));
    options.extend(access.session_token.as_ref().map(|token| ("aws_session_token", token.reveal().to_owned())));
    options
}
