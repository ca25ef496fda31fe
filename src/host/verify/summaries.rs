//! Whether two summaries are of the same rows, as far as can be told without the rows; and where they differ: [`compare`].
//!
//! Order is not looked at, and rows that tie at a LIMIT are not known: whoever differs there differs here.

use std::f64::consts::LOG2_E;

use crate::host::verify::tolerance::{FEWEST_PLACES, FEWEST_UNITS, RELATIVE, RELATIVE_SINGLE};
use crate::protocol::answer::Kind;
use crate::protocol::answer::summary::{Buckets, Summary, View};
use crate::protocol::answer::summary::{FIXED, SQUARED};

/// How two summaries differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Unlike {
    /// Another number of columns.
    Columns(usize, usize),
    /// A column's types have nothing in common.
    Kinds(usize),
    /// Another number of rows.
    Rows(u64, u64),
    /// Rows of these buckets differ; the columns whose values do, where that can be told.
    Buckets(Buckets, Vec<usize>),
    /// They may well be equal, but nothing in them says so.
    Incomparable(String),
}

/// Buckets that are shown at most: one is enough for a first difference.
const MOST_SHOWN: usize = 4;
/// How many rows more than twice their share a bucket may have by chance, where each row has a hash of its own.
const SPREAD: u64 = 64;
/// What a sum of some hundred doubles loses, as a part of it.
const ROUNDING: f64 = 1e-13;

/// Compares two summaries.
///
/// # Errors
/// How they differ.
pub(crate) fn compare(expected: &Summary, actual: &Summary) -> Result<(), Unlike> {
    let width = expected.columns.len();
    if width != actual.columns.len() {
        return Err(Unlike::Columns(width, actual.columns.len()));
    }
    let pairs = expected.columns.iter().zip(&actual.columns);
    if let Some(column) = pairs.clone().position(|(ours, theirs)| !comparable(ours.kind, theirs.kind)) {
        // A column of nothing but NULLs has any type.
        let all_null = |summary: &Summary| summary.contents[column].nulls == summary.rows;
        if !all_null(expected) && !all_null(actual) {
            return Err(Unlike::Kinds(column));
        }
    }
    if expected.rows != actual.rows {
        return Err(Unlike::Rows(expected.rows, actual.rows));
    }
    let exact = |summary: &Summary, other: &Summary| {
        let [ours, theirs] = [summary, other].map(|summary| summary.views.first().map(|view| &view.hashes));
        ours == theirs
    };
    if exact(expected, actual) && expected.contents.iter().zip(&actual.contents).all(|(a, b)| a.hash == b.hash) {
        return Ok(());
    }
    let same_loose = |view: &&View| actual.views.iter().any(|other| other.loose == view.loose);
    // Without a float on either side, the exact view is the one that counts.
    let has_floats = pairs.clone().any(|(ours, theirs)| is_float(ours.kind) || is_float(theirs.kind));
    let cut = (0..width).any(|column| is_cut(expected, actual, column));
    let floats_are_loose = |view: &&View| {
        let loose = |index: usize| view.loose.contains(&index);
        (0..width).all(|index| {
            let float = is_float(expected.columns[index].kind) || is_float(actual.columns[index].kind);
            loose(index) || !(float || is_cut(expected, actual, index))
        })
    };
    let found = if has_floats || cut {
        expected.views.iter().filter(same_loose).find(floats_are_loose)
    } else {
        expected.views.first()
    };
    let other = found.and_then(|view| actual.views.iter().find(|other| other.loose == view.loose));
    let Some((view, other)) = found.zip(other) else {
        return Err(Unlike::Incomparable("their types differ too much for sums over all rows".to_owned()));
    };
    if view.loose.len() == width && expected.rows > 1 {
        let why = "every column is a number that engines round differently, and nothing tells the rows apart: select a key too";
        return Err(Unlike::Incomparable(why.to_owned()));
    }
    if view.counts.len() != other.counts.len() || view.logs.len() != other.logs.len() {
        return Err(Unlike::Incomparable("they were summed up in another way".to_owned()));
    }
    unlike_buckets(expected, actual, view, other)?;
    // Rows that nothing tells apart share a bucket: a sum over very many hides the one that is wrong.
    let even = expected.rows / view.counts.len() as u64;
    if view.counts.iter().any(|count| u64::from(*count) > 2 * even + SPREAD) {
        let why = "many rows differ in nothing but numbers that engines round differently: select a key too";
        return Err(Unlike::Incomparable(why.to_owned()));
    }
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "it is compared within a tolerance")]
fn unlike_buckets(expected: &Summary, actual: &Summary, view: &View, other: &View) -> Result<(), Unlike> {
    let mut wanted: Vec<usize> = Vec::new();
    let mut columns = differing_contents(expected, actual, &view.loose);
    let tolerances: Vec<Allowed> = view.loose.iter().map(|&column| tolerance(expected, actual, column)).collect();
    let mut too_small = None;
    for bucket in 0..view.counts.len() {
        let mut differs = view.hashes[bucket] != other.hashes[bucket] || view.counts[bucket] != other.counts[bucket];
        for (place, (&column, tolerance)) in view.loose.iter().zip(&tolerances).enumerate() {
            let rows = f64::from(view.counts[bucket]);
            // Weights are between 1 and 2.
            let (apart, allowed) = if tolerance.unit > 0.0 {
                // A cut makes each number smaller, so the sum of what they may differ by is what their sums may.
                let magnitude = view.magnitudes[place][bucket].max(other.magnitudes[place][bucket]);
                let apart = (view.sums[place][bucket] - other.sums[place][bucket]).abs();
                let few = magnitude < f64::from(FEWEST_UNITS) * tolerance.unit * rows;
                if few && apart > tolerance.relative * magnitude {
                    too_small = Some(column);
                }
                (apart, tolerance.relative * magnitude + 2.0 * tolerance.unit * rows)
            } else {
                let apart = view.logs[place][bucket].wrapping_sub(other.logs[place][bucket]).unsigned_abs();
                (apart as f64 / FIXED, tolerance.of_logs(rows))
            };
            // Also true for what is no number.
            let within = apart <= allowed + f64::MIN_POSITIVE;
            if !within {
                differs = true;
                columns.push(column);
            }
        }
        differs |= squares_differ(&tolerances, (view, other), bucket);
        if differs && wanted.len() < MOST_SHOWN {
            wanted.push(bucket);
        }
    }
    if wanted.is_empty() && columns.is_empty() {
        return too_small.map_or(Ok(()), |column| {
            let name = &expected.columns[column].name;
            let why = format!("one side cuts the small numbers of '{name}' to too few digits: cast them to DOUBLE");
            Err(Unlike::Incomparable(why))
        });
    }
    if wanted.is_empty() {
        // A column as a whole differs by less than its sums tell: any bucket may have it.
        wanted.extend(0..MOST_SHOWN.min(view.counts.len()));
    }
    columns.sort_unstable();
    columns.dedup();
    Err(Unlike::Buckets(Buckets { loose: view.loose.clone(), of: view.counts.len(), wanted }, columns))
}

