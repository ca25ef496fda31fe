//! What a server answers to a statement: pages of rows with its own times, and failures.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use anyhow::{anyhow, ensure};
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::value::{Cell, Sent, Type};
use crate::engine::Unsupported;

/// A result with every row.
#[derive(Debug, Default)]
pub struct Output {
    pub(super) columns: Vec<Column>,
    pub(super) rows: Vec<Vec<Cell>>,
    pub(super) times: Times,
    /// The encoding of its rows, where they came in segments.
    pub(super) encoding: Option<String>,
}

impl Output {
    /// Adds rows, each read as what its types say.
    ///
    /// # Errors
    /// When a row has more or fewer values, or one that is not of its type.
    pub(super) fn read(&mut self, rows: Vec<Vec<Sent>>, types: &[Type]) -> anyhow::Result<()> {
        for row in rows {
            ensure!(row.len() == types.len(), "a row has {} values and {} columns", row.len(), types.len());
            let cells = types.iter().zip(row).map(|(kind, sent)| kind.read(sent));
            self.rows.push(cells.collect::<anyhow::Result<_>>()?);
        }
        Ok(())
    }
}

/// A column as the server names it.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Column {
    pub(super) name: String,
    #[serde(rename = "type")]
    pub(super) type_name: String,
}

/// The parts of a statement's time. The first two are by the server's own clock, and `queued` has the time too in which the client was put
/// off. The server's time of execution goes on for as long as the client takes rows, so that of it only the time counts in which the
/// client waited for rows that were not there yet. The rest is transfer: rows made into text, sent, and read here.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Times {
    pub(super) queued: Duration,
    pub(super) planning: Duration,
    pub(super) execution: Duration,
    pub(super) transfer: Duration,
}

/// What the server answers to a statement and to each question after it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Page {
    pub(super) next_uri: Option<String>,
    pub(super) columns: Option<Vec<Column>>,
    pub(super) data: Option<Data>,
    pub(super) error: Option<Failure>,
    pub(super) stats: Stats,
    /// How long the server took to begin its answer.
    #[serde(skip)]
    pub(super) began_after: Duration,
    /// How long the server, or a gateway before it, put the client off before that.
    #[serde(skip)]
    pub(super) refused: Duration,
    /// Bytes of the answer.
    #[serde(skip)]
    pub(super) bytes: usize,
}

/// An answer with fewer bytes is all that the server had: it fills one up to a mebibyte from rows that wait already.
const FULL: usize = 1 << 18;

impl Page {
    /// How long the client waited for what was not there yet: nothing, where rows had been waiting for the client.
    pub(super) fn waited(&self) -> Duration {
        if self.bytes < FULL { self.began_after } else { Duration::ZERO }
    }
}

/// The rows of an answer.
#[derive(Debug)]
pub(super) enum Data {
    /// By the direct protocol.
    Rows(Vec<Vec<Sent>>),
    /// By the spooling protocol.
    Segments(Segments),
}

#[derive(Debug, Deserialize)]
pub(super) struct Segments {
    pub(super) encoding: String,
    pub(super) segments: Vec<Segment>,
}

/// Some rows, encoded.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase", rename_all_fields = "camelCase")]
pub(super) enum Segment {
    /// Within the answer.
    Inline { data: String, metadata: Metadata },
    /// To be fetched with these headers. The server can remove it once it was told that it is here.
    Spooled {
        uri: String,
        ack_uri: Option<String>,
        #[serde(default)]
        headers: BTreeMap<String, Vec<String>>,
        metadata: Metadata,
    },
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Metadata {
    /// Bytes, where it is compressed.
    pub(super) uncompressed_size: Option<usize>,
    pub(super) rows_count: usize,
    /// Rows of the result that are before these.
    pub(super) row_offset: Option<usize>,
}

impl Segment {
    pub(super) fn metadata(&self) -> Metadata {
        match self {
            Self::Inline { metadata, .. } | Self::Spooled { metadata, .. } => *metadata,
        }
    }
}

impl Metadata {
    /// # Errors
    /// When its rows are not those behind so many.
    pub(super) fn follows(self, rows: usize) -> anyhow::Result<()> {
        let before = self.row_offset.unwrap_or(rows);
        ensure!(
            before == rows,
            "a segment begins behind row {before}, and {rows} rows came before it: rows are missing, or came twice"
        );
        Ok(())
    }
}

impl<'de> Deserialize<'de> for Data {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(VisitData)
    }
}

struct VisitData;

impl<'de> Visitor<'de> for VisitData {
    type Value = Data;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("rows, or segments with rows")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, rows: A) -> Result<Data, A::Error> {
        Deserialize::deserialize(SeqAccessDeserializer::new(rows)).map(Data::Rows)
    }

    fn visit_map<A: MapAccess<'de>>(self, segments: A) -> Result<Data, A::Error> {
        Deserialize::deserialize(MapAccessDeserializer::new(segments)).map(Data::Segments)
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Failure {
    message: String,
    error_name: Option<String>,
}

/// The server's own times, in milliseconds. Those that a version does not tell count as none.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default)]
pub(super) struct Stats {
    #[serde(rename = "elapsedTimeMillis")]
    elapsed: u64,
    #[serde(rename = "queuedTimeMillis")]
    queued: u64,
    #[serde(rename = "planningTimeMillis")]
    planning: u64,
    /// All work is done, and the client gets the rest of the rows.
    #[serde(rename = "finishingTimeMillis")]
    finishing: u64,
}

