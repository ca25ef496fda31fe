//! The rows of a query as people and programs read them: a table, CSV, JSON, Markdown, Parquet. Figures keep every digit.

use arrow_ipc::writer::StreamWriter;
use clap::ValueEnum;
use comfy_table::{CellAlignment, Table, presets};
use duckdb::arrow::array::{Array, AsArray, RecordBatch};
use duckdb::arrow::datatypes::{DataType, SchemaRef};
use duckdb::arrow::error::ArrowError;
use duckdb::arrow::util::display::{ArrayFormatter, FormatOptions};
use parquet::arrow::ArrowWriter;

use anyhow::Result;

/// How rows are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Columns of text
    Table,
    /// With a line of names
    Csv,
    /// A list with an object for each row
    Json,
    /// A table for a pull request
    Markdown,
    /// A file of columns with their types
    Parquet,
    /// The same as a stream of Arrow's, which a process reads without parsing
    Arrow,
}

/// All rows in this form.
///
/// # Errors
/// For a value that has no form in Parquet.
pub(super) fn render(format: Format, schema: &SchemaRef, batches: &[RecordBatch]) -> Result<Vec<u8>> {
    Ok(match format {
        Format::Table => table(presets::NOTHING, schema, batches)?.into_bytes(),
        Format::Markdown => table(presets::ASCII_MARKDOWN, schema, batches)?.into_bytes(),
        Format::Csv => csv(schema, batches)?,
        Format::Json => json(schema, batches)?.into_bytes(),
        Format::Parquet => {
            let mut writer = ArrowWriter::try_new(Vec::new(), schema.clone(), None)?;
            batches.iter().try_for_each(|batch| writer.write(batch))?;
            writer.into_inner()?
        }
        Format::Arrow => {
            let mut writer = StreamWriter::try_new(Vec::new(), schema)?;
            batches.iter().try_for_each(|batch| writer.write(batch))?;
            writer.into_inner()?
        }
    })
}

/// The values of a row as text, NULL as nothing.
fn texts(batch: &RecordBatch) -> Result<Vec<Vec<String>>, ArrowError> {
    let options = FormatOptions::new();
    let columns = batch.columns().iter().map(|column| ArrayFormatter::try_new(column, &options));
    let columns = columns.collect::<Result<Vec<_>, _>>()?;
    let text = |column: &ArrayFormatter<'_>, row| column.value(row).try_to_string();
    (0..batch.num_rows()).map(|row| columns.iter().map(|column| text(column, row)).collect()).collect()
}

fn names(schema: &SchemaRef) -> impl Iterator<Item = &str> {
    schema.fields().iter().map(|field| field.name().as_str())
}

fn table(style: comfy_table::TableStyle, schema: &SchemaRef, batches: &[RecordBatch]) -> Result<String> {
    let mut table = Table::new();
    table.load_style(style);
    table.set_header(names(schema));
    for batch in batches {
        // A bar in a text would begin a column, in Markdown.
        let is_markdown = style == presets::ASCII_MARKDOWN;
        let shown = |text: String| if is_markdown { text.replace('|', "\\|").replace('\n', "<br>") } else { text };
        table.add_rows(texts(batch)?.into_iter().map(|row| row.into_iter().map(shown).collect::<Vec<_>>()));
    }
    for (column, field) in table.column_iter_mut().zip(schema.fields()) {
        if field.data_type().is_numeric() {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    Ok(format!("{}\n", table.trim_fmt()))
}

fn csv(schema: &SchemaRef, batches: &[RecordBatch]) -> Result<Vec<u8>> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(names(schema))?;
    for batch in batches {
        texts(batch)?.iter().try_for_each(|row| writer.write_record(row))?;
    }
    Ok(writer.into_inner()?)
}

fn json(schema: &SchemaRef, batches: &[RecordBatch]) -> Result<String> {
    let mut rows = Vec::new();
    for batch in batches {
        for row in 0..batch.num_rows() {
            let values = batch.columns().iter().map(|column| json_value(column, row));
            let fields = names(schema).zip(values).map(|(name, value)| Ok(format!("{}:{}", quoted(name)?, value?)));
            rows.push(format!("{{{}}}", fields.collect::<Result<Vec<_>>>()?.join(",")));
        }
    }
    Ok(format!("[{}]\n", rows.join(",\n ")))
}

/// A value in JSON. Written here, since a JSON value's numbers would not keep every digit, nor its objects their order.
fn json_value(array: &dyn Array, row: usize) -> Result<String> {
    // A column of the type NULL marks none of its values.
    if array.is_null(row) || *array.data_type() == DataType::Null {
        return Ok("null".to_owned());
    }
    let all = |items: &dyn Array| (0..items.len()).map(|item| json_value(items, item)).collect::<Result<Vec<_>>>();
    let object = |names: Vec<String>, values: Vec<String>| {
        let fields = names.iter().zip(values).map(|(name, value)| format!("{name}:{value}"));
        format!("{{{}}}", fields.collect::<Vec<_>>().join(","))
    };
    Ok(match array.data_type() {
        DataType::List(_) => format!("[{}]", all(&array.as_list::<i32>().value(row))?.join(",")),
        DataType::Map(..) => {
            let entries = array.as_map().value(row);
            object(all(entries.column(0))?, all(entries.column(1))?)
        }
        DataType::Struct(_) => {
            let fields = array.as_struct();
            let names = fields.column_names().into_iter().map(quoted).collect::<Result<Vec<_>>>()?;
            let values = fields.columns().iter().map(|field| json_value(field, row)).collect::<Result<Vec<_>>>()?;
            object(names, values)
        }
        kind => {
            let text = ArrayFormatter::try_new(array, &FormatOptions::new())?.value(row).try_to_string()?;
            // Infinity and NaN are no numbers in JSON.
            let is_number = kind.is_numeric() && text.parse::<f64>().is_ok_and(f64::is_finite);
            if is_number || *kind == DataType::Boolean { text } else { quoted(&text)? }
        }
    })
}

fn quoted(text: &str) -> Result<String> {
    Ok(serde_json::to_string(text)?)
}
