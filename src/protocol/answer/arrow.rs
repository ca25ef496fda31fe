//! Record batches to cells, once for each arrow version that an engine brings along.
//!
//! Engines depend on different arrow majors whose types are unlike to the compiler, so the one conversion is a macro over the
//! path of the arrow crate.

/// Defines `fn columns_of(schema)` and `fn show(batch, sink)` over the given arrow crate.
macro_rules! define_show {
    ($($arrow:ident)::+) => {
        use cells_of_arrow::{columns_of, show};

        /// Columns, and cells of their values.
        mod cells_of_arrow {
            use std::sync::Arc;

            use $($arrow)::+::array::{Array, ArrayAccessor, ArrayRef, AsArray, RecordBatch, StringArray};
            use $($arrow)::+::compute::cast;
            use $($arrow)::+::datatypes::*;

            use $crate::protocol::answer::{Scalar, Column, Kind, Sink, list_text};

            /// Gives the cell of a row.
            type Read<'a> = Box<dyn Fn(usize) -> Scalar<'a> + 'a>;

            /// The columns of an answer.
            pub(super) fn columns_of(schema: &Schema) -> anyhow::Result<Vec<Column>> {
                let column = |field: &Field| {
                    let kind = kind(values_of(field.data_type()))
                        .ok_or_else(|| $crate::protocol::engine::incomparable(field.name(), field.data_type()))?;
                    Ok(Column { name: field.name().clone(), kind })
                };
                schema.fields().iter().map(|field| column(field)).collect()
            }

            /// Hands the rows of a batch to the sink, which knows the columns.
            pub(super) fn show(batch: &RecordBatch, sink: &mut Sink) -> anyhow::Result<()> {
                // What is rare becomes what is not; texts of large decimals have to live as long as their cells.
                let arrays = batch.columns().iter().map(plain).collect::<anyhow::Result<Vec<ArrayRef>>>()?;
                let is_wide = |array: &ArrayRef| matches!(array.data_type(), DataType::Decimal256(..));
                let readers = arrays.iter().zip(batch.columns()).map(|(array, column)| read(array, is_wide(column)));
                let readers = readers.collect::<anyhow::Result<Vec<_>>>()?;
                let mut cells = Vec::with_capacity(readers.len());
                for row in 0..batch.num_rows() {
                    cells.clear();
                    cells.extend(readers.iter().map(|read| read(row)));
                    sink.row(&cells);
                }
                Ok(())
            }

            fn values_of(data_type: &DataType) -> &DataType {
                match data_type {
                    DataType::Dictionary(_, values) => values,
                    other => other,
                }
            }

            fn kind(data_type: &DataType) -> Option<Kind> {
                Some(match data_type {
                    data_type if data_type.is_integer() => Kind::Int,
                    DataType::Float16 | DataType::Float32 => Kind::Float32,
                    DataType::Float64 => Kind::Float,
                    DataType::Decimal32(..)
                    | DataType::Decimal64(..)
                    | DataType::Decimal128(..)
                    | DataType::Decimal256(..) => Kind::Decimal,
                    // A column of nothing but NULLs has no type, and any kind can hold them.
                    DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View | DataType::Null => Kind::Text,
                    DataType::Date32 | DataType::Date64 => Kind::Date,
                    // With a zone or without, it is an instant in UTC.
                    DataType::Timestamp(..) => Kind::Timestamp,
                    DataType::Boolean => Kind::Bool,
                    DataType::List(field) | DataType::LargeList(field) => {
                        matches!(kind(values_of(field.data_type()))?, Kind::Text | Kind::Int).then_some(Kind::List)?
                    }
                    _ => return None,
                })
            }

            fn plain(array: &ArrayRef) -> anyhow::Result<ArrayRef> {
                Ok(match array.data_type() {
                    DataType::Dictionary(_, values) => cast(array, values)?,
                    DataType::Float16 => cast(array, &DataType::Float32)?,
                    DataType::Decimal256(..) => cast(array, &DataType::Utf8)?,
                    DataType::List(_) => {
                        let list = array.as_list::<i32>();
                        let ends = list.value_offsets().iter().map(|end| usize::try_from(*end));
                        lists(array, list.values(), ends.collect::<Result<_, _>>()?)?
                    }
                    DataType::LargeList(_) => {
                        let list = array.as_list::<i64>();
                        let ends = list.value_offsets().iter().map(|end| usize::try_from(*end));
                        lists(array, list.values(), ends.collect::<Result<_, _>>()?)?
                    }
                    _ => array.clone(),
                })
            }

            /// The texts of lists, whose elements begin and end at these places.
            fn lists(lists: &ArrayRef, elements: &ArrayRef, ends: Vec<usize>) -> anyhow::Result<ArrayRef> {
                let elements = plain(elements)?;
                let read = read(&elements, false)?;
                let text = |row: usize| lists.is_valid(row).then(|| list_text((ends[row]..ends[row + 1]).map(&read)));
                Ok(Arc::new((0..lists.len()).map(text).collect::<StringArray>()))
            }

            fn read(array: &ArrayRef, wide: bool) -> anyhow::Result<Read<'_>> {
                let array: &dyn Array = array.as_ref();
                Ok(match array.data_type() {
                    DataType::Int8 => primitive::<Int8Type>(array, |value| Scalar::Int(value.into())),
                    DataType::Int16 => primitive::<Int16Type>(array, |value| Scalar::Int(value.into())),
                    DataType::Int32 => primitive::<Int32Type>(array, |value| Scalar::Int(value.into())),
                    DataType::Int64 => primitive::<Int64Type>(array, |value| Scalar::Int(value.into())),
                    DataType::UInt8 => primitive::<UInt8Type>(array, |value| Scalar::Int(value.into())),
                    DataType::UInt16 => primitive::<UInt16Type>(array, |value| Scalar::Int(value.into())),
                    DataType::UInt32 => primitive::<UInt32Type>(array, |value| Scalar::Int(value.into())),
                    DataType::UInt64 => primitive::<UInt64Type>(array, |value| Scalar::Int(value.into())),
                    DataType::Float32 => primitive::<Float32Type>(array, |value| Scalar::Float(value.into())),
                    DataType::Float64 => primitive::<Float64Type>(array, Scalar::Float),
                    DataType::Decimal32(_, scale) => {
                        let scale = (*scale).into();
                        primitive::<Decimal32Type>(array, move |value| Scalar::Decimal { units: value.into(), scale })
                    }
                    DataType::Decimal64(_, scale) => {
                        let scale = (*scale).into();
                        primitive::<Decimal64Type>(array, move |value| Scalar::Decimal { units: value.into(), scale })
                    }
                    DataType::Decimal128(_, scale) => {
                        let scale = (*scale).into();
                        primitive::<Decimal128Type>(array, move |units| Scalar::Decimal { units, scale })
                    }
                    DataType::Date32 => primitive::<Date32Type>(array, |days| Scalar::Date(days.into())),
                    DataType::Date64 => {
                        primitive::<Date64Type>(array, |millis| Scalar::Date(millis.div_euclid(86_400_000)))
                    }
                    DataType::Timestamp(unit, _) => instants(array, unit),
                    DataType::Boolean => values(array.as_boolean(), Scalar::Bool),
                    DataType::Utf8 if wide => values(array.as_string::<i32>(), digits),
                    DataType::Utf8 => values(array.as_string::<i32>(), Scalar::Text),
                    DataType::LargeUtf8 => values(array.as_string::<i64>(), Scalar::Text),
                    DataType::Utf8View => values(array.as_string_view(), Scalar::Text),
                    DataType::Null => Box::new(|_| Scalar::Null),
                    other => anyhow::bail!("a column of type {other} has no text"),
                })
            }

            fn primitive<'a, T: ArrowPrimitiveType>(
                array: &'a dyn Array,
                cell: impl Fn(T::Native) -> Scalar<'a> + 'a,
            ) -> Read<'a> {
                values(array.as_primitive::<T>(), cell)
            }

            fn values<'a, A: ArrayAccessor + 'a>(array: A, cell: impl Fn(A::Item) -> Scalar<'a> + 'a) -> Read<'a> {
                Box::new(move |row| if array.is_null(row) { Scalar::Null } else { cell(array.value(row)) })
            }

            fn instants<'a>(array: &'a dyn Array, unit: &TimeUnit) -> Read<'a> {
                let of = |nanos: i128| move |value: i64| Scalar::Timestamp(i128::from(value) * nanos);
                match unit {
                    TimeUnit::Second => primitive::<TimestampSecondType>(array, of(1_000_000_000)),
                    TimeUnit::Millisecond => primitive::<TimestampMillisecondType>(array, of(1_000_000)),
                    TimeUnit::Microsecond => primitive::<TimestampMicrosecondType>(array, of(1_000)),
                    TimeUnit::Nanosecond => primitive::<TimestampNanosecondType>(array, of(1)),
                }
            }

            fn digits(text: &str) -> Scalar<'_> {
                Scalar::read(text, Kind::Decimal).unwrap_or(Scalar::Text(text))
            }
        }
    };
}
pub(crate) use define_show;
