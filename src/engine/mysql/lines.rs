//! Rows as `LOAD DATA` reads them by default: tabs between values, `\N` for NULL, backslashes before what would end
//! one.

use arrow::array::{Array, RecordBatch};
use arrow::datatypes::DataType;
use arrow::util::display::{ArrayFormatter, FormatOptions};

use crate::engine::Result;

/// As servers write a point in time; more digits they do not keep.
const TIME: &str = "%Y-%m-%d %H:%M:%S%.6f";

/// The rows of a batch, each ended by a line feed.
pub(super) fn of(batch: &RecordBatch) -> Result<Vec<u8>> {
    let options = FormatOptions::new().with_timestamp_format(Some(TIME)).with_timestamp_tz_format(Some(TIME));
    let formatters = batch
        .columns()
        .iter()
        .map(|array| ArrayFormatter::try_new(array.as_ref(), &options))
        .collect::<core::result::Result<Vec<_>, _>>()?;
    let (mut lines, mut value) = (Vec::new(), String::new());
    for row in 0..batch.num_rows() {
        for (index, (array, formatter)) in batch.columns().iter().zip(&formatters).enumerate() {
            if index > 0 {
                lines.push(b'\t');
            }
            if array.is_null(row) {
                lines.extend_from_slice(br"\N");
                continue;
            }
            value.clear();
            formatter.value(row).write(&mut value)?;
            if *array.data_type() == DataType::Boolean {
                lines.push(if value == "true" { b'1' } else { b'0' });
            } else {
                escape(value.as_bytes(), &mut lines);
            }
        }
        lines.push(b'\n');
    }
    Ok(lines)
}

fn escape(value: &[u8], lines: &mut Vec<u8>) {
    for &byte in value {
        match byte {
            b'\\' | b'\t' | b'\n' => lines.extend_from_slice(&[b'\\', byte]),
            0 => lines.extend_from_slice(br"\0"),
            other => lines.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, BooleanArray, Date32Array, Decimal128Array, StringArray, TimestampMicrosecondArray};

    use super::*;

    #[test]
    fn nothing_in_a_value_ends_it() {
        let texts = StringArray::from(vec![Some("a\tb\\c\nd\0e"), None, Some(""), Some(r"\N")]);
        let batch = RecordBatch::try_from_iter([("t", Arc::new(texts) as ArrayRef)]).unwrap();
        assert_eq!(of(&batch).unwrap(), b"a\\\tb\\\\c\\\nd\\0e\n\\N\n\n\\\\N\n");
    }

    #[test]
    fn every_type_is_written_as_servers_read_it() {
        let columns: [(&str, ArrayRef); 4] = [
            ("b", Arc::new(BooleanArray::from(vec![true, false]))),
            ("m", Arc::new(Decimal128Array::from(vec![-5, 1234]).with_precision_and_scale(15, 2).unwrap())),
            ("d", Arc::new(Date32Array::from(vec![0, 10_000]))),
            ("s", Arc::new(TimestampMicrosecondArray::from(vec![1, 86_400_000_000]))),
        ];
        let batch = RecordBatch::try_from_iter(columns).unwrap();
        let wanted = "1\t-0.05\t1970-01-01\t1970-01-01 00:00:00.000001\n\
                      0\t12.34\t1997-05-19\t1970-01-02 00:00:00.000000\n";
        assert_eq!(String::from_utf8(of(&batch).unwrap()).unwrap(), wanted);
    }
}
