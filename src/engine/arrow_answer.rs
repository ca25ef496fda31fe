//! Record batches to an [`Answer`](crate::answer::Answer), once for each arrow version that an engine brings along.
//!
//! Engines depend on different arrow majors whose types are unlike to the compiler, so the one
//! conversion is a macro over the path of the arrow crate.

/// Defines `fn answer_of(schema, batches) -> Result<Answer>` over the given arrow crate.
macro_rules! define_answer_of {
    ($($arrow:ident)::+) => {
        fn answer_of(
            schema: &$($arrow)::+::datatypes::Schema,
            batches: &[$($arrow)::+::array::RecordBatch],
        ) -> anyhow::Result<$crate::answer::Answer> {
            use $crate::answer::{Answer, Column, Kind};
            use $($arrow)::+::datatypes::DataType;
            use $($arrow)::+::util::display::{ArrayFormatter, FormatOptions};

            let kind = |data_type: &DataType| match data_type {
                data_type if data_type.is_integer() => Ok(Kind::Int),
                data_type if data_type.is_floating() => Ok(Kind::Float),
                DataType::Decimal32(..)
                | DataType::Decimal64(..)
                | DataType::Decimal128(..)
                | DataType::Decimal256(..) => Ok(Kind::Decimal),
                DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Ok(Kind::Text),
                DataType::Date32 | DataType::Date64 => Ok(Kind::Date),
                DataType::Timestamp(_, None) => Ok(Kind::Timestamp),
                DataType::Boolean => Ok(Kind::Bool),
                other => Err($crate::engine::incomparable(other)),
            };
            let columns = schema
                .fields()
                .iter()
                .map(|field| {
                    Ok(Column {
                        name: field.name().clone(),
                        kind: kind(field.data_type())?,
                    })
                })
                .collect::<anyhow::Result<Vec<_>>>()?;
            let options = FormatOptions::new();
            let mut rows = Vec::new();
            for batch in batches {
                let formatters = batch
                    .columns()
                    .iter()
                    .map(|array| ArrayFormatter::try_new(array.as_ref(), &options))
                    .collect::<core::result::Result<Vec<_>, _>>()?;
                for row in 0..batch.num_rows() {
                    let values = batch.columns().iter().zip(&formatters).map(|(array, formatter)| {
                        array.is_valid(row).then(|| formatter.value(row).to_string())
                    });
                    rows.push(values.collect());
                }
            }
            Ok(Answer { columns, rows })
        }
    };
}
pub(crate) use define_answer_of;