/// Whether rows of a bucket that are alike but for their loose numbers have changed some of them with each other.
#[expect(clippy::cast_precision_loss, reason = "it is compared within a tolerance")]
fn squares_differ(tolerances: &[Allowed], (view, other): (&View, &View), bucket: usize) -> bool {
    // A small number that was cut has another logarithm.
    if tolerances.iter().any(|tolerance| tolerance.unit > 0.0) {
        return false;
    }
    let rows = f64::from(view.counts[bucket]);
    // Factors and weights go up to 2.
    let off: f64 = tolerances.iter().map(|tolerance| 2.0 * tolerance.of_logs(rows)).sum();
    let reach = view.reach[bucket].max(other.reach[bucket]);
    let apart = view.squares[bucket].wrapping_sub(other.squares[bucket]).unsigned_abs() as f64 / SQUARED;
    apart > 2.0 * off * (2.0 * reach + off) + rows / SQUARED
}

/// Columns that are exact on both sides and whose values are not the same.
fn differing_contents(expected: &Summary, actual: &Summary, loose: &[usize]) -> Vec<usize> {
    let differs = |&column: &usize| {
        let exact = !is_float(expected.columns[column].kind) && !is_float(actual.columns[column].kind);
        // A decimal that one side cut counts by its sums; any other is exact, be the view ever so loose.
        let counts = exact && !(loose.contains(&column) && is_cut(expected, actual, column));
        let (ours, theirs) = (&expected.contents[column], &actual.contents[column]);
        (counts && ours.hash != theirs.hash) || ours.nulls != theirs.nulls
    };
    (0..expected.columns.len()).filter(differs).collect()
}

