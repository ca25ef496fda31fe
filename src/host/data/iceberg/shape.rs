//! Whether a table's files, read by their columns' names, give the table's rows: the columns of a snapshot held against what
//! stands in the files' footers.
//!
//! Iceberg goes by field ids, a Parquet reader by names. Where the two can differ, a file is refused rather than read wrongly.

use crate::protocol::iceberg::{Column, Planned, PlannedFile};
use crate::protocol::location::Location;

/// A column of a Parquet file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FileColumn {
    pub(crate) name: String,
    /// The field id, where the file has it.
    pub(crate) id: Option<i32>,
    /// Whether it can hold no NULL.
    pub(crate) required: bool,
    /// Its type in Iceberg's words; `None` for a nested one or one that Iceberg does not have.
    pub(crate) kind: Option<String>,
}

/// What the files are to the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Shape {
    /// Each file has exactly the table's columns.
    Plain,
    /// Some lack columns, whose values are NULL, or have columns that were dropped.
    Evolved,
    /// They do not give the table's rows; says why.
    NeedsReader(String),
}

/// Holds the files' columns against the snapshot's; `files` has the columns of each of the planned ones.
pub(crate) fn shape(planned: &Planned, files: &[Vec<FileColumn>]) -> Shape {
    match evolved(planned, files) {
        Ok(false) => Shape::Plain,
        Ok(true) => Shape::Evolved,
        Err(why) => Shape::NeedsReader(why),
    }
}

/// Whether a file's columns differ from the table's.
///
/// # Errors
/// Why reading by name would get them wrong.
fn evolved(planned: &Planned, files: &[Vec<FileColumn>]) -> Result<bool, String> {
    planned.files.iter().try_for_each(readable)?;
    // A nested column may have changed within, which its name does not tell.
    if planned.schemas > 1
        && let Some(Column { name, .. }) = planned.columns.iter().find(|column| is_nested(&column.kind))
    {
        return Err(format!("its schema changed, and what that means for the nested column {name} is not known"));
    }
    // A reader that takes one file's word for all would take NULLs for impossible.
    let optional =
        |name: &str, columns: &[FileColumn]| columns.iter().any(|column| column.name == name && !column.required);
    let mut evolved = planned.columns.iter().any(|column| {
        let told: Vec<bool> = files.iter().map(|file| optional(&column.name, file)).collect();
        told.windows(2).any(|pair| pair[0] != pair[1])
    });
    for (file, columns) in planned.files.iter().zip(files) {
        evolved |= differs(planned, file, columns)?;
    }
    let nowhere = |column: &&Column| files.iter().flatten().all(|found| found.name != column.name);
    match planned.columns.iter().find(nowhere) {
        Some(column) if evolved => Err(format!("the column {} was added and is in none of the files", column.name)),
        _ => Ok(evolved),
    }
}

fn readable(PlannedFile { path, rows, format, deletes, .. }: &PlannedFile) -> Result<(), String> {
    let place = name(path);
    match deletes {
        0 if format.eq_ignore_ascii_case("parquet") => Ok(()),
        0 => Err(format!("{place} is stored as {format}")),
        _ => Err(format!("{rows} rows of {place} may be deleted by {deletes} delete files")),
    }
}

/// Whether the file's columns differ from the table's in a way that reading by name gets right.
///
/// # Errors
/// Why it would get it wrong.
fn differs(planned: &Planned, file: &PlannedFile, columns: &[FileColumn]) -> Result<bool, String> {
    let place = name(&file.path);
    let has_ids = columns.iter().all(|column| column.id.is_some());
    let same_names = planned.columns.iter().map(|column| &column.name).eq(columns.iter().map(|column| &column.name));
    if !has_ids && !same_names {
        return Err(format!(
            "{place} has no field ids, and its columns are not the table's: which is which is not known"
        ));
    }
    for Column { id, name, kind, has_default, .. } in &planned.columns {
        let named = columns.iter().find(|found| found.name == *name);
        let found = if has_ids { columns.iter().find(|found| found.id == Some(*id)) } else { named };
        match found {
            Some(found) if found.name != *name => {
                return Err(format!("the column {name} was renamed: {place} has it as {}", found.name));
            }
            Some(found) if is_nested(kind) && found.kind.is_none() => {}
            Some(found) if found.kind.as_ref() != Some(kind) => {
                let other = found.kind.as_deref().unwrap_or("a type that Iceberg does not have");
                return Err(format!("the column {name} is {kind} now and {other} in {place}"));
            }
            None if named.is_some() => {
                return Err(format!(
                    "the column {name} is another one than that of the same name in {place}, which was dropped"
                ));
            }
            None if planned.constants.contains(id) => {
                return Err(format!("the values of {name} stand in the partition, not in {place}"));
            }
            None if *has_default => {
                return Err(format!("the column {name} was added with a default value, and {place} is older"));
            }
            Some(_) | None => {}
        }
    }
    Ok(!same_names)
}

fn is_nested(kind: &str) -> bool {
    ["struct", "list", "map"].iter().any(|nested| kind.starts_with(nested))
}

