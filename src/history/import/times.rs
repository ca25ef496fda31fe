//! Dates of other tools' files, as records have them: RFC 3339 in UTC.

use chrono::format::{Item, StrftimeItems};
use chrono::{DateTime, NaiveDate, NaiveDateTime, SecondsFormat, Utc};

/// How a date without a zone may be written.
const NAIVE: [&str; 3] = ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%dT%H:%M", "%Y/%m/%d-%H:%M:%S"];
/// And one with a zone that RFC 3339 would write otherwise.
const ZONED: &str = "%Y-%m-%dT%H:%M:%S%.f%z";
/// Seconds since 1970 lie between these for every date from 2001 to 2286; milliseconds are above.
const SECONDS: std::ops::Range<f64> = 1e9..1e10;

/// A date as a record has it.
pub(super) struct Date {
    pub(super) utc: String,
    /// Without a zone it was taken as UTC.
    pub(super) zone_told: bool,
}

/// The date that a text is, if it is one.
pub(super) fn date(text: &str) -> Option<Date> {
    let text = text.trim();
    // What pandas and databases write: a blank between day and time.
    let text = if text.as_bytes().get(10) == Some(&b' ') { text.replacen(' ', "T", 1) } else { text.to_owned() };
    let zoned = DateTime::parse_from_rfc3339(&text).or_else(|_| DateTime::parse_from_str(&text, ZONED));
    if let Ok(zoned) = zoned {
        return Some(Date { utc: told(zoned.to_utc()), zone_told: true });
    }
    let naive = NAIVE.iter().find_map(|format| NaiveDateTime::parse_from_str(&text, format).ok());
    let day = || NaiveDate::parse_from_str(&text, "%Y-%m-%d").ok()?.and_hms_opt(0, 0, 0);
    Some(Date { utc: told(naive.or_else(day)?.and_utc()), zone_told: false })
}

/// The date that a text is in a form of chrono's; one without a zone is taken as UTC.
pub(super) fn date_in(text: &str, format: &str) -> Option<String> {
    let zoned = DateTime::parse_from_str(text, format).map(|zoned| zoned.to_utc());
    let naive = || NaiveDateTime::parse_from_str(text, format).map(|naive| naive.and_utc());
    let day = || Some(NaiveDate::parse_from_str(text, format).ok()?.and_hms_opt(0, 0, 0)?.and_utc());
    zoned.or_else(|_| naive()).ok().or_else(day).map(told)
}

/// Whether a form is one of chrono's from which a date can be read: one of the time of day alone is none.
pub(super) fn is_format(format: &str) -> bool {
    let is_known = StrftimeItems::new(format).all(|item| item != Item::Error);
    is_known && date_in(&DateTime::UNIX_EPOCH.format(format).to_string(), format).is_some()
}

/// The date of seconds or milliseconds since 1970.
#[expect(clippy::cast_possible_truncation, reason = "the range was checked; what is below a microsecond is not kept")]
pub(super) fn epoch(number: f64) -> Option<String> {
    let seconds = if SECONDS.contains(&number) { number } else { number / 1e3 };
    SECONDS
        .contains(&seconds)
        .then(|| DateTime::from_timestamp_micros((seconds * 1e6).round() as i64))
        .flatten()
        .map(told)
}

fn told(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}
