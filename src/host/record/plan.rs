//! How an engine would run a query, as it tells it: [`PlanRecord`], and what became of one plan in another, [`PlanChange`].
//!
//! A plan is text. The engine leaves out what differs by run, [`PlanNames`] what differs by machine, so that equal texts are equal plans.
//! It is kept whole up to 64 KiB; the checksum is that of the whole text.

mod difference;
mod names;

use serde::{Deserialize, Serialize};

use crate::host::checksum::sha256;
use crate::host::session::{Failure, Session};
pub(crate) use names::PlanNames;

/// Bytes of a text that are kept.
const MOST_BYTES: usize = 64 << 10;

/// A plan in a record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanRecord {
    /// Checksum of the whole text, 64 hexadecimal digits: equal for equal plans.
    pub sha256: String,
    /// The text, a line for each operator or more; a longer one ends in a line that says where it was cut.
    pub text: String,
}

impl PlanRecord {
    /// What a program tells of the prepared task; `None` of one that tells none.
    ///
    /// # Errors
    /// As every request.
    pub(crate) fn told_by(session: &mut Session, names: &PlanNames) -> Result<Option<Self>, Failure> {
        let told = session.plan()?;
        Ok(told.and_then(|text| Self::of(&names.apply(&text, session.scratch()))))
    }

    /// Of a text that [`PlanNames`] has gone over; `None` of one with nothing in it.
    pub(crate) fn of(text: &str) -> Option<Self> {
        (!text.is_empty()).then(|| Self { sha256: sha256(text), text: cut(text, MOST_BYTES) })
    }
}

/// The lines that fit into so many bytes, and where there are more, a last one that says so.
fn cut(text: &str, most: usize) -> String {
    if text.len() <= most {
        return text.to_owned();
    }
    let fits = text.get(..text.floor_char_boundary(most)).unwrap_or_default();
    // A single line may be longer than all that is kept.
    let kept = fits.rsplit_once('\n').map_or(fits, |(lines, _)| lines);
    format!("{kept}\n... cut here: the plan has {} bytes", text.len())
}

/// Two plans of a cell that differ.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanChange {
    /// Checksum of the plan before.
    pub base_sha256: String,
    /// Checksum of the plan now.
    pub head_sha256: String,
    /// Lines that were taken out begin with `-`, new ones with `+`; a few lines around them with a blank.
    pub difference: Vec<String>,
}

impl PlanChange {
    /// What became of the one plan in the other; `None` where they are the same, or one is not known.
    pub fn between(base: Option<&PlanRecord>, head: Option<&PlanRecord>) -> Option<Self> {
        let (base, head) = (base?, head?);
        (base.sha256 != head.sha256).then(|| Self {
            base_sha256: base.sha256.clone(),
            head_sha256: head.sha256.clone(),
            difference: difference::shown(&base.text, &head.text),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_keeps_a_short_text_as_it_is_and_marks_where_a_long_one_is_cut() {
        assert_eq!(PlanRecord::of("SCAN lineitem").unwrap().text, "SCAN lineitem");
        assert_eq!(PlanRecord::of(""), None);
        let long = "FILTER a > 1\n".repeat(10_000);
        let kept = PlanRecord::of(&long).unwrap();
        assert!(kept.text.len() < MOST_BYTES + 100, "{}", kept.text.len());
        assert!(kept.text.ends_with("FILTER a > 1\n... cut here: the plan has 130000 bytes"));
        // What is behind the cut counts.
        assert_ne!(kept.sha256, PlanRecord::of(&format!("{long}x")).unwrap().sha256);
        let one_line = PlanRecord::of(&"é".repeat(MOST_BYTES)).unwrap();
        assert!(one_line.text.starts_with('é') && one_line.text.contains("\n... cut here"));
    }

    #[test]
    fn between_tells_of_a_change_only_where_both_plans_are_known() {
        let plan = |text: &str| PlanRecord::of(text);
        let change = PlanChange::between(plan("SORT\n  SCAN").as_ref(), plan("TOP_N\n  SCAN").as_ref()).unwrap();
        assert_eq!(change.difference, ["- SORT", "+ TOP_N", "    SCAN"]);
        assert_eq!(PlanChange::between(plan("SCAN").as_ref(), plan("SCAN").as_ref()), None);
        assert_eq!(PlanChange::between(None, plan("SCAN").as_ref()), None);
        // Two texts that are cut before they differ are two plans all the same.
        let long = "SCAN\n".repeat(20_000);
        let change = PlanChange::between(plan(&long).as_ref(), plan(&format!("{long}SORT")).as_ref()).unwrap();
        assert!(!change.difference.is_empty() && change.base_sha256 != change.head_sha256);
    }
}
