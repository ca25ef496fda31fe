//! Whether Parquet files are of one schema: [`alike`]. Each column is held against its namesake by all that decides how its
//! values are read: physical type, logical or converted type, and what it is nested in.
//!
//! Not part of it: the order of columns, field ids, and whether a column may hold NULL, on which engines do not differ.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Result, bail};
use parquet::basic::{ConvertedType, IntType, LogicalType, Repetition, Type as Physical};
use parquet::file::metadata::ParquetMetaData;
use parquet::schema::types::{BasicTypeInfo, Type};

use crate::protocol::dataset::INT96_CAUTION;

/// The columns of a file that hold values: flat ones, and the leaves of nested ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Schema {
    /// By path. A type is in words that people read and that say all that counts: `INT64 TIMESTAMP(MICROS, UTC)`.
    leaves: BTreeMap<Vec<String>, String>,
}

impl Schema {
    pub(super) fn of(footer: &ParquetMetaData) -> Self {
        Self::of_root(footer.file_metadata().schema())
    }

    fn of_root(root: &Type) -> Self {
        let mut leaves = BTreeMap::new();
        for field in root.get_fields() {
            collect(field, &mut Vec::new(), &mut Vec::new(), &mut leaves);
        }
        Self { leaves }
    }

    /// The paths of the leaves of a physical type.
    fn of_type(&self, physical: &str) -> impl Iterator<Item = &[String]> {
        let leaves = self.leaves.iter().filter(move |(_, kind)| kind.split(' ').any(|word| word == physical));
        leaves.map(|(path, _)| path.as_slice())
    }

    /// Columns of single precision, or with a part that is.
    pub(super) fn single_precision(&self) -> BTreeSet<String> {
        self.of_type("FLOAT").filter_map(|path| path.first().cloned()).collect()
    }

    /// What to know about the columns, a sentence each.
    pub(super) fn cautions(&self) -> Vec<String> {
        let int96: Vec<String> = self.of_type("INT96").map(shown).collect();
        let old = match int96.as_slice() {
            [] => None,
            [one] => Some(format!("the column {one} is {INT96_CAUTION}")),
            many => Some(format!("the columns {} are {INT96_CAUTION}", many.join(", "))),
        };
        let twins = self.twins().into_iter().map(|names| {
            format!(
                "the columns {} have one name but for upper and lower case, and some engines take them for the same",
                names.into_iter().collect::<Vec<_>>().join(", ")
            )
        });
        old.into_iter().chain(twins).collect()
    }

    /// Names beside one another that differ by case alone.
    fn twins(&self) -> Vec<BTreeSet<String>> {
        let mut named: BTreeMap<(&[String], String), BTreeSet<String>> = BTreeMap::new();
        for path in self.leaves.keys() {
            for end in 1..=path.len() {
                let (name, parent) = (&path[end - 1], &path[..end - 1]);
                named.entry((parent, name.to_lowercase())).or_default().insert(shown(&path[..end]));
            }
        }
        named.into_values().filter(|names| names.len() > 1).collect()
    }
}

/// Refuses files that engines would read in unlike ways: some go by the first file's columns, some by all.
///
/// # Errors
/// Names the column, both files and both types.
pub(super) fn alike((one, ours): (&Path, &Schema), (other, theirs): (&Path, &Schema)) -> Result<()> {
    if ours == theirs {
        return Ok(());
    }
    let advice = "and engines disagree on what that means: give files of one schema, or make it an Iceberg table, which says \
                  what it means";
    for (path, kind) in &ours.leaves {
        let Some(another) = theirs.leaves.get(path) else { continue };
        if kind != another {
            bail!(
                "the column {} is {kind} in {} and {another} in {}, {advice}",
                shown(path),
                one.display(),
                other.display()
            );
        }
    }
    for ((has, left), (lacks, right)) in [((one, ours), (other, theirs)), ((other, theirs), (one, ours))] {
        let lacking = left.leaves.iter().find(|(path, _)| !right.leaves.contains_key(*path));
        let Some((path, kind)) = lacking else { continue };
        let similar = right.leaves.keys().find(|other| shown(other).to_lowercase() == shown(path).to_lowercase());
        let similar = similar.map_or_else(String::new, |similar| format!(", which has {}", shown(similar)));
        bail!(
            "the column {} of {} ({kind}) is not in {}{similar}, {advice}",
            shown(path),
            has.display(),
            lacks.display()
        );
    }
    Ok(())
}

fn shown(path: &[String]) -> String {
    path.join(".")
}

