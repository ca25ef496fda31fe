//! Where an engine puts the rows of its result to have them compared: [`Sink`].
//!
//! Up to a bound the rows are kept as text; beyond it they are summed up as they pass, so that a result of any size can be
//! compared in little memory.

use serde::{Deserialize, Serialize};

use super::summary::{Buckets, Summarizer, Summary};
use super::{Answer, Column, Kind, Scalar};

/// Takes the rows of one result.
#[derive(Debug)]
pub struct Sink {
    /// As many as the result has.
    rows: u64,
    wanted: Wanted,
    /// None before the columns are told.
    kept: Option<Kept>,
}

/// What is to be kept of a result.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wanted {
    /// Rows are sent as text up to so many, and summed up beyond. None: always as text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows_up_to: Option<u64>,
    /// Only the rows in these buckets, as text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub buckets: Option<Buckets>,
}

/// What an engine showed of a result.
#[derive(Debug, Clone, PartialEq)]
pub enum Shown {
    /// Its rows.
    Rows(Answer),
    /// The sums of its rows, of which there are too many.
    Summary(Box<Summary>),
}

#[derive(Debug)]
enum Kept {
    Rows(Answer),
    Sums(Box<Summarizer>),
}

impl Sink {
    /// For a result of so many rows.
    pub fn new(rows: u64, wanted: Wanted) -> Self {
        Self { rows, wanted, kept: None }
    }

    /// Takes the columns, before any row.
    pub fn columns(&mut self, columns: Vec<Column>) {
        let sums = self.wanted.buckets.is_none() && self.wanted.rows_up_to.is_some_and(|most| self.rows > most);
        self.kept = Some(if sums {
            Kept::Sums(Box::new(Summarizer::new(columns, self.rows)))
        } else {
            Kept::Rows(Answer { columns, rows: Vec::new() })
        });
    }

    /// Takes one row, in the order of the result.
    pub fn row(&mut self, cells: &[Scalar<'_>]) {
        match &mut self.kept {
            Some(Kept::Sums(sums)) => sums.row(cells),
            Some(Kept::Rows(answer)) if self.wanted.buckets.as_ref().is_none_or(|buckets| buckets.have(cells)) => {
                let texts = cells.iter().zip(&answer.columns).map(|(cell, column)| cell.text(column.kind));
                answer.rows.push(texts.collect());
            }
            _ => {}
        }
    }

    /// Takes a whole answer from an engine whose values are text already.
    pub fn answer(&mut self, answer: Answer) {
        if self.wanted == Wanted::default() {
            self.kept = Some(Kept::Rows(answer));
            return;
        }
        self.columns(answer.columns.clone());
        if let Some(Kept::Rows(kept)) = &mut self.kept
            && self.wanted.buckets.is_none()
        {
            kept.rows = answer.rows;
            return;
        }
        for row in &answer.rows {
            self.row(&cells(row, &answer.columns));
        }
    }

    /// What was kept; `None` when the engine told not even columns.
    pub fn finish(self) -> Option<Shown> {
        Some(match self.kept? {
            Kept::Rows(answer) => Shown::Rows(answer),
            Kept::Sums(sums) => Shown::Summary(Box::new(sums.finish())),
        })
    }
}

impl Shown {
    /// The same with its floats taken for ones of single precision.
    #[must_use]
    pub fn of_single_precision(mut self) -> Self {
        let columns = match &mut self {
            Self::Rows(answer) => &mut answer.columns,
            Self::Summary(summary) => &mut summary.columns,
        };
        for column in columns.iter_mut().filter(|column| column.kind == Kind::Float) {
            column.kind = Kind::Float32;
        }
        self
    }

    /// The columns.
    pub fn columns(&self) -> &[Column] {
        match self {
            Self::Rows(answer) => &answer.columns,
            Self::Summary(summary) => &summary.columns,
        }
    }

    /// How many rows there are.
    pub fn rows(&self) -> u64 {
        match self {
            Self::Rows(answer) => answer.rows.len() as u64,
            Self::Summary(summary) => summary.rows,
        }
    }

    /// The sums of its rows.
    pub fn summary(&self) -> std::borrow::Cow<'_, Summary> {
        match self {
            Self::Summary(summary) => std::borrow::Cow::Borrowed(summary),
            Self::Rows(answer) => {
                let mut sums = Summarizer::new(answer.columns.clone(), self.rows());
                for row in &answer.rows {
                    sums.row(&cells(row, &answer.columns));
                }
                std::borrow::Cow::Owned(sums.finish())
            }
        }
    }
}

/// The values of a row. One without the form of its kind counts as the text it is, and equals no value that has it.
fn cells<'a>(row: &'a [Option<String>], columns: &[Column]) -> Vec<Scalar<'a>> {
    let cell = |(text, column): (&'a Option<String>, &Column)| {
        text.as_deref().map_or(Scalar::Null, |text| Scalar::read(text, column.kind).unwrap_or(Scalar::Text(text)))
    };
    row.iter().zip(columns).map(cell).collect()
}
