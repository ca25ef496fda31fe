//! Dictionary codes as Parquet packs them: runs of one repeated code, and runs of codes of a few bits each.
//!
//! Only whole numbers here: what a code stands for is the business of [`super::chunk`].

use std::ops::Range;

/// A stretch of a page: equal codes, or codes packed into bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Run {
    /// The same code in every row.
    Same(u32),
    /// Codes of `width` bits each, from the page's byte `at` on.
    Packed {
        /// Byte in the page, whose size the format counts in 31 bits.
        at: u32,
        /// Bits of a code, 1 to 32.
        width: u8,
    },
}

/// Cuts the codes of a page's `rows` into runs and gives each with its rows; `None` where the page is not what the
/// format says.
pub fn cut(page: &[u8], rows: u32, mut each: impl FnMut(u32, Run)) -> Option<()> {
    let (&width, _) = page.split_first()?;
    if width > 32 {
        return None;
    }
    let (mut at, mut left) = (1, rows);
    while left > 0 {
        let header = varint(page, &mut at)?;
        let count = header >> 1;
        let (run_rows, run) = if header & 1 == 0 {
            // The code in as few whole bytes as hold the width, least byte first.
            let bytes = usize::from(width).div_ceil(8);
            let code = page.get(at..at + bytes)?.iter().rev().fold(0, |code, &byte| code << 8 | u32::from(byte));
            at += bytes;
            (count, Run::Same(code))
        } else {
            // Groups of eight codes; the last may be padded.
            let bytes = usize::try_from(count.checked_mul(width.into())?).ok()?;
            page.get(at..at.checked_add(bytes)?)?;
            let run = if width == 0 { Run::Same(0) } else { Run::Packed { at: u32::try_from(at).ok()?, width } };
            at += bytes;
            (count.checked_mul(8)?, run)
        };
        let run_rows = u32::try_from(run_rows).unwrap_or(u32::MAX).min(left);
        if run_rows > 0 {
            each(run_rows, run);
        }
        left -= run_rows;
    }
    Some(())
}

/// An unsigned number of seven bits a byte, least first.
fn varint(page: &[u8], at: &mut usize) -> Option<u64> {
    let mut number = 0;
    for shift in (0..63).step_by(7) {
        let byte = *page.get(*at)?;
        *at += 1;
        number |= u64::from(byte & 127) << shift;
        if byte < 128 {
            return Some(number);
        }
    }
    None
}

/// The code at a position of a packed run; `packed` begins with the run and may go on behind it.
pub fn code_at(packed: &[u8], width: u8, position: usize) -> u32 {
    let bit = position * usize::from(width);
    let bytes = packed.get(bit / 8..).unwrap_or_default();
    extract(window(bytes), bit % 8, width.into())
}

/// Unpacks the codes at these positions of a packed run, as many as `codes` has room for.
pub fn unpack<'a>(packed: &[u8], width: u8, positions: Range<usize>, codes: &'a mut [u32; BLOCK]) -> &'a [u32] {
    // Only every eighth code begins at a byte.
    let surplus = positions.start % 8;
    let wanted = surplus + positions.len();
    debug_assert!(wanted <= BLOCK, "{positions:?}");
    let from = (positions.start - surplus) / 8 * usize::from(width);
    let packed = packed.get(from..).unwrap_or_default();
    macro_rules! by_width {
        ($($width:literal)*) => {
            match width {
                $($width => unpack_groups::<$width>(packed, wanted, codes),)*
                _ => unreachable!("cut lets no other width through"),
            }
        };
    }
    by_width!(1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32);
    &codes[surplus..wanted]
}

/// How many codes are unpacked at a time: they and what they are turned into stay in the first-level cache.
pub const BLOCK: usize = 1024;

/// Codes in one group at least, as the positions of an unpacked block need not begin with a group.
pub const BLOCK_ROWS: usize = BLOCK - 8;

