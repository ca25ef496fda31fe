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
    let mut opened = File::open(file)?;
    let start = opened.metadata()?.len().saturating_sub(END);
    opened.seek(SeekFrom::Start(start))?;
    let mut end = Vec::new();
    opened.read_to_end(&mut end)?;
    let text = String::from_utf8_lossy(&end);
    let all: Vec<&str> = text.lines().collect();
    Ok(all[all.len().saturating_sub(lines)..].join("\n"))
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
    }
}
