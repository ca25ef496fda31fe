//! What a plan says of the machine that it was made on, taken out: [`PlanNames`]. Files get the names of their tables; byte ranges go;
//! addresses and random ids become numbers. Operators, conditions and counts of threads stay as they are.

use std::collections::BTreeMap;
use std::path::Path;

use crate::protocol::dataset::{Dataset, Table};
use crate::protocol::location::Location;

/// The tables that a plan reads, by their files.
#[derive(Debug, Default)]
pub(crate) struct PlanNames {
    /// A file in one of the ways to write it, and what stands in its place; the longest first, since one may begin another.
    files: Vec<(String, String)>,
    /// Folders of tables.
    folders: Vec<String>,
}

impl PlanNames {
    /// Those of a dataset.
    pub(crate) fn of(dataset: &Dataset) -> Self {
        let mut files: BTreeMap<String, String> = BTreeMap::new();
        let mut folders = Vec::new();
        for table in &dataset.tables {
            for (location, name) in named(table) {
                files.extend(forms(&location.to_string()).into_iter().map(|form| (form, name.clone())));
                let folder = location.local().ok().and_then(Path::parent);
                folders.extend(folder.map(|folder| folder.display().to_string()));
            }
        }
        let mut files: Vec<(String, String)> = files.into_iter().collect();
        files.sort_by_key(|(form, _)| std::cmp::Reverse(form.len()));
        folders.sort();
        folders.dedup();
        Self { files, folders }
    }

    /// The text without what is this machine's or this run's. `scratch` is the program's folder for spill files.
    pub(crate) fn apply(&self, text: &str, scratch: &Path) -> String {
        let mut text = text.replace("\r\n", "\n");
        for (file, name) in &self.files {
            text = replaced(&text, file, |_| (name.clone(), 0));
        }
        let scratch = scratch.display().to_string();
        let mut folders: Vec<&str> = self.folders.iter().map(String::as_str).chain([scratch.as_str()]).collect();
        folders.sort_by_key(|folder| std::cmp::Reverse(folder.len()));
        for folder in folders.into_iter().filter(|folder| folder.len() > 1) {
            for form in forms(folder) {
                text = replaced(&text, &format!("{form}/"), last_part);
            }
        }
        let lines: Vec<String> =
            numbered(&without_ranges(&text)).lines().map(|line| line.trim_end().to_owned()).collect();
        let is_empty = |line: &&String| line.is_empty();
        let begin = lines.iter().take_while(is_empty).count();
        let end = lines.iter().rev().take_while(is_empty).count();
        lines.get(begin..lines.len() - end).unwrap_or_default().join("\n")
    }
}

/// A table's files, each with the name that it gets: the table's, with a number where there are several.
fn named(table: &Table) -> Vec<(&Location, String)> {
    let several = table.files.len() > 1;
    let name = |number: usize| if several { format!("{}/{number}", table.name) } else { table.name.clone() };
    let files = table.files.iter().zip(1..).map(|(file, number)| (file, name(number)));
    let metadata = table.iceberg.as_ref().map(|iceberg| (&iceberg.metadata, table.name.clone()));
    files.chain(metadata).collect()
}

/// The ways in which engines write a path: as a URL, as it is, as a key without its slash; blanks and the like as they are or not.
fn forms(path: &str) -> Vec<String> {
    let encoded = encoded(path);
    let mut forms = Vec::new();
    for path in [path, encoded.as_str()] {
        let key = path.trim_start_matches('/');
        forms.extend([format!("file://{path}"), path.to_owned(), key.to_owned()]);
        // What an engine that takes a name for a pattern is told.
        forms.extend(path.contains(['*', '?', '[']).then(|| escaped(path)));
    }
    forms.sort_by_key(|form| std::cmp::Reverse(form.len()));
    forms.dedup();
    forms.retain(|form| !form.is_empty());
    forms
}

