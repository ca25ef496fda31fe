//! Memory of another process: what it holds now and its high-water mark, which can be set back.

use std::fs;

use crate::units::Bytes;

/// How [`peak`] learned what it says; stored beside every peak.
pub const PEAK_SOURCE: &str = "VmHWM of the engine program, reset before each sample";

/// What the process holds in physical memory now.
pub fn resident(pid: u32) -> Option<Bytes> {
    status_field(pid, "VmRSS:")
}

/// The most that the process has held since its start or the last [`reset_peak`].
pub fn peak(pid: u32) -> Option<Bytes> {
    status_field(pid, "VmHWM:")
}

/// Sets the high-water mark back to what the process holds now; tells whether the kernel did it.
pub fn reset_peak(pid: u32) -> bool {
    fs::write(format!("/proc/{pid}/clear_refs"), "5").is_ok()
}

fn status_field(pid: u32, field: &str) -> Option<Bytes> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let kib: u64 =
        status.lines().find_map(|line| line.strip_prefix(field))?.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(Bytes(kib * 1024))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_known_allocation_shows_in_the_peak_and_a_reset_forgets_it() {
        let own = std::process::id();
        let size = 256 << 20;
        assert!(reset_peak(own));
        let before = peak(own).unwrap();
        let block = vec![1_u8; size];
        std::hint::black_box(&block);
        let during = peak(own).unwrap();
        assert!(during.0 - before.0 > (size as u64) * 9 / 10, "{before} {during}");
        drop(block);
        assert!(reset_peak(own));
        assert!(peak(own).unwrap() < during);
    }
}
