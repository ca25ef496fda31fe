//! Who says the same: answers of several engines, sorted into groups of equal ones. Pure.
//!
//! A group counts as many votes as it has independent components. Engines that share a component - a Parquet reader, compute
//! kernels, a client - may share its faults, so they are one vote, however many they are.

use super::compare::{Precision, compare_shown};
use crate::host::catalog::components::independent;
use crate::host::suite::QuerySpec;
use crate::protocol::answer::Shown;

/// What one engine says.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Vote<'a> {
    /// Where its caller has it.
    pub(crate) place: usize,
    /// What the engine is built on; nothing for one whose answer supports nobody.
    pub(crate) components: &'a [String],
    pub(crate) answer: &'a Shown,
}

/// Engines whose answers are equal, each to each.
#[derive(Debug)]
pub(crate) struct AgreementGroup<'a> {
    pub(crate) votes: Vec<Vote<'a>>,
}

impl AgreementGroup<'_> {
    /// The answer of the first of them.
    pub(crate) fn answer(&self) -> &Shown {
        self.votes[0].answer
    }

    /// The places of its members; the first is of the one that came first.
    pub(crate) fn members(&self) -> Vec<usize> {
        self.votes.iter().map(|vote| vote.place).collect()
    }

    /// The independent votes in it, each as its components are called: `arrow-rs`, `duckdb`.
    pub(crate) fn components(&self) -> Vec<String> {
        independent(self.votes.iter().map(|vote| vote.components))
    }
}

/// Sorts votes into groups, that with the most independent votes first; of two with as many, the one that came first.
pub(crate) fn groups<'a>(votes: impl IntoIterator<Item = Vote<'a>>, query: &QuerySpec) -> Vec<AgreementGroup<'a>> {
    let mut groups: Vec<AgreementGroup<'a>> = Vec::new();
    for vote in votes {
        // Each to each: within a tolerance, two that equal a third need not equal each other.
        let agrees = |group: &&mut AgreementGroup<'_>| {
            group.votes.iter().all(|other| compare_shown(other.answer, vote.answer, query, Precision::Full).is_ok())
        };
        match groups.iter_mut().find(agrees) {
            Some(group) => group.votes.push(vote),
            None => groups.push(AgreementGroup { votes: vec![vote] }),
        }
    }
    // A stable sort.
    groups.sort_by_key(|group| std::cmp::Reverse(group.components().len()));
    groups
}

/// The group of most independent votes: more than in any other, and at least two.
pub(crate) fn majority<'b, 'a>(groups: &'b [AgreementGroup<'a>]) -> Option<&'b AgreementGroup<'a>> {
    let size = |place: usize| groups.get(place).map_or(0, |group| group.components().len());
    groups.first().filter(|_| size(0) >= 2 && size(0) > size(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::answer::{Answer, Column, Kind};

    /// Groups of `engine=value`, each as `votes=value`, and the value of the majority. An engine is built on the letters of its
    /// name.
    fn grouped(said: &[&str]) -> (Vec<String>, Option<String>) {
        let query = toml::from_str("name = 'q'\ntitle = ''\ntables = []").unwrap();
        let column = Column { name: "n".to_owned(), kind: Kind::Int };
        let answer = |value: &str| {
            Shown::Rows(Answer { columns: vec![column.clone()], rows: vec![vec![Some(value.to_owned())]] })
        };
        let said: Vec<(&str, &str)> = said.iter().map(|text| text.split_once('=').unwrap()).collect();
        let answers: Vec<Shown> = said.iter().map(|(_, value)| answer(value)).collect();
        let built_on: Vec<Vec<String>> =
            said.iter().map(|(engine, _)| engine.chars().map(String::from).collect()).collect();
        let votes = answers.iter().zip(&built_on).enumerate();
        let votes = votes.map(|(place, (answer, components))| Vote { place, components, answer });
        let groups = groups(votes, &query);
        let value = |group: &AgreementGroup<'_>| said[group.members()[0]].1.to_owned();
        let shown = groups.iter().map(|group| format!("{}={}", group.components().join(" "), value(group)));
        (shown.collect(), majority(&groups).map(value))
    }

    #[test]
    fn majority_is_two_against_one() {
        let (groups, stands) = grouped(&["a=5", "b=6", "c=6"]);
        assert_eq!(groups, ["b c=6", "a=5"]);
        assert_eq!(stands.as_deref(), Some("6"));
    }

    #[test]
    fn majority_needs_more_than_one_vote_and_more_than_any_other_group() {
        for said in [&[] as &[&str], &["a=5"], &["a=5", "b=6"], &["a=5", "b=6", "c=6", "d=5"]] {
            assert_eq!(grouped(said).1, None, "{said:?}");
        }
        assert_eq!(grouped(&["a=5", "b=6", "c=6", "d=5"]).0, ["a d=5", "b c=6"]);
    }

    #[test]
    fn groups_count_engines_that_share_a_component_once() {
        assert_eq!(grouped(&["a=5", "a=5"]), (vec!["a=5".to_owned()], None));
        // Three on one component do not outvote two on two.
        assert_eq!(grouped(&["a=5", "a=5", "a=5", "b=6", "c=6"]).1.as_deref(), Some("6"));
        // The third shares something with both, so all of them are one.
        assert_eq!(grouped(&["a=5", "b=5", "ab=5"]).0, ["a+b=5"]);
        assert_eq!(grouped(&["a=5", "ac=5", "b=5"]).0, ["a+c b=5"]);
    }
}
