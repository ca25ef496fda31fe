//! Whether what a `suite.toml` says can be: names, tables, columns, texts. Errors say what to write instead.

use std::{fs, iter};

use anyhow::{Context, Result, bail, ensure};

use super::adhoc::is_adhoc;
use super::source::bad_name;
use super::statement;
use super::{DeclaredTolerance, GENERATORS, Published, QuerySpec, Suite, TableSpec};
use crate::host::settings::KEYS;
use crate::host::sql::{Quoting, Text};
use crate::host::variant::{FORMATS, PARQUET_BY_CATEGORY};
use crate::protocol::answer::Kind;
use crate::protocol::id::{Scale, check_name};

/// Characters of a query's name: Criterion cuts `engine_query_scale` to 64 for a folder's name.
const LONGEST: usize = 32;

impl Suite {
    /// Of a suite that was just read.
    pub(super) fn check(&self) -> Result<()> {
        let name = &self.name;
        if check_name(name).is_err() {
            bail!("'{name}' cannot name a suite: use letters, digits, '-', '_' and '.'");
        }
        ensure!(
            !is_adhoc(name),
            "'{name}' is what a query of TABLE_NAME and QUERY is called; name the suite otherwise"
        );
        if let Some(generator) = self.generator.as_deref().filter(|name| !GENERATORS.contains(name)) {
            bail!("there is no generator '{generator}': there is {}", GENERATORS.join(", "));
        }
        if let Some(Published { setting, .. }) = &self.published {
            ensure!(
                KEYS.iter().any(|key| key.toml == Some(setting)),
                "there is no setting '{setting}': only suites in fixtures have published answers; put yours into answers/sf1"
            );
        }
        ensure!(
            (0.0..=86_400.0).contains(&self.seconds_at_sf1),
            "seconds_at_sf1 is {}: give the seconds that a run of a query takes at scale 1, from 0 to 86400",
            self.seconds_at_sf1
        );
        self.check_formats()?;
        for (place, table) in self.tables.iter().enumerate() {
            self.check_table(table)?;
            let twice = self.tables[..place].iter().any(|other| other.name == table.name);
            ensure!(!twice, "two tables are called '{}'", table.name);
        }
        for (place, query) in self.queries.iter().enumerate() {
            self.check_query(query)?;
            let twice = self.queries[..place].iter().any(|other| other.name == query.name);
            ensure!(!twice, "two queries are called '{}'", query.name);
        }
        self.criteria.iter().try_for_each(|criterion| criterion.check(self))?;
        Ok(())
    }

    fn check_formats(&self) -> Result<()> {
        let declared = self.formats.as_deref().unwrap_or_default();
        if let Some(unknown) = declared.iter().find(|name| !FORMATS.contains(&name.as_str())) {
            bail!("there is no format '{unknown}': there are {}", FORMATS.join(", "));
        }
        ensure!(
            self.formats.is_none() || !declared.is_empty(),
            "formats = [] leaves no cell: name some, or leave it out"
        );
        let by_category = declared.iter().any(|name| name == PARQUET_BY_CATEGORY);
        let has_category = self.tables.iter().any(|table| table.category.is_some());
        ensure!(
            by_category == has_category,
            "the format {PARQUET_BY_CATEGORY} and a table with `category = \"...\"`, the column that has its folders, go together: \
             add what is missing, or take the other one out"
        );
        Ok(())
    }

    fn check_table(&self, table: &TableSpec) -> Result<()> {
        let name = &table.name;
        if table.source.is_none() {
            ensure!(
                self.generator.is_some(),
                "table '{name}' has no `source`: add source = \"...\", Parquet files (data/*.parquet), the folder \
                 of an Iceberg table, or db.table in the Hive Metastore"
            );
            return Ok(());
        }
        if let Some(why) = bad_name(name) {
            bail!("'{name}' cannot name a table: {why}");
        }
        let declared = [
            ("partition", table.partition.is_some()),
            ("category", table.category.is_some()),
            ("keys", !table.keys.is_empty()),
        ];
        for (what, declared) in declared {
            ensure!(!declared, "the table '{name}' lies somewhere already and is read as it is: take its {what} out");
        }
        Ok(())
    }

    fn check_query(&self, query: &QuerySpec) -> Result<()> {
        let name = &query.name;
        if check_name(name).is_err() {
            bail!("'{name}' cannot name a query: use letters, digits, '-', '_' and '.'");
        }
        let length = name.len();
        ensure!(
            length <= LONGEST,
            "the query's name '{name}' has {length} characters; give at most {LONGEST}, since it is part of folders' names, \
             which are cut, and queries whose names are alike until there would be compared with one another"
        );
        ensure!(!is_adhoc(name), "'{name}' is what a query of TABLE_NAME and QUERY is called; name it otherwise");
        for table in &query.tables {
            let known: Vec<&str> = self.tables.iter().map(|known| known.name.as_str()).collect();
            ensure!(
                known.contains(&table.as_str()),
                "{name} reads '{table}', which is no table; there are: {}",
                known.join(", ")
            );
        }
        for key in &query.order {
            let known = query.columns.iter().any(|column| column.name == key.column);
            ensure!(
                known,
                "{name} is ordered by '{}', which is no column: declare the answer's columns, columns = [\"{}:int\", ...]",
                key.column,
                key.column
            );
        }
        for (column, tolerance) in &query.tolerances {
            check_tolerance(query, column, tolerance)?;
        }
        if self.is_external() {
            // Ours are read by a test, and 22 files at every start would be 22 too many.
            for dialect in iter::once("canonical".to_owned()).chain(self.dialects(query)) {
                let text = self.text(query, &dialect, Scale::ONE)?.text();
                let text = Text::read_as(&text, Quoting::of(&dialect));
                statement::check(&text).with_context(|| format!("{name} ({dialect})"))?;
            }
        }
        Ok(())
    }

