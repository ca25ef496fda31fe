//! Which results are meant: suite, scale, machine and conditions, as the address says, [`Choice`].

use maud::{Markup, html};

use super::layout::{plain, select};
use crate::server::ask::Ask;
use crate::server::problem::Problem;
use crate::server::standing::{Conditions, Group, Standing};

/// A group, and what else there would be.
pub(super) struct Choice<'a> {
    pub(super) group: &'a Group,
    suites: Vec<String>,
    scales: Vec<String>,
    machines: Vec<String>,
    conditions: Vec<String>,
}

/// A part of the address, and what a group has for it.
type Level = (&'static str, fn(&Conditions) -> String);

impl<'a> Choice<'a> {
    /// What the address means; where it leaves something open, the group with the most that is ranked.
    ///
    /// # Errors
    /// When there is no such group.
    pub(super) fn of(standing: &'a Standing, ask: &Ask) -> Result<Self, Problem> {
        let query = ask.get("query");
        let is = |name: &str, value: &str| ask.get(name).is_none_or(|asked| asked == value);
        // What is chosen first narrows what is chosen next, so that each choice there is leads somewhere.
        let levels: [Level; 4] = [
            ("suite", |of| of.suite.clone()),
            ("scale", |of| of.scale.clone()),
            ("machine", |of| of.machine.clone()),
            ("on", Conditions::words),
        ];
        let has_query = |group: &&Group| query.is_none_or(|query| group.queries.iter().any(|known| known == query));
        let mut left: Vec<&Group> = standing.groups.iter().filter(has_query).collect();
        let mut choices: Vec<Vec<String>> = Vec::new();
        for (name, of) in levels {
            let mut all: Vec<String> = left.iter().map(|group| of(&group.conditions)).collect();
            all.sort();
            all.dedup();
            let meant: Vec<&Group> = left.iter().copied().filter(|group| is(name, &of(&group.conditions))).collect();
            // A link from elsewhere may name what another choice does not have: then that is left open.
            if !meant.is_empty() {
                left = meant;
            } else if name == "suite" && ask.get("suite").is_some() {
                left.clear();
            }
            let first = left.first().map(|group| of(&group.conditions));
            left.retain(|group| Some(of(&group.conditions)) == first);
            choices.push(all);
        }
        let none =
            || Problem::new("not-found", "there are no such results: the matrix without a choice shows what there is");
        let group = *left.first().ok_or_else(none)?;
        let [suites, scales, machines, conditions] = choices.try_into().unwrap_or_default();
        Ok(Self { group, suites, scales, machines, conditions })
    }

    /// The parameters that lead to the same group.
    pub(super) fn parameters(&self) -> Vec<(&'static str, String)> {
        let of = &self.group.conditions;
        vec![
            ("suite", of.suite.clone()),
            ("scale", of.scale.clone()),
            ("machine", of.machine.clone()),
            ("on", of.words()),
        ]
    }

    /// The fields of a form for it.
    pub(super) fn fields(&self) -> Markup {
        let of = &self.group.conditions;
        html! {
            (select("suite", "Suite", &plain(self.suites.clone()), &of.suite))
            (select("scale", "Scale", &plain(self.scales.clone()), &of.scale))
            (select("machine", "Machine", &plain(self.machines.clone()), &of.machine))
            (select("on", "Conditions", &plain(self.conditions.clone()), &of.words()))
        }
    }

    /// What has to be said of a group that was not measured.
    pub(super) fn warning(&self) -> Markup {
        let provenance = &self.group.conditions.provenance;
        html! {
            @if provenance != "measured" {
                p.warn { "These results are " strong { (provenance) } ", not measured: they are hatched, and never ranked with what was measured." }
            }
        }
    }
}
