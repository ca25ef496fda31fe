//! Many names as people read them: `ds1 to ds99` instead of each of them.

/// Names that follow one another are only shown as a range from so many on.
const MANY: usize = 4;

/// These names with commas between them; those that count up, such as `q1`, `q2a`, `q2b`, `q3`, as a range.
pub fn in_ranges<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let mut runs: Vec<Vec<&str>> = Vec::new();
    for name in names {
        match runs.last_mut() {
            Some(run) if run.last().is_some_and(|last| follows(last, name)) => run.push(name),
            _ => runs.push(vec![name]),
        }
    }
    let shown = runs.iter().map(|run| match run.as_slice() {
        [first, .., last] if run.len() >= MANY => format!("{first} to {last}"),
        few => few.join(", "),
    });
    shown.collect::<Vec<_>>().join(", ")
}

/// Whether a name has the number of the one before it, or the next one.
fn follows(before: &str, name: &str) -> bool {
    let (Some((prefix, number)), Some((other, next))) = (numbered(before), numbered(name)) else { return false };
    prefix == other && (next == number || next == number + 1)
}

/// What is before a name's number, and the number; a letter may be behind it.
fn numbered(name: &str) -> Option<(&str, u32)> {
    let body = name.trim_end_matches(|c: char| c.is_ascii_lowercase());
    let prefix = body.trim_end_matches(|c: char| c.is_ascii_digit());
    let is_plain = !prefix.is_empty() && name.len() - body.len() <= 1;
    let number = body[prefix.len()..].parse().ok()?;
    is_plain.then_some((prefix, number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn in_ranges_joins_what_counts_up() {
        for (names, shown) in [
            ("q1 q2 q3", "q1, q2, q3"),
            ("q1 q2 q3 q4", "q1 to q4"),
            ("a-b ds1 ds2a ds2b ds3 q1", "a-b, ds1 to ds3, q1"),
            ("q1 q2 q4 q5 q6 q7", "q1, q2, q4 to q7"),
            ("social-a social-b social-c social-tags", "social-a, social-b, social-c, social-tags"),
            ("", ""),
        ] {
            assert_eq!(in_ranges(names.split_whitespace()), shown);
        }
    }
}
