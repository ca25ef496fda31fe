//! Who says the same: answers of independent engines, sorted into camps, and the camp that stands. Pure.
//!
//! Whom it is asked for, and what is said of the others, is its callers' business: the harness makes references
//! by it, and judges by it what no reference vouches for.

use super::Answer;
use super::compare::{Precision, compare};
use crate::workload::QuerySpec;

/// What one engine says.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Voice<'a> {
    /// Where its caller has it.
    pub(crate) place: usize,
    /// Programs of one family are one voice.
    pub(crate) family: &'a str,
    pub(crate) answer: &'a Answer,
}

/// Those that say the same.
#[derive(Debug)]
pub(crate) struct Camp<'a> {
    /// The answer of the first of them.
    pub(crate) answer: &'a Answer,
    /// Their places; the first is of the one that said it first.
    pub(crate) members: Vec<usize>,
    /// The independent engines among them.
    pub(crate) families: Vec<&'a str>,
}

/// Sorts voices into camps, that with the most independent engines first; of two with as many, the one that spoke first.
pub(crate) fn camps<'a>(voices: impl IntoIterator<Item = Voice<'a>>, query: &QuerySpec) -> Vec<Camp<'a>> {
    let mut camps: Vec<Camp<'a>> = Vec::new();
    for Voice { place, family, answer } in voices {
        let agrees = |camp: &&mut Camp<'_>| compare(camp.answer, answer, query, Precision::Full).is_ok();
        match camps.iter_mut().find(agrees) {
            Some(camp) => {
                camp.members.push(place);
                if !camp.families.contains(&family) {
                    camp.families.push(family);
                }
            }
            None => camps.push(Camp { answer, members: vec![place], families: vec![family] }),
        }
    }
    // A stable sort.
    camps.sort_by_key(|camp| std::cmp::Reverse(camp.families.len()));
    camps
}

/// The camp whose answer stands: more independent engines than in any other, and at least two.
pub(crate) fn majority<'b, 'a>(camps: &'b [Camp<'a>]) -> Option<&'b Camp<'a>> {
    let size = |place: usize| camps.get(place).map_or(0, |camp| camp.families.len());
    camps.first().filter(|_| size(0) >= 2 && size(0) > size(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::{Column, Kind};

    /// Camps of `family=value`, each as `family+family=value`, and the value that stands.
    fn settled(said: &[&str]) -> (Vec<String>, Option<String>) {
        let query = toml::from_str("name = 'q'\ntitle = ''\ntables = []").unwrap();
        let column = Column { name: "n".to_owned(), kind: Kind::Int };
        let answer = |value: &str| Answer { columns: vec![column.clone()], rows: vec![vec![Some(value.to_owned())]] };
        let said: Vec<(&str, &str)> = said.iter().map(|text| text.split_once('=').unwrap()).collect();
        let answers: Vec<Answer> = said.iter().map(|(_, value)| answer(value)).collect();
        let voices = said.iter().zip(&answers).enumerate();
        let voices = voices.map(|(place, ((family, _), answer))| Voice { place, family, answer });
        let camps = camps(voices, &query);
        let value = |camp: &Camp<'_>| said[camp.members[0]].1.to_owned();
        let shown = camps.iter().map(|camp| format!("{}={}", camp.families.join("+"), value(camp)));
        (shown.collect(), majority(&camps).map(value))
    }

    #[test]
    fn two_stand_against_one() {
        let (camps, stands) = settled(&["a=5", "b=6", "c=6"]);
        assert_eq!(camps, ["b+c=6", "a=5"]);
        assert_eq!(stands.as_deref(), Some("6"));
    }

    #[test]
    fn none_stands_alone_or_against_as_many() {
        for said in [&[] as &[&str], &["a=5"], &["a=5", "b=6"], &["a=5", "b=6", "c=6", "d=5"]] {
            assert_eq!(settled(said).1, None, "{said:?}");
        }
        assert_eq!(settled(&["a=5", "b=6", "c=6", "d=5"]).0, ["a+d=5", "b+c=6"]);
    }

    #[test]
    fn programs_of_one_family_are_one_voice() {
        assert_eq!(settled(&["a=5", "a=5"]), (vec!["a=5".to_owned()], None));
        assert_eq!(settled(&["a=5", "a=5", "b=6", "c=6"]).1.as_deref(), Some("6"));
    }
}