impl Stats {
    /// The parts of a statement that took `whole` here, of which the client spent `waited` waiting for rows, and `refused` before the
    /// server took a question. They add up to `whole`: where the server's clock tells more, its parts are cut.
    pub(super) fn times(self, whole: Duration, waited: Duration, refused: Duration) -> Times {
        let mut left = whole;
        let mut part = |time: Duration| {
            let taken = time.min(left);
            left -= taken;
            taken
        };
        let millis = Duration::from_millis;
        let queued = part(millis(self.queued));
        let refused = part(refused);
        let planning = part(millis(self.planning));
        let before = self.queued + self.planning + self.finishing;
        let execution = part(millis(self.elapsed.saturating_sub(before)).min(waited.saturating_sub(queued + planning)));
        Times { queued: queued + refused, planning, execution, transfer: left }
    }
}

/// An error of the server for who reads it.
pub(super) fn told(failure: &Failure) -> anyhow::Error {
    let name = failure.error_name.as_deref().unwrap_or_default();
    let message = failure.message.replace('\n', " ");
    match name {
        "NOT_SUPPORTED" => Unsupported(format!("Trino: {message}")).into(),
        "" => anyhow!("Trino: {message}"),
        _ => anyhow!("Trino: {name}: {message}"),
    }
}

/// What a header takes of a value.
pub(super) fn percent(value: &str) -> String {
    let letter = |byte: u8| {
        if byte.is_ascii_alphanumeric() || b"-_.".contains(&byte) {
            char::from(byte).to_string()
        } else {
            format!("%{byte:02X}")
        }
    };
    value.bytes().map(letter).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stats_times_tell_transfer_from_execution() {
        let stats: Stats = serde_json::from_str(
            r#"{"state":"FINISHED","elapsedTimeMillis":1587,"queuedTimeMillis":5,"planningTimeMillis":105,
                "finishingTimeMillis":814,"analysisTimeMillis":15}"#,
        )
        .unwrap();
        let millis = Duration::from_millis;
        let times = |execution, transfer| Times {
            queued: millis(5),
            planning: millis(105),
            execution: millis(execution),
            transfer: millis(transfer),
        };
        // All rows were waited for; or the server waited until they were taken.
        let none = Duration::ZERO;
        assert_eq!(stats.times(millis(1632), millis(1500), none), times(663, 859));
        assert_eq!(stats.times(millis(1632), millis(210), none), times(100, 1422));
        // A server that is ahead of our clock, and one that tells nothing.
        assert_eq!(stats.times(millis(700), millis(900), none).transfer, none);
        assert_eq!(
            Stats::default().times(millis(7), millis(7), none),
            Times { transfer: millis(7), ..Times::default() }
        );
        // A gateway that had no time is neither the engine's nor the transfer's.
        let refused = stats.times(millis(3632), millis(1500), millis(2000));
        assert_eq!(refused, Times { queued: millis(2005), ..times(663, 859) });
    }

    #[test]
    fn page_reads_rows_and_failures() {
        let page: Page = serde_json::from_str(
            r#"{"id":"q","nextUri":"http://h/1","columns":[{"name":"a","type":"bigint","typeSignature":{}}],
                "data":[[1],[null]],"stats":{"state":"RUNNING"}}"#,
        )
        .unwrap();
        let page = Page { began_after: Duration::from_millis(9), bytes: 1000, ..page };
        assert_eq!(page.waited(), Duration::from_millis(9));
        let page = Page { bytes: FULL, ..page };
        assert_eq!(page.waited(), Duration::ZERO);
        assert!(matches!(page.data, Some(Data::Rows(rows)) if rows == [[Sent::Int(1)], [Sent::Null]]));
        let page: Page = serde_json::from_str(
            r#"{"data":{"encoding":"json+zstd","segments":[{"type":"inline","data":"W1sxXV0=","metadata":{"segmentSize":5,
                "rowsCount":1,"rowOffset":0}},{"type":"spooled","uri":"http://s/1","ackUri":"http://h/2","headers":{"a":["b"]},
                "metadata":{"segmentSize":9,"uncompressedSize":99,"rowsCount":7,"rowOffset":1}}]},"stats":{}}"#,
        )
        .unwrap();
        let Some(Data::Segments(found)) = page.data else { panic!("{page:?}") };
        assert!(matches!(&found.segments[0], Segment::Inline { metadata, .. } if metadata.uncompressed_size.is_none()));
        // A page that was lost or came again is not passed over.
        let behind = |segment: usize, rows| found.segments[segment].metadata().follows(rows);
        assert!(behind(0, 0).is_ok() && behind(1, 1).is_ok());
        assert!(behind(1, 0).unwrap_err().to_string().contains("behind row 1, and 0 rows came before it"));
        assert!(behind(0, 1).is_err());
        let Segment::Spooled { uri, ack_uri, headers, metadata } = &found.segments[1] else { panic!("{found:?}") };
        assert_eq!(
            (uri.as_str(), ack_uri.as_deref(), headers["a"][0].as_str()),
            ("http://s/1", Some("http://h/2"), "b")
        );
        assert_eq!(
            (found.encoding.as_str(), metadata.uncompressed_size, metadata.rows_count),
            ("json+zstd", Some(99), 7)
        );
        let page: Page = serde_json::from_str(
            r#"{"error":{"message":"line 1:1: no","errorName":"SYNTAX_ERROR","errorCode":1},"stats":{}}"#,
        )
        .unwrap();
        assert_eq!(told(&page.error.unwrap()).to_string(), "Trino: SYNTAX_ERROR: line 1:1: no");
        let refused = Failure { message: "no".to_owned(), error_name: Some("NOT_SUPPORTED".to_owned()) };
        assert!(told(&refused).is::<Unsupported>());
    }

    #[test]
    fn percent_leaves_what_a_header_takes() {
        assert_eq!(percent("MICROSECONDS"), "MICROSECONDS");
        assert_eq!(percent("1 GB,a=b"), "1%20GB%2Ca%3Db");
    }
}
