//! How long a report takes, and that it is linear in its cells: `cargo bench --features report-speed --bench report`.

use criterion::{criterion_group, criterion_main};
use querydyno::host::report::speed::measure;

criterion_group!(benches, measure);
criterion_main!(benches);
