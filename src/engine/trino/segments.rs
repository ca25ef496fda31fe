//! Rows that come in segments, as a server with the spooling protocol gives them: unpacked from their encoding.
//!
//! Nothing here fetches them.

use anyhow::{Context, bail};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use super::page::Metadata;
use super::value::Sent;
use crate::engine::Result;

/// The encodings that are read here, the one that is asked for first.
pub(super) const ENCODINGS: &str = "json+zstd,json";

/// The bytes of a segment that came within the answer.
pub(super) fn inline(text: &str) -> Result<Vec<u8>> {
    BASE64_STANDARD.decode(text).context("a segment is not in base64")
}

/// The rows of a segment.
pub(super) fn rows(encoding: &str, bytes: &[u8], metadata: Metadata) -> Result<Vec<Vec<Sent>>> {
    let unpacked = match (encoding, metadata.uncompressed_size) {
        // Small ones are left as they are, and say no other size.
        ("json" | "json+zstd", None) => None,
        ("json+zstd", Some(size)) => {
            Some(zstd::bulk::decompress(bytes, size).context("a segment is not what zstd makes of it")?)
        }
        (other, _) => bail!("the server sent a segment in the encoding {other}, which was not asked for"),
    };
    let rows: Vec<Vec<Sent>> =
        serde_json::from_slice(unpacked.as_deref().unwrap_or(bytes)).context("a segment is not JSON")?;
    if rows.len() != metadata.rows_count {
        bail!("a segment of {} rows has {}", metadata.rows_count, rows.len());
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_unpacked_from_what_was_asked_for() {
        let text = br#"[[1,"a"],[null,"b"]]"#;
        let metadata = |uncompressed_size| Metadata { uncompressed_size, rows_count: 2, row_offset: None };
        let plain = rows("json", text, metadata(None)).unwrap();
        assert_eq!(plain[1], [Sent::Null, Sent::Text("b".to_owned())]);
        assert_eq!(rows("json+zstd", text, metadata(None)).unwrap(), plain);
        let packed = zstd::bulk::compress(text, 3).unwrap();
        assert_eq!(rows("json+zstd", &packed, metadata(Some(text.len()))).unwrap(), plain);
        assert!(rows("json+lz4", text, metadata(Some(9))).is_err());
        assert!(rows("json", text, Metadata { rows_count: 3, ..metadata(None) }).is_err());
        assert_eq!(inline("W1sxXV0=").unwrap(), b"[[1]]");
    }
}
