//! Instructions of one run of each query, counted by callgrind; prepared and started by `cargo xtask instructions`.

#![expect(missing_docs, reason = "what the macros make has none")]

use iai_callgrind::{binary_benchmark_group, main};

binary_benchmark_group!(
    name = queries,
    benchmarks = |group: &mut BinaryBenchmarkGroup| querydyno::measure::instructions::add(group)
);

main!(binary_benchmark_groups = queries);
