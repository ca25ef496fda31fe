//! Which instruction sets a program may be compiled for: only what this machine has.

/// Whether this machine runs programs that are compiled for `target_cpu`. Only names that a recipe uses are known.
pub(super) fn runs(target_cpu: &str) -> bool {
    #[cfg(target_arch = "x86_64")]
    if target_cpu == "x86-64-v3" {
        return std::arch::is_x86_feature_detected!("avx2")
            && std::arch::is_x86_feature_detected!("bmi1")
            && std::arch::is_x86_feature_detected!("bmi2")
            && std::arch::is_x86_feature_detected!("f16c")
            && std::arch::is_x86_feature_detected!("fma")
            && std::arch::is_x86_feature_detected!("lzcnt")
            && std::arch::is_x86_feature_detected!("movbe");
    }
    let _ = target_cpu;
    false
}
