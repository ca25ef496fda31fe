//! What `EXPLAIN` tells of a query, without what changes from one run to the next: [`stable`].

/// What stands before the number of a plan's node.
const NODE: &str = "plan_id=";

/// The plan without the numbers of columns and nodes, `l_quantity#12`, which count up with each query of a session.
pub(super) fn stable(plan: &str) -> String {
    plan.trim().lines().map(|line| without_ids(line.trim_end())).collect::<Vec<_>>().join("\n")
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
}
