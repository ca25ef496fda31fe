//! Units of other tools' files: what one of them is in nanoseconds or bytes, and which values are a time at all.

/// How times are written, each with its nanoseconds.
const TIMES: [(f64, &[&str]); 6] = [
    (1.0, &["ns", "nanos", "nanosecond", "nanoseconds"]),
    (1e3, &["us", "µs", "μs", "micros", "microsecond", "microseconds"]),
    (1e6, &["ms", "millis", "millisecond", "milliseconds"]),
    (1e9, &["s", "sec", "secs", "second", "seconds"]),
    (6e10, &["min", "minute", "minutes"]),
    (3.6e12, &["h", "hour", "hours"]),
];
/// How sizes are written, each with its bytes. `MB` is what it says, a million bytes.
const SIZES: [(f64, &[&str]); 7] = [
    (1.0, &["b", "byte", "bytes"]),
    (1e3, &["kb"]),
    (1e6, &["mb"]),
    (1e9, &["gb"]),
    (1024.0, &["kib"]),
    (1_048_576.0, &["mib"]),
    (1_073_741_824.0, &["gib"]),
];

/// The nanoseconds of a unit of time.
///
/// # Errors
/// Says which there are.
pub(super) fn time(unit: &str) -> Result<f64, String> {
    find(&TIMES, unit).ok_or_else(|| format!("'{unit}' is no unit of time: ns, us, ms, s, min or h"))
}

/// The bytes of a unit of size.
///
/// # Errors
/// Says which there are.
pub(super) fn size(unit: &str) -> Result<f64, String> {
    find(&SIZES, unit).ok_or_else(|| format!("'{unit}' is no unit of size: bytes, kB, MB, GB, KiB, MiB or GiB"))
}

fn find(units: &[(f64, &[&str])], unit: &str) -> Option<f64> {
    let unit = unit.trim().to_lowercase();
    units.iter().find(|(_, names)| names.contains(&unit.as_str())).map(|(factor, _)| *factor)
}

/// A value in a unit as nanoseconds or bytes.
///
/// # Errors
/// When it cannot be one: not a number, infinite, negative.
pub(super) fn amount(what: &str, value: f64, factor: f64) -> Result<f64, String> {
    if !value.is_finite() {
        return Err(format!("{what} is {value}, which is no number"));
    }
    if value < 0.0 {
        return Err(format!("{what} is {value}, which is negative"));
    }
    Ok(value * factor)
}

/// Several values in a unit; `what` is the name of the list.
///
/// # Errors
/// As [`amount`], with the place in the list.
pub(super) fn amounts(what: &str, values: &[f64], factor: f64) -> Result<Vec<f64>, String> {
    let numbered = values.iter().enumerate();
    numbered.map(|(place, value)| amount(&format!("{what}[{place}]"), *value, factor)).collect()
}
