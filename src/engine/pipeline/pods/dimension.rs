//! The labels of nodes or namespaces by day: [`Dimension`], whose different texts are numbered.

use std::collections::HashMap;

use anyhow::{Context, ensure};
use arrow::array::Array as _;

use super::super::input::{Reading, days, texts};
use super::super::labels::{Labels, parse};
use crate::engine::Result;

/// Texts of labels by day and name.
#[derive(Debug)]
pub(super) struct Dimension {
    numbers: HashMap<i32, HashMap<String, u32>>,
    /// By number. The first is that of what has no labels.
    texts: Vec<Option<String>>,
}

/// The same with labels that are read already.
#[derive(Debug)]
pub(super) struct Parsed<'a> {
    dimension: &'a Dimension,
    labels: Vec<Labels>,
}

impl Dimension {
    /// Reads a table of days, names and texts: these three columns.
    ///
    /// # Errors
    /// When it cannot be read, or has a name twice on a day.
    pub(super) fn read(reading: &Reading<'_>, columns: [&str; 3]) -> Result<Self> {
        let [date, name, labels] = columns;
        let mut numbers: HashMap<i32, HashMap<String, u32>> = HashMap::new();
        let mut texts_seen = vec![None];
        let mut by_text: HashMap<String, u32> = HashMap::new();
        while let Some(reader) = reading.next() {
            for batch in reader? {
                let batch = batch.with_context(|| format!("the table {labels} cannot be read"))?;
                let (days, names, found) = (days(&batch, date)?, texts(&batch, name)?, texts(&batch, labels)?);
                for (row, day) in days.into_iter().enumerate() {
                    let number = if found.is_null(row) {
                        0
                    } else {
                        let text = found.value(row);
                        if let Some(number) = by_text.get(text) {
                            *number
                        } else {
                            let number = u32::try_from(texts_seen.len())?;
                            texts_seen.push(Some(text.to_owned()));
                            by_text.insert(text.to_owned(), number);
                            number
                        }
                    };
                    let before = numbers.entry(day).or_default().insert(names.value(row).to_owned(), number);
                    ensure!(before.is_none(), "{labels} has {} twice on day {day} since 1970-01-01", names.value(row));
                }
            }
        }
        Ok(Self { numbers, texts: texts_seen })
    }

    /// The number of its text; 0 where there is none.
    pub(super) fn number(&self, day: i32, name: &str) -> u32 {
        self.numbers.get(&day).and_then(|names| names.get(name)).copied().unwrap_or_default()
    }

    /// The text of a number.
    pub(super) fn text(&self, number: u32) -> Option<&str> {
        self.texts.get(number as usize)?.as_deref()
    }

    /// Reads all labels.
    ///
    /// # Errors
    /// When one of them is no JSON object of texts.
    pub(super) fn parsed(&self) -> Result<Parsed<'_>> {
        let labels = self.texts.iter().map(|text| parse(text.as_deref())).collect::<Result<_>>()?;
        Ok(Parsed { dimension: self, labels })
    }
}

impl Parsed<'_> {
    /// As [`Dimension::number`].
    pub(super) fn number(&self, day: i32, name: &str) -> u32 {
        self.dimension.number(day, name)
    }

    /// The labels of a number.
    pub(super) fn labels(&self, number: u32) -> &Labels {
        &self.labels[number as usize]
    }
}
