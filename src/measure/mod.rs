//! What the operating system knows: memory, CPU time and counts of processes, and the host they ran on.
//!
//! Everything is read from `/proc` or by a system call; what cannot be learned is `None`, never 0.

#[cfg(any(feature = "harness", feature = "instructions"))]
pub mod instructions;
pub mod machine;
pub mod memory;
pub mod tree;
pub mod usage;
pub(crate) mod valgrind;

use std::mem::MaybeUninit;
use std::time::Duration;

/// CPU time that all threads of this process have used so far.
#[expect(unsafe_code, reason = "rustix reads this clock by a way that crashes under Valgrind")]
pub fn process_cpu_time() -> Option<Duration> {
    let mut time = MaybeUninit::zeroed();
    // SAFETY: the call writes one timespec to the place it is given, and zeroes are a valid one.
    let time: libc::timespec = unsafe {
        (libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, time.as_mut_ptr()) == 0).then(|| time.assume_init())
    }?;
    Some(Duration::new(u64::try_from(time.tv_sec).ok()?, u32::try_from(time.tv_nsec).ok()?))
}
