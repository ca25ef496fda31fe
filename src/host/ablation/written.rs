//! Ablations in a folder, each as a picture for people and as JSON for whoever shows it again, such as a server: [`write`], [`read`].

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use super::{Ablation, draw};
use crate::host::files::write_whole;

/// Below the target folder, where nobody names another.
pub const FOLDER: &str = "ablation";
/// No ablation has so many bytes of JSON.
const MOST_BYTES: u64 = 4 << 20;

/// Writes an ablation into a folder, in place of the one before of the same engine, query, scale and variant; where its picture is.
///
/// # Errors
/// When it cannot be drawn or written.
pub fn write(ablation: &Ablation, folder: &Path) -> Result<PathBuf> {
    let name = format!("{}-{}", ablation.engine, ablation.name());
    let picture = folder.join(format!("{name}.svg"));
    let json = serde_json::to_string_pretty(ablation)? + "\n";
    for (path, text) in [(picture.clone(), draw(ablation)?.standalone()), (folder.join(format!("{name}.json")), json)] {
        write_whole(&path, text.as_bytes()).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(picture)
}

/// The ablations in a folder, the newest first, and why others of its files of JSON are none. A folder that is not there has none.
pub fn read(folder: &Path) -> (Vec<Ablation>, Vec<String>) {
    let mut files: Vec<PathBuf> =
        fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    files.retain(|path| path.extension().is_some_and(|ending| ending == "json"));
    files.sort();
    let (mut found, mut wrong) = (Vec::new(), Vec::new());
    for path in files {
        match of_file(&path) {
            Ok(ablation) => found.push(ablation),
            Err(error) => {
                let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                wrong.push(format!("{name} is no ablation that this version reads: {error:#}"));
            }
        }
    }
    found.sort_by(|a: &Ablation, b| b.taken_at.cmp(&a.taken_at));
    (found, wrong)
}

fn of_file(path: &Path) -> Result<Ablation> {
    let bytes = fs::metadata(path)?.len();
    ensure!(bytes <= MOST_BYTES, "it has {bytes} bytes");
    Ok(serde_json::from_slice(&fs::read(path)?)?)
}

#[cfg(test)]
mod tests {
    use super::super::{Effect, Figures, Measured, Outcome, Role};
    use super::*;
    use crate::host::stats::Interval;

    fn ablation(query: &str, taken_at: &str) -> Ablation {
        let figures = |time_ns| {
            Outcome::Figures(Box::new(Figures {
                time_ns,
                steps_ns: vec![("read".to_owned(), time_ns / 2.0)],
                rounds_ns: vec![time_ns; 6],
                ..Figures::default()
            }))
        };
        let measured = |role: Role, outcome| Measured { name: role.name(), role, outcome };
        Ablation {
            engine: "pipeline".to_owned(),
            version: "1".to_owned(),
            settings: [("batch".to_owned(), "1000".to_owned())].into(),
            query: query.to_owned(),
            scale: "sf1".parse().unwrap(),
            rows: 1000,
            variant: "parquet".to_owned(),
            rounds: 6,
            verified: "reference".to_owned(),
            host: crate::measure::machine::Host::read(),
            taken_at: taken_at.to_owned(),
            variants: vec![
                measured(Role::Baseline, figures(2e9)),
                measured(Role::Added("columnar".to_owned()), figures(1e9)),
                measured(Role::Full, Outcome::Failed("it crashed".to_owned())),
            ],
            effects: vec![Effect {
                option: "columnar".to_owned(),
                alone: Some(Interval { estimate: 2.0, low: 1.9, high: 2.1 }),
                in_full: None,
            }],
        }
    }

    #[test]
    fn read_gives_what_was_written_the_newest_first_and_tells_what_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let (old, new) = (ablation("q1", "2026-11-20T00:00:00Z"), ablation("q2", "2026-11-21T00:00:00Z"));
        for one in [&old, &new] {
            let picture = write(one, folder.path()).unwrap();
            assert!(fs::read_to_string(picture).unwrap().contains("<svg"));
        }
        fs::write(folder.path().join("other.json"), "{}").unwrap();
        let (found, wrong) = read(folder.path());
        assert_eq!(found, [new, old]);
        assert!(wrong.len() == 1 && wrong[0].starts_with("other.json is no ablation"), "{wrong:?}");
        // The same again is in its place.
        let again = ablation("q1", "2026-11-22T00:00:00Z");
        write(&again, folder.path()).unwrap();
        assert_eq!(read(folder.path()).0[0], again);
        // On S3 it is another one.
        let stored = Ablation { variant: "s3-rtt2ms".to_owned(), ..ablation("q1", "2026-11-23T00:00:00Z") };
        let picture = write(&stored, folder.path()).unwrap();
        assert!(fs::read_to_string(picture).unwrap().contains("s3-rtt2ms"));
        assert_eq!(read(folder.path()).0[..2], [stored, again]);
        assert_eq!(read(&folder.path().join("none")), (Vec::new(), Vec::new()));
    }
}
