//! Reference answers as files: our own CSV, read and written, and the files that TPC publishes, read only.
//!
//! Says how they are stored, not which one counts (that is the referee's) or what equals them
//! ([`compare`](super::compare)).
//!
//! Ours are CSV with a header of `name:type`; the values stand as the engine gave them, so that a decimal keeps its
//! scale. NULL is `\N`; a text that begins with a backslash gets a second one before it.

use std::borrow::Cow;
use std::fs;
use std::io;
use std::path::Path;

use anyhow::{Context, Result, anyhow, bail, ensure};

use super::compare::typed::{self, Value};
use crate::host::files::write_whole;
use crate::host::suite::{ColumnSpec, QuerySpec};
use crate::protocol::answer::{Answer, Column, Kind};

const NULL: &str = r"\N";

const KINDS: [Kind; 9] = [
    Kind::Int,
    Kind::Decimal,
    Kind::Float,
    Kind::Float32,
    Kind::Text,
    Kind::Date,
    Kind::Timestamp,
    Kind::Bool,
    Kind::List,
];

/// Reads one of our own reference files, such as `fixtures/tpch/answers/sf1/q1.csv`.
///
/// # Errors
/// When it cannot be read or is not what [`write_csv`] writes; names the file and, as far as it is known, the line.
pub fn read_csv(path: &Path) -> Result<Answer> {
    let within = || format!("in the reference answer {}", path.display());
    let file = fs::File::open(path).with_context(|| format!("cannot read the reference answer {}", path.display()))?;
    read_rows(file).with_context(within)
}

fn read_rows(file: impl io::Read) -> Result<Answer> {
    let mut reader = csv::Reader::from_reader(file);
    let columns = reader.headers()?.iter().map(column).collect::<Result<Vec<_>>>()?;
    ensure!(!columns.is_empty(), "line 1: expected a header of name:type");
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record?;
        let line = record.position().map_or(0, csv::Position::line);
        let row = record.iter().map(unescape).collect::<Result<_>>();
        rows.push(row.with_context(|| format!("line {line}"))?);
    }
    Ok(Answer { columns, rows })
}

fn column(text: &str) -> Result<Column> {
    // An engine may have put a colon into the name itself, never into the type.
    let parts = text.rsplit_once(':');
    let found =
        parts.and_then(|(name, kind)| Some((name, KINDS.into_iter().find(|known| typed::name(*known) == kind)?)));
    let (name, kind) = found.with_context(|| {
        let names = KINDS.map(typed::name).join(", ");
        format!("line 1: expected name:type with one of {names}, found {}", typed::quoted(text))
    })?;
    Ok(Column { name: name.to_owned(), kind })
}

/// Writes an answer where [`read_csv`] finds it, making the folder; the same answer always gives the same bytes.
/// The file appears whole or not at all.
///
/// # Errors
/// When it cannot be written, or the answer has no columns.
pub fn write_csv(path: &Path, answer: &Answer) -> Result<()> {
    let cannot = || format!("cannot write the reference answer {}", path.display());
    let text = to_csv(answer).with_context(cannot)?;
    write_whole(path, &text).with_context(cannot)
}

fn to_csv(answer: &Answer) -> Result<Vec<u8>> {
    ensure!(!answer.columns.is_empty(), "it has no columns");
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(answer.columns.iter().map(|column| format!("{}:{}", column.name, typed::name(column.kind))))?;
    for row in &answer.rows {
        let escaped: Vec<Cow<'_, str>> = row.iter().map(|value| escape(value.as_deref())).collect();
        writer.write_record(escaped.iter().map(|value| value.as_bytes()))?;
    }
    Ok(writer.into_inner()?)
}

fn escape(value: Option<&str>) -> Cow<'_, str> {
    match value {
        None => NULL.into(),
        Some(text) if text.starts_with('\\') => format!("\\{text}").into(),
        Some(text) => text.into(),
    }
}

