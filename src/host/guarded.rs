//! Bytes that somebody else wrote, read by a crate that may panic on them: [`guarded`] makes an error of that.
//!
//! The arrow crate checks most of a stream and panics on the rest, for one in some forty that `tests/fuzz.rs` breaks. A broken
//! answer is to cost its own cell and not the run. Parquet footers need none of this: there the same test has found no panic.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use anyhow::{Result, anyhow};

/// What it reads; nothing of it may be used after a panic but the result.
///
/// # Errors
/// Its own, or what it panicked with.
pub(crate) fn guarded<T>(read: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(|panic| Err(anyhow!("its reader gave up: {}", words(&*panic))))
}

fn words(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("it panicked")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guarded_makes_an_error_of_a_panic() {
        assert_eq!(guarded(|| Ok(7)).unwrap(), 7);
        let broken: &[u8] = &[];
        let place = std::hint::black_box(3);
        let error = guarded(|| Ok(broken[place])).unwrap_err().to_string();
        assert!(error.starts_with("its reader gave up: index out of bounds"), "{error}");
        assert_eq!(guarded::<()>(|| Err(anyhow!("an error"))).unwrap_err().to_string(), "an error");
    }
}
