//! What the operating system knows: memory and CPU time of processes, and the host they ran on.
//!
//! Everything is read from `/proc` or by a system call; what cannot be learned is `None`, never 0.

#[cfg(feature = "harness")]
pub mod host;
#[cfg(feature = "harness")]
pub mod memory;

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// CPU time that all threads of this process have used so far.
pub fn process_cpu_time() -> Option<Duration> {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    let seconds = u64::try_from(time.tv_sec).ok()?;
    let nanos = u32::try_from(time.tv_nsec).ok()?;
    Some(Duration::new(seconds, nanos))
}
