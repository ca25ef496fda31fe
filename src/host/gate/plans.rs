//! The plans of a gate's rows: each side tells its own once, in its first launch, after the run that is timed.

use std::collections::BTreeMap;
use std::ptr;

use super::rows::{Contender, Row};
use super::side::Role;
use crate::host::record::{PlanChange, PlanNames, PlanRecord};
use crate::host::session::Session;
use crate::protocol::dataset::Dataset;
use crate::protocol::id::BenchId;

/// What was told; none of a side that was asked and has no plan.
#[derive(Debug, Default)]
pub(super) struct Plans {
    told: BTreeMap<(BenchId, Role), Option<PlanRecord>>,
}

impl Plans {
    /// Asks the program of a launch for its plan, if its side has not been asked and the two can differ. Gives whether the program is
    /// as good as before.
    pub(super) fn ask(
        &mut self,
        row: &Row<'_>,
        contender: &Contender<'_>,
        session: &mut Session,
        dataset: &Dataset,
    ) -> bool {
        let role = if ptr::eq(contender, &raw const row.head) { Role::Head } else { Role::Base };
        let key = (row.id.clone(), role);
        if row.is_untouched() || self.told.contains_key(&key) {
            return true;
        }
        let told = PlanRecord::told_by(session, &PlanNames::of(dataset));
        if let Err(failure) = &told {
            log::info!("{}: the plan of the {} is unknown: {failure}", row.id, role.name());
        }
        let is_well = told.is_ok();
        self.told.insert(key, told.ok().flatten());
        is_well
    }

    /// The rows whose plan is another on the head.
    pub(super) fn changes(&self) -> BTreeMap<BenchId, PlanChange> {
        let told = |id: &BenchId, role| self.told.get(&(id.clone(), role))?.as_ref();
        let rows = self.told.keys().filter(|(_, role)| *role == Role::Head);
        let change = |id: &BenchId| PlanChange::between(told(id, Role::Base), told(id, Role::Head));
        rows.filter_map(|(id, _)| Some((id.clone(), change(id)?))).collect()
    }
}