struct Allowed {
    relative: f64,
    unit: f64,
}

impl Allowed {
    /// What the sum of so many logarithms may differ by: as much as that of one of them may, so that no single wrong number
    /// hides among others. In single precision all numbers are off by something, at random.
    fn of_logs(&self, rows: f64) -> f64 {
        let numbers = if self.relative > RELATIVE { rows.sqrt() } else { 1.0 };
        // A number that is larger by a small part has a logarithm to base 2 that is larger by so many times that part. They are
        // of at most 4400, and so have 12 digits after the point.
        LOG2_E * self.relative * numbers + 1e-12 * rows
    }
}

fn tolerance(expected: &Summary, actual: &Summary, column: usize) -> Allowed {
    let sides = [expected, actual];
    let single = sides.iter().any(|side| side.columns[column].kind == Kind::Float32);
    let unit = sides
        .iter()
        .filter(|side| side.columns[column].kind == Kind::Decimal)
        .map(|side| side.contents[column].places)
        // With fewer places it is no average that was cut, but money.
        .filter(|places| *places >= FEWEST_PLACES)
        .map(|places| 10_f64.powi(-i32::try_from(places).unwrap_or(i32::MAX)))
        .fold(0.0, f64::max);
    let both_decimal = sides.iter().all(|side| side.columns[column].kind == Kind::Decimal);
    let cut = is_cut(expected, actual, column) || !both_decimal;
    // A cut is as large for a large number as for a small one; its sum is of doubles, though.
    // Whole numbers on one side are whole on the other, ids among them.
    let whole = sides.iter().any(|side| side.columns[column].kind == Kind::Int);
    let relative = if both_decimal || whole {
        ROUNDING
    } else if single {
        RELATIVE_SINGLE
    } else {
        RELATIVE
    };
    Allowed { relative, unit: if cut { unit } else { 0.0 } }
}

/// Whether a column may be an average that one side gives with fewer digits; with too few, it is money and exact.
fn is_cut(expected: &Summary, actual: &Summary, column: usize) -> bool {
    let decimals = [expected, actual].iter().all(|side| side.columns[column].kind == Kind::Decimal);
    let [ours, theirs] = [expected, actual].map(|side| side.contents[column].places);
    decimals && ours != theirs && ours.min(theirs) >= FEWEST_PLACES
}

fn is_float(kind: Kind) -> bool {
    matches!(kind, Kind::Float | Kind::Float32)
}

fn comparable(ours: Kind, theirs: Kind) -> bool {
    let class = |kind| match kind {
        Kind::Int | Kind::Decimal | Kind::Float | Kind::Float32 => 0,
        Kind::Text => 1,
        Kind::Date | Kind::Timestamp => 2,
        Kind::Bool => 3,
        Kind::List => 4,
    };
    class(ours) == class(theirs)
}

#[cfg(test)]
#[expect(clippy::cast_precision_loss, reason = "numbers of rows and cents are small")]
mod tests {
    use super::*;
    use crate::protocol::answer::summary::Summarizer;
    use crate::protocol::answer::{Column, Scalar};

    const ROWS: i64 = 200_000;

    /// A key, a number, and cents.
    type Row = (i64, f64, i128);

    /// What is done to rows.
    type Spoil = fn(&mut Vec<Row>);

    fn rows() -> Vec<Row> {
        (0..ROWS).map(|row| (row, 1000.0 / (row + 1) as f64 + row as f64, i128::from(row) * 37 % 100_000)).collect()
    }

    fn summarizer<const N: usize>(columns: [(&str, Kind); N], rows: u64) -> Summarizer {
        Summarizer::new(columns.map(|(name, kind)| Column { name: name.to_owned(), kind }).into(), rows)
    }

    /// A key, a float and money, which `as_float` gives as a float as well.
    fn summary(rows: &[Row], as_float: bool) -> Summary {
        let money = if as_float { Kind::Float } else { Kind::Decimal };
        let mut sums = summarizer([("k", Kind::Int), ("x", Kind::Float), ("m", money)], rows.len() as u64);
        for (key, x, cents) in rows {
            let money = if as_float {
                Scalar::Float(*cents as f64 / 100.0)
            } else {
                Scalar::Decimal { units: *cents, scale: 2 }
            };
            sums.row(&[Scalar::Int((*key).into()), Scalar::Float(*x), money]);
        }
        sums.finish()
    }

