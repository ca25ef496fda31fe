//! What machines measured, brought home: records into the journal, where the history takes them in, with the instance type as a part of the
//! machine class. So they are ranked among themselves and never with results of other machines.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use querydyno::host::files::write_whole;
use querydyno::host::paths;
use querydyno::host::record::{self, Record};

use super::follow::Ending;
use super::plan::{Backend, Plan};

/// What was brought home of an engine.
pub(super) struct Collected {
    pub(super) records: Vec<Record>,
    pub(super) file: PathBuf,
}

/// Takes each engine's records from the mirror of the run's folder. To do it twice changes nothing.
///
/// # Errors
/// When the journal cannot be written.
pub(super) fn collect(plan: &Plan, endings: &[Ending], mirror: &Path) -> Result<Vec<Collected>> {
    let mut all = Vec::new();
    for ending in endings {
        let mut records = records(&mirror.join(&ending.name).join("records"))?;
        if records.is_empty() {
            continue;
        }
        for record in &mut records {
            if plan.backend == Backend::Ec2 {
                record.host.name = Some(plan.instance_type.clone());
            }
        }
        records.sort_by(|a, b| (&a.started_at, &a.id).cmp(&(&b.started_at, &b.id)));
        let lines: Vec<String> = records.iter().map(serde_json::to_string).collect::<Result<_, _>>()?;
        // Not named after its own run: two machines may have started a process of one number in one second.
        let file = paths::home().join("records").join(format!("cloud-{}-{}.jsonl", plan.run_id, ending.name));
        write_whole(&file, (lines.join("\n") + "\n").as_bytes())
            .with_context(|| format!("cannot write {}", file.display()))?;
        all.push(Collected { records, file });
    }
    Ok(all)
}

fn records(folder: &Path) -> Result<Vec<Record>> {
    let mut files: Vec<PathBuf> =
        fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "jsonl"));
    files.sort();
    let mut all = Vec::new();
    for file in files {
        all.extend(record::read(&file)?);
    }
    Ok(all)
}
