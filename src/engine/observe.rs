//! An observed run: the program's side of [`Observe`].

use crate::engine::{Engine, Result, Spans};
use crate::measure::valgrind;
use crate::protocol::observe::{Observe, Observed};

/// Runs the query once, watched.
pub(super) fn run<E: Engine>(
    engine: &mut E,
    prepared: &E::Prepared,
    observe: &Observe,
) -> Result<(E::Output, Observed)> {
    match observe {
        Observe::Phases => {
            let (output, phases) = engine.run_in_phases(prepared)?;
            Ok((output, Observed { phases, ..Observed::default() }))
        }
        Observe::Instructions => {
            valgrind::count(true);
            let output = engine.run(prepared, &mut Spans::default());
            valgrind::count(false);
            Ok((output?, Observed::default()))
        }
        #[cfg(feature = "heap")]
        Observe::Heap { profile } => {
            let (output, heap) = super::heap::watch(profile, || engine.run(prepared, &mut Spans::default()));
            Ok((output?, Observed { heap: Some(heap), ..Observed::default() }))
        }
        #[cfg(not(feature = "heap"))]
        Observe::Heap { .. } => {
            anyhow::bail!(crate::engine::Unsupported("this program was not built to watch its heap".to_owned()))
        }
    }
}