/// Adds the leaves of a field; `groups` says what it is nested in.
fn collect(field: &Type, path: &mut Vec<String>, groups: &mut Vec<String>, leaves: &mut BTreeMap<Vec<String>, String>) {
    let info = field.get_basic_info();
    let repeated = info.has_repetition() && info.repetition() == Repetition::REPEATED;
    path.push(info.name().to_owned());
    if field.is_primitive() {
        let repeated = if repeated { "repeated " } else { "" };
        let nested = if groups.is_empty() { String::new() } else { format!(" in {}", groups.join(" of ")) };
        leaves.insert(path.clone(), format!("{repeated}{}{nested}", words(field)));
    } else {
        groups.push(group(info, repeated));
        for field in field.get_fields() {
            collect(field, path, groups, leaves);
        }
        groups.pop();
    }
    path.pop();
}

/// What a group of fields is.
fn group(info: &BasicTypeInfo, repeated: bool) -> String {
    let kind = match (info.logical_type_ref(), info.converted_type()) {
        (Some(LogicalType::List), _) | (None, ConvertedType::LIST) => "LIST",
        // The older name, which some writers gave to the group within.
        (None, ConvertedType::MAP_KEY_VALUE) if repeated => "group",
        (Some(LogicalType::Map), _) | (None, ConvertedType::MAP | ConvertedType::MAP_KEY_VALUE) => "MAP",
        (None, _) => "group",
        (Some(other), _) => &format!("{other:?}").to_uppercase(),
    };
    format!("{} {kind}", if repeated { "repeated" } else { "a" })
}

/// A primitive type in words, the same for types that mean the same.
fn words(field: &Type) -> String {
    let physical = match field {
        Type::PrimitiveType { physical_type: Physical::FIXED_LEN_BYTE_ARRAY, type_length, .. } => {
            format!("FIXED_LEN_BYTE_ARRAY({type_length})")
        }
        _ => field.get_physical_type().to_string(),
    };
    let info = field.get_basic_info();
    let meaning = match info.logical_type_ref() {
        Some(logical) => Some(logical_words(logical)),
        None => converted_words(field),
    };
    match (physical.as_str(), meaning.as_deref()) {
        // What these are anyway.
        ("INT32", Some("INT(32)")) | ("INT64", Some("INT(64)")) | (_, None) => physical,
        (_, Some(meaning)) => format!("{physical} {meaning}"),
    }
}

fn logical_words(logical: &LogicalType) -> String {
    let zone = |utc: bool| if utc { "UTC" } else { "no zone" };
    match logical {
        LogicalType::Decimal(decimal) => format!("DECIMAL({}, {})", decimal.precision, decimal.scale),
        LogicalType::Time(time) => format!("TIME({:?}, {})", time.unit, zone(time.is_adjusted_to_u_t_c)),
        LogicalType::Timestamp(stamp) => format!("TIMESTAMP({:?}, {})", stamp.unit, zone(stamp.is_adjusted_to_u_t_c)),
        LogicalType::Integer(IntType { bit_width, is_signed: true }) => format!("INT({bit_width})"),
        LogicalType::Integer(IntType { bit_width, is_signed: false }) => format!("UINT({bit_width})"),
        other => format!("{other:?}").to_uppercase(),
    }
}

/// As [`logical_words`], of a file whose writer knows only the older way to say types. Times are without a word on their zone:
/// engines differ on whether these are in UTC.
fn converted_words(field: &Type) -> Option<String> {
    let kind = field.get_basic_info().converted_type();
    let name = kind.to_string();
    match (kind, name.split_once('_')) {
        (ConvertedType::NONE, _) => None,
        (ConvertedType::UTF8, _) => Some("STRING".to_owned()),
        (ConvertedType::DECIMAL, _) => Some(format!("DECIMAL({}, {})", field.get_precision(), field.get_scale())),
        // `INT_8`, `TIMESTAMP_MICROS`
        (_, Some((name, what))) => Some(format!("{name}({what})")),
        (_, None) => Some(name),
    }
}

#[cfg(test)]
mod tests {
    use parquet::schema::parser::parse_message_type;

    use super::*;

    fn schema(fields: &str) -> Schema {
        Schema::of_root(&parse_message_type(&format!("message m {{ {fields} }}")).unwrap())
    }

    fn held(one: &str, other: &str) -> Result<(), String> {
        let (one, other) = (schema(one), schema(other));
        alike((Path::new("a.parquet"), &one), (Path::new("b.parquet"), &other)).map_err(|error| error.to_string())
    }

    #[test]
    fn alike_takes_types_that_mean_the_same() {
        for (one, other) in [
            ("required int64 a;", "optional int64 a;"),
            ("optional int64 a; optional int32 b;", "optional int32 b; optional int64 a;"),
            ("optional int32 a (INTEGER(32, true));", "optional int32 a;"),
            ("optional int64 a (INT_64);", "optional int64 a (INTEGER(64, true));"),
            ("optional int64 a (DECIMAL(12, 2));", "optional int64 a (DECIMAL(12,2));"),
        ] {
            assert_eq!(held(one, other), Ok(()), "{one}");
        }
    }

