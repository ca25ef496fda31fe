//! One file out of a wheel, which is a zip archive.

use anyhow::{Context, Result, bail, ensure};
use miniz_oxide::inflate::decompress_to_vec_with_limit;

pub(super) const END: &[u8] = b"PK\x05\x06";
const END_BYTES: usize = 22;
pub(super) const LISTED: &[u8] = b"PK\x01\x02";
const LISTED_BYTES: usize = 46;
pub(super) const LOCAL: &[u8] = b"PK\x03\x04";
const LOCAL_BYTES: usize = 30;

/// The contents of the file of that name.
///
/// # Errors
/// When it is no zip archive, has no such file, or the file is not what the archive says it is.
pub(super) fn entry(archive: &[u8], name: &str) -> Result<Vec<u8>> {
    // A comment may follow the end's record.
    let end = archive.windows(END_BYTES).rposition(|window| window.starts_with(END)).context("it is no zip archive")?;
    let (count, mut at) = (number(archive, end + 10, 2)?, number(archive, end + 16, 4)?);
    for _ in 0..count {
        let header = part(archive, at, LISTED_BYTES)?;
        ensure!(header.starts_with(LISTED), "its list of files is broken");
        let (method, packed, unpacked) = (number(header, 10, 2)?, number(header, 20, 4)?, number(header, 24, 4)?);
        let (name_bytes, extra, comment) = (number(header, 28, 2)?, number(header, 30, 2)?, number(header, 32, 2)?);
        if part(archive, at + LISTED_BYTES, name_bytes)? == name.as_bytes() {
            let local = number(header, 42, 4)?;
            let header = part(archive, local, LOCAL_BYTES)?;
            ensure!(header.starts_with(LOCAL), "{name} is not where its list of files says");
            let content = local + LOCAL_BYTES + number(header, 26, 2)? + number(header, 28, 2)?;
            return unpack(part(archive, content, packed)?, method, unpacked).with_context(|| format!("in {name}"));
        }
        at += LISTED_BYTES + name_bytes + extra + comment;
    }
    bail!("it holds no {name}")
}

fn unpack(packed: &[u8], method: usize, bytes: usize) -> Result<Vec<u8>> {
    let content = match method {
        0 => packed.to_vec(),
        8 => decompress_to_vec_with_limit(packed, bytes).map_err(|error| anyhow::anyhow!("{error}"))?,
        other => bail!("it is compressed by method {other}, which is not known here"),
    };
    ensure!(content.len() == bytes, "it has {} bytes and not {bytes} as its archive says", content.len());
    Ok(content)
}

fn part(bytes: &[u8], from: usize, length: usize) -> Result<&[u8]> {
    bytes.get(from..from.saturating_add(length)).context("the archive is cut off")
}

fn number(bytes: &[u8], from: usize, length: usize) -> Result<usize> {
    let digits = part(bytes, from, length)?.iter().rev();
    Ok(digits.fold(0, |number, byte| number << 8 | usize::from(*byte)))
}

#[cfg(test)]
mod tests {
    use super::super::tests::zip_of as of;
    use super::*;

    #[test]
    fn entry_is_unpacked_stored_or_deflated() {
        let content = b"many times the same, ".repeat(1000);
        for deflated in [false, true] {
            let archive = of("deep/file.so", &content, deflated);
            assert_eq!(entry(&archive, "deep/file.so").unwrap(), content);
            assert_eq!(entry(&archive, "file.so").unwrap_err().to_string(), "it holds no file.so");
        }
        assert!(of("file", &content, true).len() < content.len());
    }

    #[test]
    fn entry_refuses_what_is_no_archive_or_cut_off() {
        let archive = of("file", b"content", true);
        assert!(entry(&archive[..archive.len() - 3], "file").is_err());
        assert!(entry(&archive[10..], "file").is_err());
        assert_eq!(entry(b"", "file").unwrap_err().to_string(), "it is no zip archive");
    }
}
