//! What need not be simulated, since the history has it, or may not: [`Known`].

use std::collections::{HashMap, HashSet};

use anyhow::Result;

use super::models::Estimate;
use crate::history::store::Store;
use crate::host::report::LeftOut;
use crate::measure::machine::Host;

/// A cell of a suite on a class of machines.
type Place = (String, String, String);

/// What need not, or may not, be simulated.
pub(super) struct Known {
    measured: HashSet<Place>,
    /// With the newest reason, which has the inputs in it.
    simulated: HashMap<Place, String>,
    /// The engines that were found when they were last looked for on this class of machines, which this one is of.
    here: (String, HashSet<String>),
}

impl Known {
    pub(super) fn read(store: &Store) -> Result<Self> {
        let places = |what: &str| -> Result<HashMap<Place, String>> {
            let statement = format!(
                "SELECT cell, suite, machine_class, {what} AND inspects IS NULL AND time_ns IS NOT NULL
                 GROUP BY cell, suite, machine_class"
            );
            let all = store.rows(&statement, [], |row| Ok(((row.get(0)?, row.get(1)?, row.get(2)?), row.get(3)?)))?;
            Ok(all.into_iter().collect())
        };
        let measured = "'' FROM measurements WHERE provenance = 'measured'";
        let simulated =
            "arg_max(coalesce(provenance_reason, ''), started_at) FROM measurements WHERE provenance = 'simulated'";
        let class = Host::read().class();
        let found = "SELECT engine_name FROM availability WHERE machine_class = ?
                     GROUP BY engine_name HAVING arg_max(found, \"at\")";
        let found = store.rows(found, [&class], |row| row.get(0))?;
        Ok(Self {
            measured: places(measured)?.into_keys().collect(),
            simulated: places(simulated)?,
            here: (class, found.into_iter().collect()),
        })
    }

    /// Those that remain, and why the others do not.
    pub(super) fn without(&self, estimates: Vec<Estimate>, force: bool) -> (Vec<Estimate>, Vec<LeftOut>) {
        let mut left_out = Vec::new();
        let mut remain = Vec::new();
        for estimate in estimates {
            match self.why_not(&estimate, force) {
                Some(why) => left_out.push(LeftOut::new(estimate.of.id.to_string(), why)),
                None => remain.push(estimate),
            }
        }
        (remain, left_out)
    }

    fn why_not(&self, Estimate { of, reason, .. }: &Estimate, force: bool) -> Option<String> {
        let place = (of.id.to_string(), of.suite.clone(), of.class.clone());
        if self.measured.contains(&place) {
            return Some(format!("it is measured, on {}", of.class));
        }
        if self.simulated.get(&place) == Some(reason) {
            return Some("it is simulated already, from the same results".to_owned());
        }
        let (class, engines) = &self.here;
        let can_be_measured = *class == of.class && engines.contains(&of.id.engine);
        (can_be_measured && !force).then(|| {
            "it can be measured: this machine has the engine, `cargo bench` runs it; --force-simulation simulates it all the same".to_owned()
        })
    }
}
