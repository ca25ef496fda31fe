//! What each engine answers: [`Report::support`], every query against every engine, without a time. `cargo xtask report --support`

use std::collections::BTreeMap;

use crate::host::record::Provenance;
use crate::host::report::Report;
use crate::host::report::document::{Block, Document, Table, TableCell, Tone};
use crate::host::report::group::{Cell, Group};
use crate::host::report::left_out::told;
use crate::host::scaling::grouped;

/// Characters of a reason that are shown; `cargo xtask show` has the rest.
const SHOWN: usize = 300;

impl Report<'_> {
    /// The page of who answers what, for documentation: a table of queries and engines, and why the others do not answer.
    pub fn support(&self) -> Document {
        let run = self.groups.iter().filter(|group| group.conditions.provenance == Provenance::Measured);
        let mut blocks: Vec<Block> = run.flat_map(of).collect();
        if blocks.is_empty() {
            blocks
                .push(Block::Text("No cell ran here; one run of each cell: `cargo xtask bench --runs 1`.".to_owned()));
        }
        if !self.left_out.is_empty() {
            blocks.extend([Block::Heading(2, "Left out".to_owned()), Block::List(told(&self.left_out))]);
        }
        Document { title: "What each engine answers".to_owned(), blocks }
    }
}

fn of(group: &Group<'_>) -> Vec<Block> {
    let texts = Texts::of(group);
    let mut blocks = vec![
        Block::Heading(2, group.conditions.title()),
        Block::Table(summary(group, &texts)),
        Block::Table(matrix(group, &texts)),
    ];
    let reasons = reasons(group);
    if !reasons.rows.is_empty() {
        blocks.push(Block::Table(reasons));
    }
    blocks
}

/// How many of the queries an engine answers.
fn summary(group: &Group<'_>, texts: &Texts<'_>) -> Table {
    let queries = group.queries.len();
    let header = ["engine", "verified", "of these by another text", "wrong", "failed", "unsupported", "not run"];
    let rows = (0..group.contestants.len()).map(|contestant| {
        let count = |is: &dyn Fn(&Cell<'_>) -> bool| group.of(contestant).filter(|cell| is(cell)).count();
        let verified = count(&verified);
        let other = count(&|cell| texts.verified_by_other(cell));
        let wrong = count(&|cell| cell.state() == "wrong");
        let failed = group.failed(contestant) - wrong;
        let unsupported = count(&|cell| cell.state() == "unsupported");
        let of_all = format!("{verified} of {queries}");
        let rest = queries - [verified, wrong, failed, unsupported].iter().sum::<usize>();
        let counts = [other, wrong, failed, unsupported, rest].map(|count| match count {
            0 => TableCell::default(),
            count => count.to_string().into(),
        });
        let label = group.contestants[contestant].label.as_str().into();
        [label, of_all.into()].into_iter().chain(counts).collect()
    });
    let caption = "Queries whose answer is verified. An engine that refuses the query's own text may have another text, which asks the same in its dialect";
    Table::new(caption, 1, header, rows)
}

fn matrix(group: &Group<'_>, texts: &Texts<'_>) -> Table {
    let header = ["query"].into_iter().chain(group.contestants.iter().map(|contestant| contestant.label.as_str()));
    let rows = (0..group.queries.len()).map(|query| {
        let cell = |contestant| group.cell(query, contestant).map_or_else(TableCell::default, |cell| word(texts, cell));
        let cells = (0..group.contestants.len()).map(cell);
        [TableCell::from(group.queries[query])].into_iter().chain(cells).collect()
    });
    Table::new("yes: verified; other text: verified, asked by another text than most engines", 1, header, rows)
}

fn word(texts: &Texts<'_>, cell: &Cell<'_>) -> TableCell {
    let (text, tone) = match cell.state() {
        _ if texts.verified_by_other(cell) => ("other text", Tone::Plain),
        _ if verified(cell) => ("yes", Tone::Plain),
        "unsupported" => ("unsupported", Tone::Soft),
        "measured" => ("unchecked", Tone::Soft),
        state => (state, Tone::Bad),
    };
    let note = cell.record().reason().map(short).unwrap_or_default();
    TableCell { tone, note, ..text.into() }
}

/// Why an engine does not answer, each reason with the queries it is told of.
fn reasons(group: &Group<'_>) -> Table {
    let mut unanswered: Vec<&Cell<'_>> = group.cells().iter().filter(|cell| !verified(cell)).collect();
    unanswered.sort_by_key(|cell| (cell.contestant, cell.query));
    let keyed = unanswered.into_iter().map(|cell| {
        let reason = cell.record().reason().map(short).unwrap_or_default();
        // A message that names its query is the same message.
        let query = group.queries[cell.query];
        ((cell.contestant, cell.state(), reason.replace(query, "the query")), query)
    });
    let rows = grouped(keyed).into_iter().map(|((contestant, state, reason), queries)| {
        let label = group.contestants[contestant].label.as_str();
        [label.into(), state.into(), TableCell::from(reason), queries.join(" ").into()].into()
    });
    Table::new("Why not", 4, ["engine", "outcome", "what it says", "queries"], rows)
}

fn verified(cell: &Cell<'_>) -> bool {
    cell.record().is_measured() && cell.record().verified()
}

/// For each query, how many engines were asked by which text, told by its checksum.
struct Texts<'a>(Vec<BTreeMap<&'a str, usize>>);

impl<'a> Texts<'a> {
    fn of(group: &'a Group<'_>) -> Self {
        let mut votes = vec![BTreeMap::new(); group.queries.len()];
        for cell in group.cells() {
            if let Some(sha256) = cell.record().query.sha256.as_deref() {
                *votes[cell.query].entry(sha256).or_default() += 1;
            }
        }
        Self(votes)
    }

    /// Whether the answer is verified, and the engine was asked by another text than most.
    fn verified_by_other(&self, cell: &Cell<'_>) -> bool {
        let votes = &self.0[cell.query];
        let most = votes.values().max().copied().unwrap_or_default();
        verified(cell) && cell.record().query.sha256.as_deref().is_some_and(|sha256| votes[sha256] < most)
    }
}

/// The first line of a reason, cut.
fn short(reason: &str) -> String {
    let line = reason.lines().next().unwrap_or_default();
    if line.chars().count() <= SHOWN {
        line.to_owned()
    } else {
        line.chars().take(SHOWN).chain("...".chars()).collect()
    }
}
