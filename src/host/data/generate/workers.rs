//! Makes tables on all cores: one queue of parts over all of them, the largest first, so that no core waits at the end.
//!
//! Each worker has one part open and streams it to its file, so memory grows with the threads and not with the
//! scale. The calling thread brings finished files to the disk and publishes a table when its last part is in.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use anyhow::bail;

use super::generator::{Generator, Part};
use super::manifest::{FileEntry, Manifest, Provenance};
use super::parquet;
use super::progress::Generation;
use super::staging::Staging;
use crate::host::interrupt;
use crate::host::space;

/// Where tables are made, and with what.
pub(super) struct Target<'a> {
    /// Who makes them.
    pub generator: &'static dyn Generator,
    /// The folder that holds the tables' folders; its lock is held.
    pub folder: &'a Path,
    /// How many parts are made at a time.
    pub threads: usize,
}

/// Makes the tables that `origins` name, all of one workload and scale; each appears as soon as it is complete.
///
/// # Errors
/// The disk is full or cannot be written, or an interrupt came. Unfinished tables are removed.
pub(super) fn tables(target: &Target, origins: &[Provenance]) -> anyhow::Result<()> {
    let Some(first) = origins.first() else {
        return Ok(());
    };
    let what = format!("{} {}", first.workload, first.scale);
    let queue = queue(target.generator, origins)?;
    let needed = queue.iter().map(|task| task.part.bytes).sum();
    let rows = queue.iter().map(|task| task.part.rows).sum();
    space::check(target.folder, &what, needed)?;

    let names: Vec<&str> = origins.iter().map(|origin| origin.table.as_str()).collect();
    let progress = Generation::start(&what, &names, rows);
    let making: anyhow::Result<Vec<_>> = origins.iter().map(|origin| Making::new(target.folder, origin)).collect();
    let mut making = making?;
    let work = Work {
        generator: target.generator,
        origins,
        folders: making.iter().map(|table| table.staging.path().to_owned()).collect(),
        queue,
        next: AtomicUsize::new(0),
        stop: AtomicBool::new(false),
        progress,
    };
    run(&work, &mut making, target.threads).map_err(|error| space::explain(error, target.folder, &what, needed))?;

    let files = || making.iter().flat_map(|table| &table.files);
    let (rows, bytes) = (files().map(|f| f.rows).sum(), files().map(|f| f.bytes).sum());
    work.progress.finish(rows, bytes);
    Ok(())
}

/// All parts of all tables, the largest first.
fn queue(generator: &dyn Generator, origins: &[Provenance]) -> anyhow::Result<Vec<Task>> {
    let mut queue = Vec::new();
    for (table, origin) in origins.iter().enumerate() {
        let parts = generator.parts(&origin.table, origin.scale)?;
        queue.extend(parts.into_iter().map(|part| Task { table, part }));
    }
    queue.sort_by_key(|task| std::cmp::Reverse(task.part.bytes));
    Ok(queue)
}

/// One file to make.
struct Task {
    table: usize,
    part: Part,
}

/// What the workers share.
struct Work<'a> {
    generator: &'static dyn Generator,
    origins: &'a [Provenance],
    folders: Vec<PathBuf>,
    queue: Vec<Task>,
    next: AtomicUsize,
    stop: AtomicBool,
    progress: Generation,
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
        let outcome = take_in(receiver, making);
        work.stop.store(true, Ordering::Relaxed);
        outcome
    })
}

/// Syncs and counts finished files until the workers are through or one of them failed.
fn take_in(receiver: Receiver<anyhow::Result<Done>>, making: &mut [Making]) -> anyhow::Result<()> {
    for done in receiver {
        let done = done?;
        making[done.table].add(done)?;
    }
    Ok(())
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
        let name = format!("part-{:03}.parquet", task.part.index);
        let batches = self.generator.open(&origin.table, origin.scale, task.part)?;
        let path = self.folders[task.table].join(name);
        let written = parquet::write(&path, batches, |rows| {
            self.progress.add(rows);
            if interrupt::requested() || self.stop.load(Ordering::Relaxed) {
                bail!("interrupted while generating {} {}", origin.workload, origin.scale);
            }
            Ok(())
        })?;
        Ok(Done { table: task.table, part: task.part, written })
    }
}

/// A table in the making.
struct Making {
    origin: Provenance,
    staging: Staging,
    files: Vec<FileEntry>,
}

impl Making {
    fn new(folder: &Path, origin: &Provenance) -> anyhow::Result<Self> {
        Ok(Self { origin: origin.clone(), staging: Staging::new(folder, &origin.table)?, files: Vec::new() })
    }

    /// Takes in a finished file, and publishes the table with the last one.
    fn add(&mut self, done: Done) -> anyhow::Result<()> {
        let parts = usize::try_from(done.part.count)?;
        self.files.push(done.written.entry()?);
        if self.files.len() < parts {
            return Ok(());
        }
        self.files.sort_by(|a, b| a.name.cmp(&b.name));
        let manifest = Manifest::new(self.origin.clone(), self.files.clone());
        manifest.write(self.staging.path())?;
        self.staging.publish()
    }
}