fn unpack_groups<const WIDTH: usize>(packed: &[u8], wanted: usize, codes: &mut [u32; BLOCK]) {
    for (group, codes) in codes[..wanted.next_multiple_of(8).min(BLOCK)].chunks_exact_mut(8).enumerate() {
        let from = group * WIDTH;
        // With constant offsets into a window of known length there is one bounds check for eight codes.
        if let Some(bytes) = packed.get(from..from + WIDTH + 8) {
            for (position, code) in codes.iter_mut().enumerate() {
                let bit = position * WIDTH;
                *code = extract(window(&bytes[bit / 8..bit / 8 + 8]), bit % 8, WIDTH);
            }
        } else {
            for (position, code) in codes.iter_mut().enumerate() {
                let bit = position * WIDTH;
                *code = extract(window(packed.get(from + bit / 8..).unwrap_or_default()), bit % 8, WIDTH);
            }
        }
    }
}

/// The first eight bytes as one number, with zeros behind the end.
fn window(bytes: &[u8]) -> u64 {
    bytes.first_chunk().map_or_else(
        || bytes.iter().rev().fold(0, |number, &byte| number << 8 | u64::from(byte)),
        |bytes| u64::from_le_bytes(*bytes),
    )
}

#[expect(clippy::cast_possible_truncation, reason = "masked to at most 32 bits")]
fn extract(window: u64, shift: usize, width: usize) -> u32 {
    (window >> shift & ((1 << width) - 1)) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pack(codes: &[u32], width: u8) -> Vec<u8> {
        let mut bytes = vec![0; (codes.len() * usize::from(width)).div_ceil(8)];
        for (position, code) in codes.iter().enumerate() {
            for bit in 0..usize::from(width) {
                let at = position * usize::from(width) + bit;
                bytes[at / 8] |= u8::from(code >> bit & 1 == 1) << (at % 8);
            }
        }
        bytes
    }

    fn runs_of(page: &[u8], rows: u32) -> Option<Vec<(u32, Run)>> {
        let mut runs = Vec::new();
        cut(page, rows, |rows, run| runs.push((rows, run)))?;
        Some(runs)
    }

    #[test]
    fn every_width_and_position_is_unpacked() {
        for width in 1..=32_u8 {
            let codes: Vec<u32> = (0..64_u32).map(|i| i.wrapping_mul(0x9E37_79B9) >> (32 - u32::from(width))).collect();
            let packed = pack(&codes, width);
            for start in 0..20 {
                let mut block = [0; BLOCK];
                assert_eq!(unpack(&packed, width, start..64, &mut block), &codes[start..], "{width} {start}");
            }
            for (position, code) in codes.iter().enumerate() {
                assert_eq!(code_at(&packed, width, position), *code, "{width} {position}");
            }
        }
    }

    #[test]
    fn a_page_is_cut_into_its_runs() {
        // Width 2; 300 times code 3; then two groups of eight, of which 12 codes are wanted.
        let mut page = vec![2, 0xD8, 0x04, 3, 2 << 1 | 1];
        page.extend(pack(&[0, 1, 2, 3, 0, 1, 2, 3, 1, 1, 1, 1, 0, 0, 0, 0], 2));
        let runs = runs_of(&page, 312).unwrap();
        assert_eq!(runs, [(300, Run::Same(3)), (12, Run::Packed { at: 5, width: 2 })]);
    }

    #[test]
    fn a_page_that_ends_early_is_refused() {
        assert_eq!(runs_of(&[], 1), None);
        assert_eq!(runs_of(&[2, 16 << 1 | 1, 0, 0], 100), None);
        assert_eq!(runs_of(&[2, 0xD8, 0x04, 3], 301), None);
        assert_eq!(runs_of(&[33, 2, 0, 0, 0, 0, 0], 1), None);
    }

    #[test]
    fn codes_of_no_bits_are_zero() {
        assert_eq!(runs_of(&[0, 20 << 1], 20).unwrap(), [(20, Run::Same(0))]);
        assert_eq!(runs_of(&[0, 3 << 1 | 1], 20).unwrap(), [(20, Run::Same(0))]);
    }
}