    #[test]
    fn summary_compare_takes_other_orders_and_last_bits() {
        let plain = rows();
        let mut other: Vec<Row> = plain.iter().rev().copied().collect();
        for row in &mut other {
            row.1 *= 1.0 + 1e-13;
        }
        assert_eq!(compare(&summary(&plain, false), &summary(&other, false)), Ok(()));
        assert_eq!(compare(&summary(&plain, false), &summary(&other, true)), Ok(()));
    }

    #[test]
    fn summary_compare_says_nothing_of_numbers_that_were_cut_to_nothing() {
        let summary = |scale: u32, of: &dyn Fn(i64) -> i128| {
            let mut sums = summarizer([("k", Kind::Int), ("m", Kind::Decimal)], ROWS as u64);
            for row in 0..ROWS {
                sums.row(&[
                    Scalar::Int(row.into()),
                    Scalar::Decimal { units: of(row), scale: scale.try_into().unwrap() },
                ]);
            }
            sums.finish()
        };
        // 0.0000003 and more, which the other side gives as 0.000000; then the same beside 1.
        let small = summary(10, &|row| i128::from(row % 5000));
        let nothing = summary(6, &|_| 0);
        assert!(matches!(compare(&small, &nothing), Err(Unlike::Incomparable(why)) if why.contains("'m'")));
        let large = summary(10, &|row| 10_000_000_000 + i128::from(row % 5000));
        assert_eq!(compare(&large, &summary(6, &|_| 1_000_000)), Ok(()));
    }

    #[test]
    fn summary_compare_finds_one_wrong_value_in_one_row() {
        let plain = rows();
        let wrong: [(&str, Spoil); 6] = [
            ("a key", |rows| rows[77].0 += 1),
            ("a float", |rows| rows[150_000].1 += 1.0),
            ("a cent", |rows| rows[99_999].2 += 1),
            ("two floats that changed places", |rows| {
                let x = rows[10].1;
                rows[10].1 = rows[20_010].1;
                rows[20_010].1 = x;
            }),
            ("a row too few", |rows| {
                rows.pop();
            }),
            ("a row twice and another not at all", |rows| rows[5] = rows[6]),
        ];
        for (what, spoil) in wrong {
            let mut other = plain.clone();
            spoil(&mut other);
            for as_float in [false, true] {
                let found = compare(&summary(&plain, false), &summary(&other, as_float));
                assert!(found.is_err(), "{what} {as_float}");
                assert!(!matches!(found, Err(Unlike::Incomparable(_))), "{what} {found:?}");
            }
        }
    }

    #[test]
    fn summary_compare_names_the_bucket_of_the_row_and_the_column() {
        let plain = rows();
        let mut other = plain.clone();
        other[150_000].1 += 1.0;
        let Err(Unlike::Buckets(buckets, columns)) = compare(&summary(&plain, false), &summary(&other, false)) else {
            panic!("no bucket");
        };
        assert_eq!(columns, [1]);
        let row = |(key, x, cents): &Row| {
            [Scalar::Int((*key).into()), Scalar::Float(*x), Scalar::Decimal { units: *cents, scale: 2 }]
        };
        let shown = plain.iter().filter(|values| buckets.have(&row(values))).count();
        assert!(buckets.have(&row(&plain[150_000])) && buckets.have(&row(&other[150_000])));
        assert!(shown < 1000, "{shown} rows to look at");
    }

    #[test]
    fn summary_compare_says_when_nothing_tells_rows_apart() {
        let of = |factor: f64| {
            let mut sums = summarizer([("x", Kind::Float)], 1000);
            (0..1000).for_each(|row| sums.row(&[Scalar::Float(f64::from(row) * factor)]));
            sums.finish()
        };
        assert_eq!(compare(&of(1.0), &of(1.0)), Ok(()));
        assert!(matches!(compare(&of(1.0), &of(1.0 + 1e-12)), Err(Unlike::Incomparable(_))));
    }

