//! Which plans of `DataFrame`s there are, by suite and name.

use super::plans;
use super::relation::Frame;

/// A plan by the name of its query.
pub(super) type Plan = (&'static str, fn() -> Frame);

/// The plan of a query; `None` where there is none.
pub(super) fn of(suite: &str, query: &str) -> Option<Frame> {
    plans(suite).iter().find(|(name, _)| *name == query).map(|(_, plan)| plan())
}

/// The queries of a suite that have one.
pub(super) fn names(suite: &str) -> Vec<&'static str> {
    plans(suite).iter().map(|(name, _)| *name).collect()
}
