//! Eight digits that stand for a text in names on a server: the same in every version of this program.

/// The text's hash by FNV-1a, in hexadecimal.
pub(super) fn digits(text: &str) -> String {
    let hash = text.bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    format!("{hash:08x}")
}

#[cfg(test)]
mod tests {
    use super::digits;

    #[test]
    fn they_are_those_that_fnv_publishes() {
        for (text, wanted) in [("", "811c9dc5"), ("a", "e40c292c"), ("foobar", "bf9cf968")] {
            assert_eq!(digits(text), wanted);
        }
    }
}
