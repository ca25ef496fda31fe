//! Our own work timed over several sizes, to see that it grows no faster than they do.

use criterion::{BenchmarkId, Criterion, Throughput};

use crate::host::terminal::output::say;
use crate::measure::memory;

/// Times `work` on what is made of each size, and says the most memory that all of it took.
pub fn linear<M, W>(
    criterion: &mut Criterion,
    name: &str,
    sizes: &[usize],
    make: impl Fn(usize) -> M,
    work: impl Fn(&M, usize) -> W,
) {
    let mut group = criterion.benchmark_group(name);
    group.sample_size(10);
    for &size in sizes {
        let input = make(size);
        group.throughput(Throughput::Elements(size as u64));
        group.bench_function(BenchmarkId::from_parameter(size), |bencher| bencher.iter(|| work(&input, size)));
    }
    group.finish();
    if let Some(peak) = memory::peak(std::process::id()) {
        say(format_args!("peak memory of all of it: {}", peak.bytes));
    }
}
