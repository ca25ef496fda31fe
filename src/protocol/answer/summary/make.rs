//! Making a summary, row by row: [`Summarizer`]; and finding the rows of some buckets again: [`Buckets`].

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::{Contents, Summary, View};
use crate::protocol::answer::cell::{class, tag};
use crate::protocol::answer::{Column, Kind, Scalar};

/// Rows of a bucket, about: fewer make a finer sieve for floats, and more to send.
const BUCKET_ROWS: u64 = 128;
const MOST_BUCKETS: u64 = 1 << 13;
/// Units of a logarithm's sum in one.
pub(crate) const FIXED: f64 = 17_592_186_044_416.0;

/// Units of a sum of squares in one.
pub(crate) const SQUARED: f64 = 16_777_216.0;

/// Takes rows in any order and sums them up.
#[derive(Debug)]
pub struct Summarizer {
    summary: Summary,
    /// For each cell of a row, its hash and, for a number, that of its class.
    hashes: Vec<(u64, u64)>,
    numbers: Vec<f64>,
    /// Of these numbers.
    logs: Vec<f64>,
}

impl Summarizer {
    /// For a result with these columns and so many rows; both sides have to say the same number for their buckets to compare.
    pub fn new(columns: Vec<Column>, rows: u64) -> Self {
        let buckets = buckets(rows);
        let views = loose_columns(&columns).into_iter().map(|loose| View::empty(loose, buckets)).collect();
        let width = columns.len();
        let summary = Summary { columns, rows: 0, contents: vec![Contents::default(); width], views };
        Self { summary, hashes: vec![(0, 0); width], numbers: vec![0.0; width], logs: vec![0.0; width] }
    }

    /// Takes one row, whose cells stand in the order of the columns.
    pub fn row(&mut self, cells: &[Scalar<'_>]) {
        self.summary.rows += 1;
        for (index, cell) in cells.iter().enumerate().take(self.hashes.len()) {
            let ((exact, class), number) = hashes(cell, index);
            self.hashes[index] = (exact, class);
            self.numbers[index] = number;
            self.logs[index] = log(number);
            let contents = &mut self.summary.contents[index];
            contents.nulls += u64::from(matches!(cell, Scalar::Null));
            contents.hash = contents.hash.wrapping_add(mixed(exact));
            contents.places = contents.places.max(places(cell));
        }
        let exact = all_exact(&self.hashes);
        for view in &mut self.summary.views {
            view.add(key(exact, &self.hashes, &view.loose), &self.numbers, &self.logs);
        }
    }

    /// The summary of the rows so far.
    pub fn finish(self) -> Summary {
        self.summary
    }
}

/// Some buckets of a view, to ask for the rows in them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Buckets {
    /// The view's loose columns.
    pub loose: Vec<usize>,
    /// As many buckets as the view has.
    pub of: usize,
    /// Those that are meant.
    pub wanted: Vec<usize>,
}

impl Buckets {
    /// Whether a row is in one of them.
    pub fn have(&self, cells: &[Scalar<'_>]) -> bool {
        let hashes: Vec<_> = cells.iter().enumerate().map(|(index, cell)| hashes(cell, index).0).collect();
        self.wanted.contains(&bucket(key(all_exact(&hashes), &hashes, &self.loose), self.of))
    }
}

impl View {
    fn empty(loose: Vec<usize>, buckets: usize) -> Self {
        let zeros = vec![vec![0.0; buckets]; loose.len()];
        let (hashes, counts, logs) = (vec![0; buckets], vec![0; buckets], vec![vec![0; buckets]; loose.len()]);
        let (squares, reach) = (vec![0; buckets], vec![0.0; buckets]);
        Self { hashes, counts, sums: zeros.clone(), magnitudes: zeros, logs, squares, reach, loose }
    }

