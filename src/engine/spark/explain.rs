//! What `EXPLAIN` tells of a query: [`stable`], without what changes from one run to the next; [`is_cached`].

/// What stands before the number of a plan's node.
const NODE: &str = "plan_id=";

/// The plan without the numbers of columns and nodes, `l_quantity#12`, which count up with each query of a session.
pub(super) fn stable(plan: &str) -> String {
    plan.trim().lines().map(|line| without_ids(line.trim_end())).collect::<Vec<_>>().join("\n")
}

/// Whether a part of it comes from what some session keeps in memory.
pub(super) fn is_cached(plan: &str) -> bool {
    // Before the name of a node there are blanks, lines to its parent, and the number of the code that was made of it.
    let is_no_letter = |letter: char| !letter.is_ascii_alphabetic();
    plan.lines().any(|line| line.trim_start_matches(is_no_letter).starts_with("InMemoryRelation "))
}

fn without_ids(line: &str) -> String {
    let (mut kept, mut rest) = (String::new(), line);
    while let Some(at) = rest.find(['#', '=']) {
        let (before, after) = rest.split_at(at + 1);
        kept.push_str(before);
        let digits = after.len() - after.trim_start_matches(|letter: char| letter.is_ascii_digit()).len();
        let counted = before.ends_with('#') || kept.ends_with(NODE);
        if digits > 0 && counted {
            if before.ends_with('#') {
                kept.pop();
            }
            // A number of 64 bits has its mark: `sum#12L`.
            rest = after[digits..].strip_prefix('L').unwrap_or(&after[digits..]);
        } else {
            rest = after;
        }
    }
    kept + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stable_takes_out_what_a_session_counts_up() {
        let plan = |first: u32| {
            format!(
                "== Physical Plan ==\nAdaptiveSparkPlan isFinalPlan=false\n+- HashAggregate(keys=[a#{first}], functions=[sum(b#{}L)])  \n   \
                 +- Exchange hashpartitioning(a#{first}, 2), ENSURE_REQUIREMENTS, [plan_id={}]\n      \
                 +- Filter (b#{}L > 12)\n\n",
                first + 1,
                first + 90,
                first + 1,
            )
        };
        let told = stable(&plan(7));
        assert_eq!(told, stable(&plan(1234)));
        assert!(told.contains("HashAggregate(keys=[a], functions=[sum(b)])\n"), "{told}");
        assert!(told.contains("hashpartitioning(a, 2), ENSURE_REQUIREMENTS, [plan_id=]"), "{told}");
        assert!(told.contains("(b > 12)") && told.contains("isFinalPlan=false"), "{told}");
    }

    #[test]
    fn is_cached_sees_what_comes_from_memory() {
        let plan = |scan: &str| {
            format!(
                "== Physical Plan ==\nAdaptiveSparkPlan isFinalPlan=false\n+- HashAggregate(keys=[], functions=[sum(id#1L)])\n   +- {scan}"
            )
        };
        // As Spark 4.0 and 3.5 say it.
        for scan in ["Scan In-memory table t [id#1L]", "InMemoryTableScan [id#1L]"] {
            let relation = "      +- InMemoryRelation [id#1L], StorageLevel(disk, memory, deserialized, 1 replicas)";
            assert!(is_cached(&plan(&format!("{scan}\n{relation}\n         +- *(1) ColumnarToRow"))));
        }
        for scan in ["FileScan parquet [id#1L] Batched: true", "Filter (name#2 = InMemoryRelation [x)"] {
            assert!(!is_cached(&plan(scan)));
        }
    }
}
