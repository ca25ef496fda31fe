//! What a server or a tool wrote to a file: its end. `cargo xtask services logs` prints more of it.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::Path;

/// The end of a log that is looked at: more than anyone asks for lines of.
const END: u64 = 1 << 20;

/// The last lines of a text file.
///
/// # Errors
/// When it cannot be read.
pub(super) fn tail(file: &Path, lines: usize) -> io::Result<String> {
    let text = tail_from(file, 0)?;
    let all: Vec<&str> = text.lines().collect();
    Ok(all[all.len().saturating_sub(lines)..].join("\n"))
}

/// What was written behind so many bytes, of a mebibyte at most: the end of it. All of it where the file has become shorter.
///
/// # Errors
/// When it cannot be read.
pub(super) fn tail_from(file: &Path, from: u64) -> io::Result<String> {
    let mut opened = File::open(file)?;
    let length = opened.metadata()?.len();
    let from = if from > length { 0 } else { from };
    opened.seek(SeekFrom::Start(from.max(length.saturating_sub(END))))?;
    let mut end = Vec::new();
    opened.take(END).read_to_end(&mut end)?;
    Ok(String::from_utf8_lossy(&end).into_owned())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn the_last_lines_are_the_last() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("x");
        fs::write(&file, "a\nb\nc\n").unwrap();
        assert_eq!(tail(&file, 2).unwrap(), "b\nc");
        assert_eq!(tail(&file, 9).unwrap(), "a\nb\nc");
        assert_eq!(tail_from(&file, 2).unwrap(), "b\nc\n");
        assert_eq!(tail_from(&file, 99).unwrap(), "a\nb\nc\n");
    }
}
