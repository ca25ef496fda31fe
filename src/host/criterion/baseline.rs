//! How a baseline of Criterion's may be called: its name is that of a folder beside each cell's `new`.

/// Folders that Criterion keeps beside the baselines: one of these names would overwrite or hide them.
const TAKEN: [&str; 3] = ["new", "change", "report"];
/// Longer names are typed by nobody, and the cell's own name is in the path too.
const LONGEST: usize = 64;

/// The name, if it can be one.
///
/// # Errors
/// Says what a name may be.
pub fn named(name: &str) -> Result<String, String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if TAKEN.contains(&name) {
        return Err(format!(
            "'{name}' cannot name a baseline: Criterion keeps a folder of that name itself; choose another"
        ));
    }
    if name.is_empty() || name.len() > LONGEST || !name.chars().all(plain) || name == "." || name == ".." {
        return Err(format!(
            "'{name}' cannot name a baseline: use up to {LONGEST} letters, digits, '-', '_' and '.', such as main or v1.2, but not '.' or '..'"
        ));
    }
    Ok(name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn named_takes_what_is_one_folder_beside_criterions_own() {
        for name in ["main", "base", "v1.2", "2026-11-21_a", "..a", &"x".repeat(64)] {
            assert_eq!(named(name).as_deref(), Ok(name));
        }
        for name in
            ["", ".", "..", "../x", "a/b", "/tmp/x", "a b", "ä", "a\n", "new", "change", "report", &"x".repeat(65)]
        {
            let error = named(name).unwrap_err();
            assert!(error.contains(&format!("'{name}' cannot name a baseline")), "{error}");
        }
    }
}