    #[test]
    fn summary_is_whole_only_with_all_its_parts() {
        let whole = summary(&rows()[..1000], false);
        assert!(whole.is_whole());
        let spoil: [fn(&mut Summary); 8] = [
            |sums| sums.contents.truncate(1),
            |sums| drop(sums.columns.pop()),
            |sums| sums.views.clear(),
            |sums| drop(sums.views.remove(0)),
            |sums| sums.views[1].loose = vec![3],
            |sums| drop(sums.views[1].sums.pop()),
            |sums| sums.views[1].magnitudes[0].truncate(1),
            |sums| sums.views[0].counts.push(0),
        ];
        for (place, spoil) in spoil.into_iter().enumerate() {
            let mut broken = whole.clone();
            spoil(&mut broken);
            assert!(!broken.is_whole(), "{place}");
        }
    }

    #[test]
    fn summary_compare_takes_no_sum_over_half_the_rows_for_the_rows() {
        let of = |factor: f64, wrong: f64| {
            let mut sums = summarizer([("flag", Kind::Bool), ("x", Kind::Float)], ROWS as u64);
            for row in 0..ROWS {
                let x = row as f64 * factor + if row == 77_777 { wrong } else { 0.0 };
                sums.row(&[Scalar::Bool(row % 2 == 0), Scalar::Float(x)]);
            }
            sums.finish()
        };
        let plain = of(1.0, 0.0);
        assert_eq!(compare(&plain, &of(1.0, 0.0)), Ok(()));
        assert!(matches!(compare(&plain, &of(1.0 + 1e-14, 1e-4)), Err(Unlike::Incomparable(_))));
        assert!(matches!(compare(&plain, &of(1.0 + 1e-14, 1.0)), Err(Unlike::Buckets(..))));
    }

    #[test]
    fn summary_compare_finds_numbers_that_rows_of_one_key_changed_with_each_other() {
        let of = |swapped: bool, factor: f64| {
            let mut sums = summarizer([("g", Kind::Int), ("x", Kind::Float), ("y", Kind::Float)], 2000);
            for row in 0..2000_u32 {
                let x = if swapped && row / 2 == 300 { row ^ 1 } else { row };
                let (x, y) = (f64::from(x) * 0.37 * factor, f64::from(row * 31 % 97));
                sums.row(&[Scalar::Int((row / 2).into()), Scalar::Float(x), Scalar::Float(y)]);
            }
            sums.finish()
        };
        assert_eq!(compare(&of(false, 1.0), &of(false, 1.0 + 1e-13)), Ok(()));
        assert!(matches!(compare(&of(false, 1.0), &of(true, 1.0 + 1e-13)), Err(Unlike::Buckets(..))));
    }

    #[test]
    fn summary_compare_finds_ten_cents_where_the_other_side_shows_no_cents() {
        let of = |texts: [&str; 3]| {
            let mut sums = summarizer([("x", Kind::Float32), ("m", Kind::Decimal)], 3);
            for text in texts {
                sums.row(&[Scalar::Float(1.0), Scalar::read(text, Kind::Decimal).unwrap()]);
            }
            sums.finish()
        };
        let plain = of(["826909970.00", "1388805238.00", "7.00"]);
        assert!(compare(&plain, &of(["826909970.10", "1388805238.00", "7.00"])).is_err());
        assert_eq!(compare(&plain, &of(["826909970", "1388805238.0", "7"])), Ok(()));
    }

    #[test]
    fn summary_compare_finds_a_small_number_beside_the_largest_there_are() {
        let of = |small: f64, factor: f64| {
            let mut sums = summarizer([("k", Kind::Int), ("x", Kind::Float)], 100);
            let ends = [f64::MAX, f64::MIN, f64::INFINITY, f64::NAN, 5e-324, -0.0, 1e-300];
            for row in 0..100 {
                let x = if row == 77 { small } else { ends[row % ends.len()] };
                sums.row(&[Scalar::Int(row as i128), Scalar::Float(x * if row < 3 { factor } else { 1.0 })]);
            }
            sums.finish()
        };
        assert_eq!(compare(&of(1.0, 1.0), &of(1.0 + 1e-14, 1.0 - 1e-15)), Ok(()));
        for wrong in [2.0, 1.001, 0.0, -1.0, f64::NAN] {
            assert!(matches!(compare(&of(1.0, 1.0), &of(wrong, 1.0 - 1e-15)), Err(Unlike::Buckets(..))), "{wrong}");
        }
    }
}
