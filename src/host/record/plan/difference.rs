//! Two texts line by line: [`difference`] tells which lines are in both, by the longest common subsequence.
//!
//! No crate: the one in `Cargo.lock` is there for tests only, and a few hundred lines need no more than this.

/// Cells of the table at most. Texts of more lines, beyond what both begin and end with, are told as taken out and put in whole.
const MOST_CELLS: usize = 4_000_000;
/// Lines that are shown around one that differs.
const AROUND: usize = 2;
/// Lines that are shown at most.
const MOST_SHOWN: usize = 80;

/// A line of a difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Line<'a> {
    /// In both.
    Same(&'a str),
    /// In the first text only.
    Removed(&'a str),
    /// In the second text only.
    Added(&'a str),
}

impl Line<'_> {
    fn is_same(self) -> bool {
        matches!(self, Self::Same(_))
    }

    /// The line with its mark.
    fn marked(self) -> String {
        match self {
            Self::Same(line) => format!("  {line}"),
            Self::Removed(line) => format!("- {line}"),
            Self::Added(line) => format!("+ {line}"),
        }
    }
}

/// When two lines are the same.
type Same = fn(&str, &str) -> bool;

/// But for the blanks at their beginning: an operator that is put in moves all that is below it.
fn alike(base: &str, head: &str) -> bool {
    base.trim_start() == head.trim_start()
}

fn equal(base: &str, head: &str) -> bool {
    base == head
}

/// Every line of both texts, in order; of a place where they differ, those of the first come first. What is the same is shown as the
/// second has it.
pub(super) fn difference<'a>(base: &'a str, head: &'a str, same: Same) -> Vec<Line<'a>> {
    let (base, head): (Vec<&str>, Vec<&str>) = (base.lines().collect(), head.lines().collect());
    let begin = base.iter().zip(&head).take_while(|(a, b)| same(a, b)).count();
    let (of_base, of_head) = (&base[begin..], &head[begin..]);
    let end = of_base.iter().rev().zip(of_head.iter().rev()).take_while(|(a, b)| same(a, b)).count();
    let (of_base, of_head) = (&of_base[..of_base.len() - end], &of_head[..of_head.len() - end]);
    let mut lines: Vec<Line<'_>> = head[..begin].iter().copied().map(Line::Same).collect();
    lines.extend(between(of_base, of_head, same));
    lines.extend(head[head.len() - end..].iter().copied().map(Line::Same));
    lines
}

/// The same of lines that neither begin nor end alike.
fn between<'a>(base: &[&'a str], head: &[&'a str], same: Same) -> Vec<Line<'a>> {
    let width = head.len() + 1;
    if base.is_empty() || head.is_empty() || (base.len() + 1).saturating_mul(width) > MOST_CELLS {
        let removed = base.iter().copied().map(Line::Removed);
        return removed.chain(head.iter().copied().map(Line::Added)).collect();
    }
    // How many lines the rests of both texts have in common, from these two places on.
    let mut common = vec![0_u32; (base.len() + 1) * width];
    for (row, of_base) in base.iter().enumerate().rev() {
        for (column, of_head) in head.iter().enumerate().rev() {
            let here = row * width + column;
            common[here] = if same(of_base, of_head) {
                common[here + width + 1] + 1
            } else {
                common[here + width].max(common[here + 1])
            };
        }
    }
    let (mut row, mut column, mut lines) = (0, 0, Vec::new());
    while row < base.len() && column < head.len() {
        let here = row * width + column;
        if same(base[row], head[column]) {
            lines.push(Line::Same(head[column]));
            (row, column) = (row + 1, column + 1);
        } else if common[here + width] >= common[here + 1] {
            lines.push(Line::Removed(base[row]));
            row += 1;
        } else {
            lines.push(Line::Added(head[column]));
            column += 1;
        }
    }
    lines.extend(base[row..].iter().copied().map(Line::Removed));
    lines.extend(head[column..].iter().copied().map(Line::Added));
    lines
}

/// What differs, as lines for people, with a few lines around it. What is left out is told.
pub(super) fn shown(base: &str, head: &str) -> Vec<String> {
    let mut lines = difference(base, head, alike);
    if lines.iter().all(|line| line.is_same()) {
        lines = difference(base, head, equal);
    }
    let near = |place: usize| {
        let around = place.saturating_sub(AROUND)..(place + AROUND + 1).min(lines.len());
        lines[around].iter().any(|line| !line.is_same())
    };
    let (mut shown, mut gap) = (Vec::new(), false);
    for (place, line) in lines.iter().enumerate() {
        if near(place) {
            // Nothing is said of what is above the first line and below the last.
            if gap && !shown.is_empty() {
                shown.push("  ...".to_owned());
            }
            shown.push(line.marked());
        }
        gap = !near(place);
    }
    if shown.is_empty() {
        return vec!["  the texts differ where they were cut".to_owned()];
    }
    if shown.len() > MOST_SHOWN {
        let more = shown.len() - MOST_SHOWN;
        shown.truncate(MOST_SHOWN);
        shown.push(format!("  ... and {more} more lines: cargo xtask show RECORD has each plan as a whole"));
    }
    shown
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn marked(base: &str, head: &str) -> Vec<String> {
        difference(base, head, equal).into_iter().map(Line::marked).collect()
    }

    #[test]
    fn difference_finds_what_was_put_in_taken_out_and_moved() {
        assert_eq!(marked("a\nb\nc", "a\nx\nb\nc"), ["  a", "+ x", "  b", "  c"]);
        assert_eq!(marked("a\nb\nc", "a\nc"), ["  a", "- b", "  c"]);
        assert_eq!(marked("a\nb\nc\nd", "c\nd\na\nb"), ["- a", "- b", "  c", "  d", "+ a", "+ b"]);
        assert_eq!(marked("", "a"), ["+ a"]);
        assert_eq!(marked("a", ""), ["- a"]);
        assert_eq!(marked("", ""), [""; 0]);
    }

    #[test]
    fn shown_has_a_few_lines_around_and_tells_of_gaps() {
        let base: Vec<String> = (0..40).map(|line| format!("operator {line}")).collect();
        let mut head = base.clone();
        head[10] = "another".to_owned();
        head[30] = "and one more".to_owned();
        let shown = shown(&base.join("\n"), &head.join("\n"));
        assert_eq!(shown.len(), 13);
        assert_eq!(shown[2..4], ["- operator 10", "+ another"]);
        assert_eq!((shown[0].as_str(), shown[6].as_str()), ("  operator 8", "  ..."));
    }

    #[test]
    fn shown_of_an_operator_that_was_put_in_is_that_operator() {
        let base = "SORT\n  JOIN\n    SCAN a\n    SCAN b";
        assert_eq!(
            shown(base, "SORT\n  FILTER\n    JOIN\n      SCAN a\n      SCAN b")[..3],
            ["  SORT", "+   FILTER", "      JOIN"]
        );
        // Where nothing but the depth of an operator differs, that is shown.
        assert_eq!(shown("JOIN\n  A\n    B", "JOIN\n  A\n  B"), ["  JOIN", "    A", "-     B", "+   B"]);
    }

    #[test]
    fn shown_of_long_differences_is_cut_and_says_so() {
        let lines = |word: &str| (0..3000).map(|line| format!("{word} {line}")).collect::<Vec<_>>().join("\n");
        let shown = shown(&lines("base"), &lines("head"));
        assert_eq!(shown.len(), MOST_SHOWN + 1);
        assert!(shown[MOST_SHOWN].starts_with("  ... and 5920 more lines"), "{}", shown[MOST_SHOWN]);
    }

    proptest! {
        /// Each text can be read back from the difference, and as many lines are the same as in the longest common subsequence.
        #[test]
        fn difference_loses_nothing(base in "[ab\n]{0,24}", head in "[ab\n]{0,24}") {
            let lines = difference(&base, &head, equal);
            let of_base: Vec<&str> = lines.iter().filter_map(|line| match line {
                Line::Same(text) | Line::Removed(text) => Some(*text),
                Line::Added(_) => None,
            }).collect();
            let of_head: Vec<&str> = lines.iter().filter_map(|line| match line {
                Line::Same(text) | Line::Added(text) => Some(*text),
                Line::Removed(_) => None,
            }).collect();
            prop_assert_eq!(of_base, base.lines().collect::<Vec<_>>());
            prop_assert_eq!(of_head, head.lines().collect::<Vec<_>>());
        }
    }
}
