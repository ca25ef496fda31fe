//! Makes tables on all cores: one queue of parts over all of them, the largest first, so that no core waits at the end.
//!
//! Each worker has one part open and streams it to its file, so memory grows with the threads and not with the
//! scale. The calling thread brings finished files to the disk and publishes a table when its last part is in.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};

use anyhow::bail;

use super::generator::{Generator, Part};
use super::manifest::{FileEntry, Manifest, TableOrigin};
use super::parquet;
use super::progress::generate;
use super::staging::Staging;
use crate::host::interrupt;
use crate::host::progress::Work as Progress;

/// Makes the tables that `origins` name, all of one suite and scale, in `folder`, whose lock is held; each appears as soon as
/// it is complete. So many parts are made at a time as there are `threads`.
///
/// # Errors
/// The disk is full or cannot be written, or an interrupt came. Unfinished tables are removed.
pub(super) fn tables(
    generator: &'static dyn Generator,
    folder: &Path,
    threads: usize,
    origins: &[TableOrigin],
) -> anyhow::Result<()> {
    let Some(first) = origins.first() else { return Ok(()) };
    let what = format!("{} {}", first.suite, first.scale);
    let names: Vec<&str> = origins.iter().map(|origin| origin.table.as_str()).collect();
    let mut queue = Vec::new();
    for (table, origin) in origins.iter().enumerate() {
        let parts = generator.parts(&origin.table, origin.scale)?;
        queue.extend(parts.into_iter().map(|part| Task { table, part }));
    }
    queue.sort_by_key(|task| std::cmp::Reverse(task.part.bytes));
    let (rows, bytes) = (queue.iter().map(|task| task.part.rows).sum(), queue.iter().map(|task| task.part.bytes).sum());
    generate(folder, &what, &names, (rows, bytes), |progress| {
        let mut making = Vec::new();
        for origin in origins {
            let staging = Staging::new(folder, &origin.table)?;
            making.push(Making { origin: origin.clone(), staging, files: Vec::new() });
        }
        let work = Work {
            generator,
            origins,
            folders: making.iter().map(|table| table.staging.path().to_owned()).collect(),
            queue,
            next: AtomicUsize::new(0),
            stop: AtomicBool::new(false),
            progress,
        };
        run(&work, &mut making, threads)?;
        Ok(making.into_iter().flat_map(|table| table.files).collect())
    })
}

/// One file to make.
struct Task {
    table: usize,
    part: Part,
}

/// What the workers share.
struct Work<'a> {
    generator: &'static dyn Generator,
    origins: &'a [TableOrigin],
    folders: Vec<PathBuf>,
    queue: Vec<Task>,
    next: AtomicUsize,
    stop: AtomicBool,
    progress: &'a Progress,
}

/// A file that is complete but may not have reached the disk.
struct Done {
    table: usize,
    part: Part,
    written: parquet::Written,
}

/// Runs the workers and takes in what they make; after the first error all of them stop.
fn run(work: &Work, making: &mut [Making], threads: usize) -> anyhow::Result<()> {
    let threads = threads.min(work.queue.len());
    // Bounded, so that a slow disk slows the workers down instead of piling up open files.
    let (sender, receiver) = sync_channel(threads);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            let sender = sender.clone();
            scope.spawn(move || work.worker(&sender));
        }
        drop(sender); // the channel ends with the last worker
        let outcome = receiver.into_iter().try_for_each(|done| done.and_then(|done| making[done.table].add(done)));
        work.stop.store(true, Ordering::Relaxed);
        outcome
    })
}

impl Work<'_> {
    /// Makes part after part until the queue is empty or the work was stopped.
    fn worker(&self, sender: &SyncSender<anyhow::Result<Done>>) {
        while let Some(task) = self.queue.get(self.next.fetch_add(1, Ordering::Relaxed)) {
            let done = self.make(task);
            let failed = done.is_err();
            // A closed channel means that the work was stopped: nobody waits for this part.
            if sender.send(done).is_err() || failed {
                return;
            }
        }
    }

    fn make(&self, task: &Task) -> anyhow::Result<Done> {
        let origin = &self.origins[task.table];
        let path = self.folders[task.table].join(format!("part-{:03}.parquet", task.part.index));
        let batches = self.generator.open(&origin.table, origin.scale, task.part)?;
        let written = parquet::write(&path, batches, |rows| {
            self.progress.done(rows);
            if interrupt::requested() || self.stop.load(Ordering::Relaxed) {
                bail!("interrupted while generating {} {}", origin.suite, origin.scale);
            }
            Ok(())
        })?;
        Ok(Done { table: task.table, part: task.part, written })
    }
}

/// A table in the making.
struct Making {
    origin: TableOrigin,
    staging: Staging,
    files: Vec<FileEntry>,
}

impl Making {
    /// Takes in a finished file, and publishes the table with the last one.
    fn add(&mut self, done: Done) -> anyhow::Result<()> {
        let parts = usize::try_from(done.part.count)?;
        self.files.push(done.written.entry()?);
        if self.files.len() < parts {
            return Ok(());
        }
        self.files.sort_by(|a, b| a.name.cmp(&b.name));
        Manifest::new(self.origin.clone(), self.files.clone()).write(self.staging.path())?;
        self.staging.publish()
    }
}