fn encoded(path: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/:".contains(&byte);
    path.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

fn escaped(path: &str) -> String {
    path.chars().map(|c| if "*?[".contains(c) { format!("[{c}]") } else { c.to_string() }).collect()
}

/// Whether a path may go on with this.
fn is_of_path(c: char) -> bool {
    c.is_alphanumeric() || "_-./%".contains(c)
}

/// The text with something else where `from` stands and no longer path is meant. `to` sees what follows it, and says what stands there and
/// how much of that it takes too.
fn replaced(text: &str, from: &str, to: impl Fn(&str) -> (String, usize)) -> String {
    let (mut done, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(start) = rest.find(from) {
        let (before, after) = (&rest[..start], &rest[start + from.len()..]);
        let begins = !before.chars().next_back().or(done.chars().next_back()).is_some_and(is_of_path);
        let ends = from.ends_with('/') || !after.chars().next().is_some_and(is_of_path);
        done += before;
        if begins && ends {
            let (name, taken) = to(after);
            done += &name;
            rest = &after[taken..];
        } else {
            done += from;
            rest = after;
        }
    }
    done + rest
}

/// What stands for a path below a folder: its last part.
fn last_part(after: &str) -> (String, usize) {
    let end = after.find(|c: char| c.is_whitespace() || ",:;)]}'\"".contains(c)).unwrap_or(after.len());
    let path = after[..end].trim_end_matches('/');
    (path.rsplit('/').next().unwrap_or(path).to_owned(), end)
}

/// The text without the part of a file that is read, `:0..4711`: where a file is cut depends on its size and says nothing of the plan.
fn without_ranges(text: &str) -> String {
    let (mut done, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(start) = rest.find(':') {
        let after = &rest[start + 1..];
        let end = digits(after).and_then(|first| {
            let second = after[first..].strip_prefix("..")?;
            Some(first + 2 + digits(second)?)
        });
        done += &rest[..start];
        // What is no range goes on behind its colon.
        if end.is_none() {
            done.push(':');
        }
        rest = &after[end.unwrap_or_default()..];
    }
    done + rest
}

/// How many digits a text begins with; none where there is no digit.
fn digits(text: &str) -> Option<usize> {
    Some(text.bytes().take_while(u8::is_ascii_digit).count()).filter(|count| *count > 0)
}

/// The text with addresses (`0x7f3a09c2`), random ids (UUIDs) and the numbers of names that an engine made up (`__expr_7`) as `#1`, `#2` in
/// the order in which they come: what is the same stays the same.
fn numbered(text: &str) -> String {
    let mut known: Vec<&str> = Vec::new();
    let (mut done, mut rest) = (String::with_capacity(text.len()), text);
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    while let Some(start) = rest.find(is_word) {
        let word = &rest[start..];
        let end = word.find(|c: char| !is_word(c)).unwrap_or(word.len());
        let (word, after) = word.split_at(end);
        done += &rest[..start];
        if let Some(begin) = begin_of_made_up(word) {
            let place = known.iter().position(|other| *other == word).unwrap_or_else(|| {
                known.push(word);
                known.len() - 1
            });
            done += &format!("{begin}#{}", place + 1);
        } else {
            done += word;
        }
        rest = after;
    }
    done + rest
}

/// What stays of a word that is another one in another process: nothing of an address or a random id, and of a made-up name all but its
/// number, which an engine may count over all its queries.
fn begin_of_made_up(word: &str) -> Option<&str> {
    if is_address(word) || is_uuid(word) {
        return Some("");
    }
    let begin = word.trim_end_matches(|c: char| c.is_ascii_digit());
    let is_counted = begin.len() < word.len() && begin.ends_with('_');
    let by_an_engine =
        begin.starts_with("__") || (begin.starts_with('_') && !begin.contains(|c: char| c.is_ascii_lowercase()));
    (is_counted && by_an_engine && begin.len() > 2).then_some(begin)
}

fn is_address(word: &str) -> bool {
    word.strip_prefix("0x")
        .is_some_and(|digits| digits.len() >= 6 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

fn is_uuid(word: &str) -> bool {
    let parts = word.split('-').map(|part| (part.len(), part.bytes().all(|byte| byte.is_ascii_hexdigit())));
    parts.eq([8, 4, 4, 4, 12].map(|length| (length, true)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dataset(folder: &str, tables: &[(&str, &[&str])]) -> Dataset {
        let table = |(name, files): &(&str, &[&str])| Table {
            name: (*name).to_owned(),
            files: files.iter().map(|file| Location::Local(format!("{folder}/{file}").into())).collect(),
            ..Table::default()
        };
        Dataset {
            suite: "tpch".to_owned(),
            scale: "0.01".parse().unwrap(),
            format: "parquet".to_owned(),
            sha256: String::new(),
            layout: String::new(),
            generated: true,
            tables: tables.iter().map(table).collect(),
        }
    }

    /// A text as it is kept, where this folder has these tables.
    fn kept(folder: &str, scratch: &str, text: &str) -> String {
        let tables: [(&str, &[&str]); 3] = [
            ("part", &["part.parquet"]),
            ("partsupp", &["part.parquet2"]),
            ("orders", &["o/1.parquet", "o/2.parquet"]),
        ];
        PlanNames::of(&dataset(folder, &tables)).apply(text, Path::new(scratch))
    }

    #[test]
    fn apply_gives_the_same_text_on_two_machines() {
        let plan = |folder: &str, key: &str, scratch: &str, range: u32, address: &str| {
            format!(
                "\nDataSourceExec: file_groups={{2 groups: [[{key}/part.parquet:0..{range}], [{key}/part.parquet:{range}..{}]]}}  \r\n\
                 Parquet SCAN [{folder}/o/1.parquet, file://{folder}/o/2.parquet]\n\
                 read_parquet('{folder}/part.parquet2'), link {scratch}/tmpx1/000001.parquet\n\
                 CACHE[id: {address}] <object at 0x{}>\nCACHE[id: {address}]\n\n",
                2 * range,
                address.replace('-', "")
            )
        };
        let one = plan("/data/a", "data/a", "/tmp/s1", 100, "53c0c2e6-0000-4a4e-8a6e-0123456789ab");
        let other = plan("/home/b/my data", "home/b/my data", "/var/s/2", 777, "ffffc2e6-1111-4a4e-8a6e-ba9876543210");
        let (one, other) = (kept("/data/a", "/tmp/s1", &one), kept("/home/b/my data", "/var/s/2", &other));
        assert_eq!(one, other);
        assert_eq!(
            one,
            "DataSourceExec: file_groups={2 groups: [[part], [part]]}\nParquet SCAN [orders/1, orders/2]\n\
             read_parquet('partsupp'), link 000001.parquet\nCACHE[id: #1] <object at #2>\nCACHE[id: #1]"
        );
    }

    #[test]
    fn apply_knows_a_path_as_a_url_with_blanks_encoded() {
        assert_eq!(
            kept("/my data", "/s", "[file:///my%20data/part.parquet] [my%20data/part.parquet]"),
            "[part] [part]"
        );
    }

    #[test]
    fn apply_leaves_operators_conditions_and_numbers_alone() {
        let plan = "RepartitionExec: partitioning=RoundRobinBatch(2), input_partitions=1\n  FILTER: a / b > 0.05 AND c = '/x/y' [a:b]\n  \
                    x: 1..2 between 1995-01-01 and 0x7 CASE a-b";
        assert_eq!(kept("/data", "/s", plan), plan);
    }

    #[test]
    fn apply_numbers_names_that_an_engine_made_up_by_their_place() {
        let plan = |first: u32| {
            format!(
                "FILTER _POLARS_TMP_PLAN_{first} > __expr_{} AND _POLARS_TMP_PLAN_{first} AND l_2 + _a_3",
                first + 1
            )
        };
        assert_eq!(kept("/data", "/s", &plan(0)), kept("/data", "/s", &plan(41)));
        let kept = kept("/data", "/s", &plan(7));
        assert_eq!(kept, "FILTER _POLARS_TMP_PLAN_#1 > __expr_#2 AND _POLARS_TMP_PLAN_#1 AND l_2 + _a_3");
    }

    #[test]
    fn apply_takes_no_part_of_another_path_for_a_file() {
        let other = "[/data/part.parquet.crc] [/x/data/part.parquet] [/data/part.parquets]";
        assert_eq!(kept("/data", "/s", other), "[part.parquet.crc] [/x/data/part.parquet] [part.parquets]");
    }

    #[test]
    fn apply_names_a_table_of_iceberg_by_its_metadata() {
        let mut dataset = dataset("/w/t/data", &[("items", &["0.parquet"])]);
        let iceberg = r#"{"metadata":"/w/t/metadata/v3.metadata.json","snapshot_id":7,"columns":[]}"#;
        dataset.tables[0].iceberg = Some(serde_json::from_str(iceberg).unwrap());
        let names = PlanNames::of(&dataset);
        let told = "ICEBERG SCAN [/w/t/metadata/v3.metadata.json] -> /w/t/data/0.parquet, /w/t/metadata/snap.avro";
        assert_eq!(names.apply(told, Path::new("/s")), "ICEBERG SCAN [items] -> items, snap.avro");
    }
}