fn unescape(text: &str) -> Result<Option<String>> {
    match text.strip_prefix('\\') {
        None => Ok(Some(text.to_owned())),
        Some("N") => Ok(None),
        Some(rest) if rest.starts_with('\\') => Ok(Some(rest.to_owned())),
        Some(_) => bail!(r"expected \N for NULL or a doubled backslash, found {}", typed::quoted(text)),
    }
}

/// Reads one of TPC's published answers, `dbgen/answers/q1.out`, with the types that the query declares.
///
/// Columns are separated by `|`, padded with blanks, numbers rounded to two decimals: compare with
/// [`Precision::Published`](super::compare::Precision::Published). The header is skipped, since its names are not
/// always the query's. An empty text is an empty text, any other empty value is NULL.
///
/// # Errors
/// When there is no such file, or a line does not have the declared columns; names the file, the line and what was
/// expected.
pub fn read_published(path: &Path, query: &QuerySpec) -> Result<Answer> {
    let text = match fs::read_to_string(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(missing(path));
        }
        text => text.with_context(|| format!("cannot read the published answer {}", path.display()))?,
    };
    parse_published(&text, query).with_context(|| format!("in the published answer {}", path.display()))
}

fn missing(path: &Path) -> anyhow::Error {
    let [file, folder] = [path.file_name().map(Path::new), path.parent()].map(|part| part.unwrap_or(path).display());
    anyhow!("there is no {file} in {folder}: name the folder with TPC's published answers, q1.out to q22.out")
}

fn parse_published(text: &str, query: &QuerySpec) -> Result<Answer> {
    let mut lines = text.lines().zip(1..);
    ensure!(lines.next().is_some(), "line 1: expected a header, the file is empty");
    let rows = lines
        .filter(|(line, _)| !line.trim().is_empty())
        .map(|(line, number)| published_row(line, query).with_context(|| format!("line {number}")))
        .collect::<Result<_>>()?;
    let column = |column: &ColumnSpec| Column { name: column.name.clone(), kind: column.kind };
    Ok(Answer { columns: query.columns.iter().map(column).collect(), rows })
}

