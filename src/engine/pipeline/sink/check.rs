//! What a table holds, read back for comparison.

use anyhow::{Context, bail};
use postgres::Row;
use postgres::fallible_iterator::FallibleIterator as _;
use postgres::types::{ToSql, Type};

use super::connection::{Connection, Failed};
use super::value::Day;
use crate::engine::{Result, Unsupported};
use crate::protocol::answer::{Column, Kind, Scalar, Sink};

impl Connection {
    /// Hands the rows of a statement to the sink of an answer.
    ///
    /// # Errors
    /// When the statement fails; [`Unsupported`] for a type that is not compared yet.
    pub(in super::super) fn show(&mut self, statement: &str, sink: &mut Sink) -> Result<()> {
        self.tried(|client| {
            let prepared = client.prepare(statement)?;
            let columns = prepared.columns().iter().map(|column| {
                let kind = kind(column.type_());
                let kind = kind.with_context(|| format!("the column {} of the sink", column.name()))?;
                Ok(Column { name: column.name().to_owned(), kind })
            });
            let columns: Vec<Column> = columns.collect::<Result<_>>().map_err(Failed::Otherwise)?;
            sink.columns(columns.clone());
            let mut rows = client.query_raw(&prepared, Vec::<&(dyn ToSql + Sync)>::new())?;
            while let Some(row) = rows.next()? {
                let cells = columns.iter().enumerate().map(|(place, column)| cell(&row, place, column.kind));
                sink.row(&cells.collect::<std::result::Result<Vec<_>, _>>()?);
            }
            Ok(())
        })
        .context("the table cannot be read back")
    }
}

fn kind(of: &Type) -> Result<Kind> {
    Ok(match *of {
        Type::INT2 | Type::INT4 | Type::INT8 => Kind::Int,
        Type::TEXT | Type::VARCHAR => Kind::Text,
        Type::DATE => Kind::Date,
        Type::BOOL => Kind::Bool,
        Type::FLOAT8 => Kind::Float,
        ref other => {
            bail!(Unsupported(format!("PostgreSQL's type {other} is not compared yet: cast it in the suite's check")))
        }
    })
}

fn cell(row: &Row, place: usize, kind: Kind) -> std::result::Result<Scalar<'_>, postgres::Error> {
    let some = |cell: Option<Scalar<'static>>| cell.unwrap_or(Scalar::Null);
    Ok(match kind {
        Kind::Date => some(row.try_get::<_, Option<Day>>(place)?.map(|Day(day)| Scalar::Date(day.into()))),
        Kind::Bool => some(row.try_get::<_, Option<bool>>(place)?.map(Scalar::Bool)),
        Kind::Float => some(row.try_get::<_, Option<f64>>(place)?.map(Scalar::Float)),
        Kind::Int => some(whole(row, place)?.map(|number| Scalar::Int(number.into()))),
        _ => row.try_get::<_, Option<&str>>(place)?.map_or(Scalar::Null, Scalar::Text),
    })
}

fn whole(row: &Row, place: usize) -> std::result::Result<Option<i64>, postgres::Error> {
    Ok(match *row.columns()[place].type_() {
        Type::INT2 => row.try_get::<_, Option<i16>>(place)?.map(i64::from),
        Type::INT4 => row.try_get::<_, Option<i32>>(place)?.map(i64::from),
        _ => row.try_get(place)?,
    })
}
