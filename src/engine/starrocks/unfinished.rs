//! Tables that are being filled: each program fills one of its own, and what a program left when it was ended goes.

use rustix::io::Errno;
use rustix::process::{Pid, test_kill_process};

const PREFIX: &str = "querydyno_loading_";

/// This machine, as far as its processes have numbers of their own.
pub(super) fn machine() -> String {
    digits(&rustix::system::uname().nodename().to_string_lossy())
}

/// Eight digits that stand for a text in names on a server, the same in every version of this program: its hash by FNV-1a.
pub(super) fn digits(text: &str) -> String {
    let hash = text.bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    format!("{hash:08x}")
}

/// What a table is called while this process on this machine fills it.
pub(super) fn name(table: &str, machine: &str, process: u32) -> String {
    format!("{PREFIX}{table}_{machine}_{process}")
}

/// Whether that name is one of this machine whose process is gone. Of another machine nothing is known.
pub(super) fn is_left_behind(name: &str, machine: &str, lives: impl Fn(u32) -> bool) -> bool {
    let parts = name.strip_prefix(PREFIX).and_then(|rest| rest.rsplit_once('_'));
    let Some((table, process)) = parts else { return false };
    let ours = table.rsplit_once('_').is_some_and(|(_, of)| of == machine);
    ours && process.parse().is_ok_and(|process| !lives(process))
}

/// Whether this machine has such a process.
pub(super) fn lives(process: u32) -> bool {
    let number = i32::try_from(process).ok().and_then(Pid::from_raw);
    // One of another user is there, too, and may not be signalled.
    number.is_some_and(|number| test_kill_process(number) != Err(Errno::SRCH))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_tables_of_this_machine_are_left_behind() {
        let gone = |name: &str| is_left_behind(name, "0a1b2c3d", |process| process == 7);
        assert!(gone(&name("order_lines", "0a1b2c3d", 8)));
        assert!(!gone(&name("order_lines", "0a1b2c3d", 7)));
        assert!(!gone(&name("order_lines", "ffffffff", 8)));
        for other in ["orders", "querydyno_loading_orders", "querydyno_loading_orders_0a1b2c3d_x"] {
            assert!(!gone(other), "{other}");
        }
    }

    #[test]
    fn digits_are_those_that_fnv_publishes() {
        for (text, wanted) in [("", "811c9dc5"), ("a", "e40c292c"), ("foobar", "bf9cf968")] {
            assert_eq!(digits(text), wanted);
        }
    }

    #[test]
    fn this_process_lives() {
        assert!(lives(std::process::id()) && !lives(0));
        assert_eq!(machine().len(), 8);
    }
}
