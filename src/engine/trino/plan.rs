//! What `EXPLAIN` tells of a query, without what is guessed: [`stable`].

/// Lines that are no part of the plan: sizes and costs, which change with the statistics.
const GUESSED: [&str; 1] = ["Estimates: "];

/// The plan without the lines of estimates.
pub(super) fn stable(plan: &str) -> String {
    let kept = |line: &&str| {
        let text = line.trim_start_matches(|letter: char| letter.is_whitespace() || "│├└─".contains(letter));
        !GUESSED.iter().any(|guessed| text.starts_with(guessed))
    };
    plan.trim().lines().map(str::trim_end).filter(|line| kept(line)).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::stable;

    #[test]
    fn stable_leaves_out_what_is_guessed() {
        let plan = "Fragment 0 [SINGLE]\n    Output layout: [a]  \n    └─ Aggregate[type = FINAL]\n       │   Layout: [a:bigint]\n       \
                    │   Estimates: {rows: 1 (9B), cpu: 0, memory: 9B, network: 0B}\n       └─ ScanFilter[table = hive:s:t]\n              \
                    Estimates: {rows: 7}/{rows: ?}\n\n";
        let wanted = "Fragment 0 [SINGLE]\n    Output layout: [a]\n    └─ Aggregate[type = FINAL]\n       │   Layout: [a:bigint]\n       \
                      └─ ScanFilter[table = hive:s:t]";
        assert_eq!(stable(plan), wanted);
    }
}