fn published_row(line: &str, query: &QuerySpec) -> Result<Vec<Option<String>>> {
    let mut values: Vec<&str> = line.split('|').map(str::trim).collect();
    let expected = query.columns.len();
    if values.len() == expected + 1 && values.last() == Some(&"") {
        values.pop();
    }
    ensure!(values.len() == expected, "expected {expected} values between bars, found {}", values.len());
    let read = |(text, column): (&str, &ColumnSpec)| {
        if text.is_empty() && column.kind != Kind::Text {
            return Ok(None);
        }
        let good = Value::read(text, column.kind, column.kind == Kind::Float).is_some();
        ensure!(good, "{}: expected {}, found {}", column.name, typed::form(column.kind), typed::quoted(text));
        Ok(Some(text.to_owned()))
    };
    values.into_iter().zip(&query.columns).map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(columns: &[&str]) -> QuerySpec {
        QuerySpec {
            name: "q".to_owned(),
            columns: columns.iter().map(|text| ColumnSpec::try_from((*text).to_owned()).unwrap()).collect(),
            ..QuerySpec::default()
        }
    }

    fn error(result: Result<Answer>) -> String {
        format!("{:#}", result.unwrap_err())
    }

    fn texts(answer: &Answer) -> Vec<Vec<Option<&str>>> {
        answer.rows.iter().map(|row| row.iter().map(Option::as_deref).collect()).collect()
    }

    #[test]
    fn what_is_written_reads_the_same() {
        let awkward = ["", "NULL", r"\N", r"\\N", r"\", " a ", "a,b", "say \"so\"", "two\nlines", "crlf\r\n", "ö|"];
        let mut rows: Vec<Vec<Option<String>>> = awkward.iter().map(|text| vec![Some((*text).to_owned())]).collect();
        rows.push(vec![None]);
        let columns = vec![Column { name: "count(a::int), b".to_owned(), kind: Kind::Text }];
        let answer = Answer { columns, rows };

        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sf1").join("q1.csv");
        write_csv(&path, &answer).unwrap();
        assert_eq!(read_csv(&path).unwrap(), answer);
        let first = fs::read(&path).unwrap();
        write_csv(&path, &answer).unwrap();
        assert_eq!(first, fs::read(&path).unwrap());
        let beside = fs::read_dir(path.parent().unwrap()).unwrap().count();
        assert_eq!(beside, 1, "a temporary file stayed");
    }

    #[test]
    fn every_type_has_a_name_of_its_own() {
        for kind in KINDS {
            let text = format!("\"{}\"", typed::name(kind));
            assert_eq!(serde_json::from_str::<Kind>(&text).unwrap(), kind);
        }
    }

    #[test]
    fn an_answer_without_rows_keeps_its_columns() {
        let columns = vec![Column { name: "n".to_owned(), kind: Kind::Int }];
        let answer = Answer { columns, rows: vec![] };
        let text = to_csv(&answer).unwrap();
        assert_eq!(text, b"n:int\n");
        assert_eq!(read_rows(text.as_slice()).unwrap(), answer);
        assert!(to_csv(&Answer::default()).is_err());
    }

    #[test]
    fn a_bad_reference_says_where() {
        assert!(error(read_rows("n:whole\n1\n".as_bytes())).contains("line 1: expected name:type with one of int, "));
        assert!(error(read_rows("".as_bytes())).contains("line 1: expected a header"));
        assert!(error(read_rows("n:int\n1\n1,2\n".as_bytes())).contains("line: 3"));
        let message = error(read_rows("n:text\na\n\\M\n".as_bytes()));
        assert_eq!(message, r"line 3: expected \N for NULL or a doubled backslash, found '\M'");
        assert!(error(read_csv(Path::new("/nowhere/q1.csv"))).contains("/nowhere/q1.csv"));
    }

    #[test]
    fn published_files_are_padded_in_many_ways() {
        let query = query(&["flag:text", "sum:decimal", "avg:float", "day:date", "count:int"]);
        let lines = [
            "l|wrong_name |avg|d|count                \r",
            "A|  37734107.00|25.52     |1995-02-23|             1478493\r",
            "N|991417.00|  |1995-02-24|38854.00|\r",
            "  |1|2|1995-02-25| 3",
            "",
            "",
        ];
        let answer = parse_published(&lines.join("\n"), &query).unwrap();
        let expected = [
            vec![Some("A"), Some("37734107.00"), Some("25.52"), Some("1995-02-23"), Some("1478493")],
            vec![Some("N"), Some("991417.00"), None, Some("1995-02-24"), Some("38854.00")],
            vec![Some(""), Some("1"), Some("2"), Some("1995-02-25"), Some("3")],
        ];
        assert_eq!(texts(&answer), expected);
        let kinds: Vec<Kind> = answer.columns.iter().map(|column| column.kind).collect();
        assert_eq!(kinds, [Kind::Text, Kind::Decimal, Kind::Float, Kind::Date, Kind::Int]);
    }

    #[test]
    fn a_bad_published_file_says_where_and_what() {
        let query = query(&["flag:text", "count:int"]);
        assert_eq!(error(parse_published("", &query)), "line 1: expected a header, the file is empty");
        assert_eq!(
            error(parse_published("h\nA|1\n\nA|1|2", &query)),
            "line 4: expected 2 values between bars, found 3"
        );
        assert_eq!(error(parse_published("h\nA|1.5", &query)), "line 2: count: expected a whole number, found '1.5'");
        let message = error(read_published(Path::new("/nowhere/answers/q1.out"), &query));
        assert!(message.starts_with("there is no q1.out in /nowhere/answers: "), "{message}");
    }
}
