//! SHA-256 as text: what tells one file, query or answer from another.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use sha2::{Digest, Sha256};

/// The checksum of some bytes, 64 hexadecimal digits.
pub fn sha256(bytes: impl AsRef<[u8]>) -> String {
    hex(&Sha256::digest(bytes))
}

/// The same of a file, which may be large: no more than a mebibyte of it is held.
///
/// # Errors
/// When it cannot be read.
pub fn sha256_of_file(path: &Path) -> io::Result<String> {
    let file = File::open(path)?;
    let (mut part, mut digest) = (Vec::new(), Sha256::new());
    loop {
        part.clear();
        if (&file).take(1 << 20).read_to_end(&mut part)? == 0 {
            return Ok(hex(&digest.finalize()));
        }
        digest.update(&part);
    }
}

/// Bytes as hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |text, byte| text + &format!("{byte:02x}"))
}
