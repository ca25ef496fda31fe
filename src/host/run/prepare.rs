//! Everything of a cell before its samples: program, data, session, one run, its answer and what the referee says.
//!
//! What is learned goes into the cell's record at once, so that a failure keeps all that was known before it.

use std::collections::BTreeMap;

use anyhow::{Result, anyhow};

use super::Runner;
use super::event::Event;
use super::launch::{Fresh, Launched, miscounted};
use super::resolve::CellResult;
use super::select::Cell;
use super::stop::Stop;
use crate::host::checksum::sha256;
use crate::host::data::tables::{self, Found};
use crate::host::record::{NetworkRecord, Record, TableRead, metric};
use crate::host::session::{Program, Runs, Session};
use crate::host::variant::is_on_s3;
use crate::protocol::dataset::{Dataset, Table};
use crate::protocol::engine::Server;
use crate::protocol::task::Task;
use crate::protocol::units::Bytes;

/// A cell that is ready for its samples.
pub(crate) struct Ready {
    pub(crate) session: Session,
    /// The verifying run.
    pub(crate) first: Runs,
    /// What the program was told to load and to run.
    pub(crate) dataset: Dataset,
    pub(crate) query: Task,
    /// The server that does the work, where the program is its client.
    pub(crate) server: Option<Server>,
}

impl Runner<'_> {
    /// Brings a cell to the point where its samples can be taken, filling in its record. An answer that no reference vouches for
    /// is left in `result.unverified`.
    ///
    /// # Errors
    /// Why there will be no samples, a wrong answer included.
    pub(crate) fn prepare(&self, cell: &Cell<'_>, program: &Program, result: &mut CellResult) -> Result<Ready, Stop> {
        let record = &mut result.record;
        let query = cell.task()?;
        let text = query.text();
        record.query.sha256 = Some(sha256(&text));
        record.query.sql = cell.suite.is_external().then(|| text.clone());
        let Found { dataset, planning } = cell.tables(self.settings, &self.store)?;
        record.planning = planning;
        // Only a metastore knows that a table in it is on S3.
        record.dataset.format.clone_from(&dataset.format);
        if is_on_s3(&dataset.format) && record.network.is_none() {
            let conditions = Some(&self.settings.s3.network).filter(|network| !network.is_plain());
            record.network = Some(NetworkRecord { conditions: conditions.cloned(), ..NetworkRecord::default() });
        }
        record.dataset.sha256 = Some(dataset.sha256.clone());
        record.dataset.layout = Some(dataset.layout.clone());
        let read = |table: &Table| TableRead::of(table, tables::reads_single_precision(table, &text));
        record.dataset.tables = dataset.tables.iter().map(read).collect();
        let cautions = dataset.tables.iter().flat_map(|table| table.cautions.clone());
        record.dataset.cautions = cautions.chain(tables::overflow_caution(&dataset.tables, &text)).collect();
        self.tell(&Event::Verifying { id: &cell.id, parallel: cell.variant.parallel });
        let ready = self.answered(cell, program, query, dataset, result);
        self.tell(&Event::Answered { id: &cell.id });
        ready
    }

    fn answered(
        &self,
        cell: &Cell<'_>,
        program: &Program,
        query: Task,
        dataset: Dataset,
        result: &mut CellResult,
    ) -> Result<Ready, Stop> {
        let record = &mut result.record;
        let fresh = Fresh::of(cell, program, self.settings, &dataset, &query);
        let Launched { mut session, info, load_ns, rows } = fresh.launch(true)?;
        record.engine.version = Some(info.version);
        record.engine.build = info.build;
        record.engine.settings = info.settings;
        let server = info.server;
        record.metrics.set(metric::LOAD_TIME, [metric::value(load_ns)]);
        check_rows(&dataset, rows.as_ref(), record)?;
        record.metrics.set(metric::BASELINE_MEMORY, session.memory().map(|Bytes(bytes)| metric::value(bytes)));
        let first = session.run(1)?;
        record.rows = Some(first.rows);
        self.verify(cell, &mut session, result)?;
        Ok(Ready { session, first, dataset, query, server })
    }
}

/// Whether the engine reads as many rows as the files have.
fn check_rows(dataset: &Dataset, counted: Option<&BTreeMap<String, u64>>, record: &mut Record) -> Result<(), Stop> {
    let Some(counted) = counted else { return Ok(()) };
    for (table, read) in dataset.tables.iter().zip(&mut record.dataset.tables) {
        read.engine_rows = counted.get(&table.name).copied();
        if let Some(engine) = miscounted(table, Some(counted)) {
            return Err(anyhow!(
                "it reads {engine} rows of the table {}, whose {} files have {}: its times would be of other data",
                table.name,
                table.files.len(),
                table.rows
            )
            .into());
        }
    }
    Ok(())
}