    fn add(&mut self, key: u64, numbers: &[f64], logs: &[f64]) {
        let bucket = bucket(key, self.counts.len());
        self.hashes[bucket] = self.hashes[bucket].wrapping_add(mixed(key));
        self.counts[bucket] = self.counts[bucket].saturating_add(1);
        for (place, column) in self.loose.iter().enumerate() {
            let weighted = numbers[*column] * weight(key);
            self.sums[place][bucket] += weighted;
            self.magnitudes[place][bucket] += weighted.abs();
            let log = &mut self.logs[place][bucket];
            *log = log.wrapping_add(fixed(logs[*column] * weight(key), FIXED));
        }
        let size: f64 = self.loose.iter().map(|&column| factor(column) * size(logs[column])).sum();
        self.squares[bucket] = self.squares[bucket].wrapping_add(fixed(size * size * weight(key), SQUARED));
        self.reach[bucket] = self.reach[bucket].max(size.abs());
    }
}

/// Views that are worth having: all exact; then floats, decimals and whole numbers loose, one kind after the other.
fn loose_columns(columns: &[Column]) -> Vec<Vec<usize>> {
    let kinds = [Kind::Float, Kind::Float32, Kind::Decimal, Kind::Int];
    let mut views = vec![Vec::new()];
    for kinds in [&kinds[..2], &kinds[..3], &kinds[..]] {
        let loose = (0..columns.len()).filter(|&index| kinds.contains(&columns[index].kind)).collect();
        if !views.contains(&loose) {
            views.push(loose);
        }
    }
    views
}

fn buckets(rows: u64) -> usize {
    let wanted = (rows / BUCKET_ROWS).clamp(1, MOST_BUCKETS).next_power_of_two();
    usize::try_from(wanted).unwrap_or(1)
}

/// The hash of a cell's value, that of its class (only whether it is a finite number), and the number where it is one.
fn hashes(cell: &Scalar<'_>, column: usize) -> ((u64, u64), f64) {
    let mut buffer = [0; 24];
    let (tag, bytes) = cell.canonical(&mut buffer);
    // Unlike columns have unlike seeds, so that values in the wrong column show.
    let seed = |tag: u8| mixed(((column as u64) << 8) | u64::from(tag));
    let exact = xxh3_64_with_seed(bytes, seed(tag));
    match cell.number() {
        Some(number) => {
            let class = class(number);
            ((exact, seed(class)), if class == tag::FINITE { number } else { 0.0 })
        }
        None => ((exact, exact), 0.0),
    }
}

/// The hash of a row all of whose values are exact.
fn all_exact(hashes: &[(u64, u64)]) -> u64 {
    hashes.iter().fold(0, |sum, (exact, _)| sum.wrapping_add(*exact))
}

/// The hash of a row's exact values in a view.
fn key(exact: u64, hashes: &[(u64, u64)], loose: &[usize]) -> u64 {
    let loosened = loose.iter().fold(exact, |sum, &column| {
        let (exact, class) = hashes[column];
        sum.wrapping_sub(exact).wrapping_add(class)
    });
    mixed(loosened)
}

fn bucket(key: u64, buckets: usize) -> usize {
    (key >> 40) as usize & (buckets - 1)
}

/// Between 1 and 2, by bits of the key that choose no bucket.
#[expect(clippy::cast_precision_loss, reason = "20 bits")]
fn weight(key: u64) -> f64 {
    1.0 + (key & 0xf_ffff) as f64 / 1_048_576.0
}

/// Grows with the number, by as much for each percent whatever its size; 0 for 0, and far from that for any other number.
fn log(number: f64) -> f64 {
    // The smallest number is 2^-1074.
    if number == 0.0 { 0.0 } else { (number.abs().log2() + 1100.0).copysign(number) }
}

/// The same once more for the sum of a row's: small for numbers that are near one, so that its square tells much.
fn size(log: f64) -> f64 {
    if log == 0.0 { -64.0 } else { log.abs() - 1100.0 + if log < 0.0 { 0.5 } else { 0.0 } }
}

/// Between 1 and 2, another for each column.
#[expect(clippy::cast_precision_loss, reason = "53 bits")]
fn factor(column: usize) -> f64 {
    1.0 + (mixed(column as u64) >> 11) as f64 / (1_u64 << 53) as f64
}

/// A number in so many units, of which it has less than 2^63.
#[expect(clippy::cast_possible_truncation, reason = "it has room")]
fn fixed(number: f64, units: f64) -> i64 {
    (number * units).round() as i64
}

/// All bits of the result depend on all bits of the number (the end of splitmix64).
fn mixed(number: u64) -> u64 {
    let number = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

fn places(cell: &Scalar<'_>) -> u32 {
    match cell {
        Scalar::Decimal { scale, .. } => u32::try_from(*scale).unwrap_or_default(),
        Scalar::Digits(text) => {
            text.split_once('.').map_or(0, |(_, fraction)| u32::try_from(fraction.len()).unwrap_or_default())
        }
        _ => 0,
    }
}
