//! The one thing that a program says to Valgrind: when callgrind is to count.
//!
//! The crate that offers this (`valgrind-requests`) runs bindgen in its build script, which changes the features of `syn`
//! for the whole graph of the program and needs libclang; so the one request that is needed is written out.

/// Has callgrind begin or stop to count, in all threads; nothing happens when the program does not run under Valgrind.
///
/// On processors other than `x86_64` and `aarch64` nothing is asked, and callgrind counts 0.
pub fn count(on: bool) {
    /// From `callgrind.h`: `'C' << 24 | 'T' << 16`, then the number of the request.
    const TOOL: usize = (b'C' as usize) << 24 | (b'T' as usize) << 16;
    const START: usize = TOOL + 4;
    const STOP: usize = TOOL + 5;
    request([if on { START } else { STOP }, 0, 0, 0, 0, 0]);
}

/// A request as `valgrind.h` defines it: rotations of a register by 128 bits in all, then an exchange with itself. Both
/// change nothing, and Valgrind knows them.
#[cfg(target_arch = "x86_64")]
#[expect(unsafe_code, reason = "Valgrind listens to certain instructions only")]
fn request(args: [usize; 6]) {
    // SAFETY: the sequence reads the six words behind rax, under Valgrind, and changes rdx.
    unsafe {
        std::arch::asm!(
            "rol rdi, 3", "rol rdi, 13", "rol rdi, 61", "rol rdi, 51", "xchg rbx, rbx",
            in("rax") args.as_ptr(),
            inout("rdx") 0_usize => _,
            options(nostack, readonly),
        );
    }
}

#[cfg(target_arch = "aarch64")]
#[expect(unsafe_code, reason = "Valgrind listens to certain instructions only")]
fn request(args: [usize; 6]) {
    // SAFETY: the sequence reads the six words behind x4, under Valgrind, and changes x3.
    unsafe {
        std::arch::asm!(
            "ror x12, x12, #3", "ror x12, x12, #13", "ror x12, x12, #51", "ror x12, x12, #61", "orr x10, x10, x10",
            in("x4") args.as_ptr(),
            inout("x3") 0_usize => _,
            options(nostack, readonly),
        );
    }
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn request(_: [usize; 6]) {}