    #[test]
    fn alike_names_the_column_the_files_and_both_types() {
        for (one, other, told) in [
            (
                "int96 t;",
                "int64 t (TIMESTAMP(MILLIS, false));",
                "the column t is INT96 in a.parquet and INT64 TIMESTAMP(MILLIS, no zone) in b.parquet",
            ),
            (
                "int64 t (TIMESTAMP(MICROS, true));",
                "int64 t (TIMESTAMP(MICROS, false));",
                "TIMESTAMP(MICROS, UTC) in a.parquet",
            ),
            (
                "int64 t (TIMESTAMP(MICROS, true));",
                "int64 t (TIMESTAMP_MICROS);",
                "INT64 TIMESTAMP(MICROS) in b.parquet",
            ),
            ("int64 t (TIMESTAMP_MILLIS);", "int64 t (TIMESTAMP_MICROS);", "INT64 TIMESTAMP(MILLIS) in a.parquet"),
            ("int64 d (DECIMAL(12, 2));", "int64 d (DECIMAL(12, 3));", "INT64 DECIMAL(12, 3)"),
            ("int32 d (DECIMAL(9, 2));", "int64 d (DECIMAL(9, 2));", "INT32 DECIMAL(9, 2)"),
            ("int32 n;", "int32 n (INTEGER(8, true));", "INT32 in a.parquet and INT32 INT(8) in b.parquet"),
            ("int64 n;", "int64 n (UINT_64);", "INT64 UINT(64)"),
            ("binary s;", "binary s (UTF8);", "BYTE_ARRAY in a.parquet and BYTE_ARRAY STRING in b.parquet"),
            ("fixed_len_byte_array(4) f;", "fixed_len_byte_array(8) f;", "FIXED_LEN_BYTE_ARRAY(8)"),
            ("int32 a; int32 b;", "int32 b;", "the column a of a.parquet (INT32) is not in b.parquet, and"),
            ("int32 b;", "int32 a; int32 b;", "the column a of b.parquet (INT32) is not in a.parquet"),
            ("int32 ID;", "int32 id;", "the column ID of a.parquet (INT32) is not in b.parquet, which has id"),
        ] {
            let written = |fields: &str| {
                let optional: Vec<_> =
                    fields.split_terminator(';').map(|field| format!("optional {};", field.trim())).collect();
                optional.join(" ")
            };
            let error = held(&written(one), &written(other)).unwrap_err();
            assert!(error.contains(told) && error.contains("give files of one schema"), "{error}");
        }
    }

    #[test]
    fn alike_looks_into_nested_columns() {
        let list = |kind: &str, element: &str| {
            format!("optional group l {kind} {{ repeated group list {{ optional {element} element; }} }}")
        };
        assert_eq!(held(&list("(LIST)", "int32"), &list("(LIST)", "int32")), Ok(()));
        let error = held(&list("(LIST)", "int32"), &list("(LIST)", "int64")).unwrap_err();
        assert!(error.contains("the column l.list.element is INT32 in a LIST of repeated group"), "{error}");
        let error = held(&list("(LIST)", "int32"), &list("", "int32")).unwrap_err();
        assert!(error.contains("in a group of repeated group in b.parquet"), "{error}");
        let error = held("optional int32 n;", "repeated int32 n;").unwrap_err();
        assert!(error.contains("repeated INT32 in b.parquet"), "{error}");
        // A dot in a name is no nesting.
        let group = "optional group user { optional int32 name; }";
        let flat = Type::primitive_type_builder("user.name", Physical::INT32).with_repetition(Repetition::OPTIONAL);
        let flat = Type::group_type_builder("m").with_fields(vec![flat.build().unwrap().into()]).build().unwrap();
        assert_ne!(Schema::of_root(&flat), schema(group));
    }

    #[test]
    fn cautions_name_int96_columns_and_names_that_differ_by_case() {
        let told =
            schema("optional int96 ts; optional int32 id; optional int32 ID; optional group g { optional int32 x; }");
        let cautions = told.cautions();
        assert!(cautions[0].starts_with("the column ts is INT96, a deprecated type"), "{cautions:?}");
        assert!(cautions[1].starts_with("the columns ID, id have one name but for"), "{cautions:?}");
        assert_eq!(cautions.len(), 2);
        let told = schema(
            "optional int96 a; optional group g { optional int96 b; optional int32 c; optional group C { optional int32 d; } }",
        );
        let cautions = told.cautions();
        assert!(cautions[0].starts_with("the columns a, g.b are INT96"), "{cautions:?}");
        assert!(cautions[1].starts_with("the columns g.C, g.c have"), "{cautions:?}");
        assert_eq!(schema("optional int32 INT96;").cautions(), Vec::<String>::new());
    }
}