fn name(location: &Location) -> String {
    let whole = location.to_string();
    whole.rsplit('/').next().unwrap_or(&whole).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column_of(id: i32, name: &str, kind: &str) -> Column {
        Column { id, name: name.to_owned(), kind: kind.to_owned(), required: false, has_default: false }
    }

    fn planned(columns: &[(i32, &str, &str)]) -> Planned {
        let file = PlannedFile {
            path: "/data/a.parquet".parse().unwrap(),
            rows: 1,
            bytes: 9,
            format: "parquet".to_owned(),
            deletes: 0,
        };
        Planned {
            metadata: "/t/metadata/1.json".parse().unwrap(),
            uuid: String::new(),
            snapshot_id: 1,
            columns: columns.iter().map(|(id, name, kind)| column_of(*id, name, kind)).collect(),
            schemas: 1,
            constants: Vec::new(),
            files: vec![file],
            catalog_ns: 0,
            planning_ns: 0,
        }
    }

    fn held(table: &[(i32, &str, &str)], file: &[(i32, &str, &str)]) -> Shape {
        let column = |(id, name, kind): &(i32, &str, &str)| FileColumn {
            name: (*name).to_owned(),
            id: (*id > 0).then_some(*id),
            required: false,
            kind: Some((*kind).to_owned()),
        };
        shape(&planned(table), &[file.iter().map(column).collect()])
    }

    #[test]
    fn the_same_columns_are_plain_with_and_without_ids() {
        let table = [(1, "a", "long"), (2, "b", "string")];
        assert_eq!(held(&table, &table), Shape::Plain);
        assert_eq!(held(&table, &[(0, "a", "long"), (0, "b", "string")]), Shape::Plain);
    }

    #[test]
    fn a_dropped_column_and_another_order_are_read_by_name() {
        assert_eq!(held(&[(1, "a", "long")], &[(1, "a", "long"), (2, "b", "int")]), Shape::Evolved);
        let turned = [(2, "b", "int"), (1, "a", "long")];
        assert_eq!(held(&[(1, "a", "long"), (2, "b", "int")], &turned), Shape::Evolved);
    }

    #[test]
    fn an_added_column_is_read_by_name_once_a_file_has_it() {
        let table = [(1, "a", "long"), (2, "b", "int")];
        let planned = planned(&table);
        let column = |id: i32, name: &str, kind: &str| FileColumn {
            name: name.to_owned(),
            id: Some(id),
            required: false,
            kind: Some(kind.to_owned()),
        };
        let (old, new) = (vec![column(1, "a", "long")], vec![column(1, "a", "long"), column(2, "b", "int")]);
        let two = Planned { files: vec![planned.files[0].clone(), planned.files[0].clone()], ..planned };
        assert_eq!(shape(&two, &[old.clone(), new]), Shape::Evolved);
        assert!(
            matches!(shape(&two, &[old.clone(), old]), Shape::NeedsReader(why) if why.contains("none of the files"))
        );
    }

    #[test]
    fn a_column_that_became_optional_is_read_by_name_and_a_nested_one_that_may_have_changed_is_refused() {
        let column =
            |required| vec![FileColumn { name: "a".to_owned(), id: Some(1), required, kind: Some("long".to_owned()) }];
        let one = planned(&[(1, "a", "long")]);
        let two = Planned { files: vec![one.files[0].clone(), one.files[0].clone()], ..one };
        assert_eq!(shape(&two, &[column(true), column(false)]), Shape::Evolved);
        assert_eq!(shape(&two, &[column(true), column(true)]), Shape::Plain);
        let nested = |schemas| Planned { schemas, ..planned(&[(1, "a", "struct<2: x: optional long>")]) };
        let file = vec![FileColumn { name: "a".to_owned(), id: Some(1), required: false, kind: None }];
        assert_eq!(shape(&nested(1), std::slice::from_ref(&file)), Shape::Plain);
        assert!(matches!(shape(&nested(2), &[file]), Shape::NeedsReader(why) if why.contains("nested")));
    }

    #[test]
    fn what_names_would_get_wrong_is_refused_with_the_reason() {
        for (table, file, told) in [
            (&[(1, "new", "long")][..], &[(1, "old", "long")][..], "renamed"),
            (&[(1, "a", "long")], &[(1, "a", "int")], "is long now and int in"),
            (&[(3, "a", "long")], &[(1, "a", "long")], "which was dropped"),
            (&[(1, "a", "long"), (2, "b", "int")], &[(0, "a", "long")], "no field ids"),
        ] {
            let Shape::NeedsReader(why) = held(table, file) else { panic!("{table:?}") };
            assert!(why.contains(told), "{why}");
        }
    }

    #[test]
    fn deletes_partition_values_defaults_and_other_formats_are_refused() {
        let spoilt = |spoil: fn(&mut Planned)| {
            let mut planned = planned(&[(1, "a", "long"), (2, "b", "int")]);
            spoil(&mut planned);
            let columns =
                vec![FileColumn { name: "a".to_owned(), id: Some(1), required: false, kind: Some("long".to_owned()) }];
            match shape(&planned, &[columns]) {
                Shape::NeedsReader(why) => why,
                other => panic!("{other:?}"),
            }
        };
        assert!(spoilt(|planned| planned.files[0].deletes = 2).contains("2 delete files"));
        assert!(spoilt(|planned| planned.files[0].format = "avro".to_owned()).contains("stored as avro"));
        assert!(spoilt(|planned| planned.constants.push(2)).contains("partition"));
        assert!(spoilt(|planned| planned.columns[1].has_default = true).contains("default"));
    }
}
