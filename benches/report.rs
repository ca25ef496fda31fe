//! How long a report takes, and that it is linear in its cells: `cargo bench --features report-speed --bench report`.

use criterion::{Criterion, criterion_group, criterion_main};
use querydyno::host::criterion::linear;
use querydyno::host::report::speed;

fn measure(criterion: &mut Criterion) {
    linear(criterion, "report", &speed::CELLS, speed::made, speed::page);
}

criterion_group!(benches, measure);
criterion_main!(benches);