    /// The dialects that the query has texts of its own for.
    fn dialects(&self, query: &QuerySpec) -> Vec<String> {
        let folders = fs::read_dir(self.folder.join("queries")).into_iter().flatten().flatten();
        let theirs = folders.filter(|folder| folder.path().join(format!("{}.sql", query.name)).is_file());
        theirs.filter_map(|folder| folder.file_name().into_string().ok()).collect()
    }
}

fn check_tolerance(query: &QuerySpec, column: &str, declared: &DeclaredTolerance) -> Result<()> {
    let (name, DeclaredTolerance { absolute, relative, why }) = (&query.name, declared);
    let known: Vec<&str> = query.columns.iter().map(|known| known.name.as_str()).collect();
    let Some(spec) = query.columns.iter().find(|known| known.name == column) else {
        bail!("{name} declares a tolerance of '{column}', which is no column; there are: {}", known.join(", "));
    };
    ensure!(
        matches!(spec.kind, Kind::Decimal | Kind::Float | Kind::Float32),
        "{name} declares a tolerance of '{column}', which is exact by its type: declare it float or decimal, or take it out"
    );
    let given = [absolute, relative];
    ensure!(
        given.iter().all(|number| number.is_finite() && **number >= 0.0) && given.iter().any(|number| **number > 0.0),
        "the tolerance of {name}'s '{column}' is none: give absolute = 0.01, or relative = 1e-6 of the larger number"
    );
    ensure!(!why.trim().is_empty(), "{name} declares a tolerance of '{column}' without a reason: say why = \"...\"");
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    /// A suite with one query of this name, and what its folder holds beside the canonical text.
    fn read(name: &str, texts: &[(&str, &str)]) -> Result<Suite> {
        let folder = tempfile::tempdir()?;
        let write = |path: &str, text: &str| -> Result<()> {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap_or(Path::new("")))?;
            Ok(fs::write(path, text)?)
        };
        write(&format!("queries/{name}.sql"), "SELECT 1 FROM {a}")?;
        for (path, text) in texts {
            write(path, text)?;
        }
        let spec = format!(
            "name = 'm'\ntitle = ''\n[[table]]\nname = 'a'\nsource = 'a.parquet'\n[[query]]\nname = '{name}'\ntitle = ''\ntables = ['a']\n"
        );
        write("suite.toml", &spec)?;
        Suite::read_from(folder.path())
    }

    #[test]
    fn check_refuses_a_name_that_a_folder_cannot_carry() {
        let longest = "x".repeat(LONGEST);
        assert!(read(&longest, &[]).is_ok());
        let error = format!("{:#}", read(&format!("{longest}x"), &[]).unwrap_err());
        assert!(error.contains("33 characters; give at most 32"), "{error}");
    }

    #[test]
    fn check_refuses_a_tolerance_that_cannot_be_meant() {
        let check = |tolerance: &str| {
            let text = format!(
                "name = 'q'\ntitle = ''\ntables = []\ncolumns = ['n:int', 'x:float']\ntolerances = {{ {tolerance} }}"
            );
            let query: QuerySpec = toml::from_str(&text)?;
            query.tolerances.iter().try_for_each(|(column, declared)| check_tolerance(&query, column, declared))
        };
        assert!(check("x = { absolute = 0.01, why = 'rounded' }").is_ok());
        assert!(check("x = { relative = 1e-6, why = 'rounded' }").is_ok());
        for (tolerance, told) in [
            ("y = { absolute = 0.01, why = 'rounded' }", "no column; there are: n, x"),
            ("n = { absolute = 0.01, why = 'rounded' }", "exact by its type"),
            ("x = { why = 'rounded' }", "is none"),
            ("x = { absolute = -1.0, why = 'rounded' }", "is none"),
            ("x = { absolute = 0.01, why = ' ' }", "without a reason"),
            ("x = { absolute = 0.01 }", "why"),
        ] {
            let error = format!("{:#}", check(tolerance).unwrap_err());
            assert!(error.contains(told), "{tolerance}: {error}");
        }
    }

    #[test]
    fn check_refuses_formats_that_cannot_be_made() {
        let check = |formats: &str, category: &str| {
            let text = format!(
                "name = 'm'\ntitle = ''\ngenerator = '{}'\n{formats}\nquery = []\n[[table]]\nname = 'a'\n{category}",
                GENERATORS[0]
            );
            toml::from_str::<Suite>(&text)?.check()
        };
        assert!(check("formats = ['parquet', 'parquet-by-category']", "category = 'c'").is_ok());
        assert!(check("", "").is_ok());
        for (formats, category, told) in [
            ("formats = ['csv']", "", "no format 'csv'"),
            ("formats = []", "", "leaves no cell"),
            ("formats = ['parquet-by-category']", "", "go together"),
            ("", "category = 'c'", "go together"),
        ] {
            let error = format!("{:#}", check(formats, category).unwrap_err());
            assert!(error.contains(told), "{formats} {category}: {error}");
        }
    }

    #[test]
    fn check_reads_the_texts_of_all_dialects() {
        assert!(read("m1", &[("queries/starrocks/m1.sql", r"SELECT 'it\'s; so' FROM {a} # ; so")]).is_ok());
        for text in ["COPY {a} TO 'x.csv'", "SELECT 1 FROM {a}; DROP TABLE {a}"] {
            let error = format!("{:#}", read("m1", &[("queries/duckdb/m1.sql", text)]).unwrap_err());
            assert!(error.contains("m1 (duckdb): "), "{error}");
        }
    }
}
