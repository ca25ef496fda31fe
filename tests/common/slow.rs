//! Tests that take a minute or another build: `TEST_SLOW=1 cargo test --release` runs them too, as CI does.

use std::io::Write;

/// Whether they are wanted. Otherwise says what is left out.
pub fn wanted(what: &str) -> bool {
    let wanted = std::env::var_os("TEST_SLOW").is_some();
    if !wanted {
        let _ = writeln!(std::io::stderr(), "LEFT OUT: {what}; TEST_SLOW=1 cargo test --release");
    }
    wanted
}
