//! Input that is nearly right, for `fuzz.rs`: changes of bytes and of JSON, pieces of SQL, columns of every type.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryArray, BooleanArray, Date32Array, Date64Array, Decimal32Array, Decimal64Array, Decimal128Array,
    Decimal256Array, DictionaryArray, Float32Array, Float64Array, Int8Array, Int16Array, Int32Array, Int64Array,
    LargeStringArray, ListArray, NullArray, RecordBatch, StringArray, StringViewArray, StructArray,
    TimestampMicrosecondArray, TimestampMillisecondArray, TimestampNanosecondArray, TimestampSecondArray, UInt8Array,
    UInt16Array, UInt32Array, UInt64Array,
};
use arrow::datatypes::{DataType, Field, Int8Type, Int32Type, i256};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::Value;

/// One change of some bytes.
#[derive(Debug, Clone)]
pub enum Change {
    Flip(Index, u8),
    Set(Index, u8),
    Number(Index, u64, bool),
    Insert(Index, Vec<u8>),
    Remove(Index, usize),
    Repeat(Index, Index, usize),
    End(Index),
}

impl Arbitrary for Change {
    type Parameters = ();
    type Strategy = BoxedStrategy<Self>;

    fn arbitrary_with((): ()) -> Self::Strategy {
        let at = any::<Index>;
        prop_oneof![
            4 => (at(), 0_u8..8).prop_map(|(at, bit)| Self::Flip(at, bit)),
            4 => (at(), any::<u8>()).prop_map(|(at, byte)| Self::Set(at, byte)),
            2 => (at(), interesting(), any::<bool>()).prop_map(|(at, number, long)| Self::Number(at, number, long)),
            2 => (at(), vec(any::<u8>(), 1..9)).prop_map(|(at, bytes)| Self::Insert(at, bytes)),
            2 => (at(), 1_usize..40).prop_map(|(at, length)| Self::Remove(at, length)),
            2 => (at(), at(), 1_usize..80).prop_map(|(from, to, length)| Self::Repeat(from, to, length)),
            1 => at().prop_map(Self::End),
        ]
        .boxed()
    }
}

fn interesting() -> impl Strategy<Value = u64> {
    prop_oneof![
        select(vec![0, 1, u64::MAX, 1 << 31, (1 << 31) - 1, 1 << 63, 1 << 32, u64::from(u32::MAX), 1 << 40]),
        any::<u64>()
    ]
}

/// The bytes after it.
pub fn change(mut bytes: Vec<u8>, change: &Change) -> Vec<u8> {
    if bytes.is_empty() {
        return bytes;
    }
    let length = bytes.len();
    let place = |at: &Index| at.index(length);
    let part = |at: usize, size: usize| at..length.min(at + size);
    match change {
        Change::Flip(at, bit) => bytes[place(at)] ^= 1 << bit,
        Change::Set(at, byte) => bytes[place(at)] = *byte,
        Change::Number(at, number, long) => {
            let part = part(place(at), if *long { 8 } else { 4 });
            let size = part.len();
            bytes[part].copy_from_slice(&number.to_le_bytes()[..size]);
        }
        Change::Insert(at, more) => drop(bytes.splice(place(at)..place(at), more.iter().copied())),
        Change::Remove(at, size) => drop(bytes.drain(part(place(at), *size))),
        Change::Repeat(from, to, size) => {
            let piece = bytes[part(place(from), *size)].to_vec();
            bytes.splice(place(to)..place(to), piece);
        }
        Change::End(at) => bytes.truncate(place(at)),
    }
    bytes
}

/// What is put in the place of some value in JSON; `None` takes it away.
pub type Spoiled = (Index, Option<Value>);

pub fn spoiled() -> impl Strategy<Value = Spoiled> {
    let number = prop_oneof![
        any::<i64>().prop_map(Value::from),
        interesting().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        select(vec![-1.0, 0.0, 1e308, -1e308, 5e-324, 0.5]).prop_map(Value::from),
    ];
    let texts = [
        "",
        "NULL",
        "NaN",
        "-inf",
        "1e999999999",
        "-0",
        "0.1e-400",
        "9223372036854775808",
        "--1",
        ".",
        "+",
        "1.2.3",
        "-0001-02-29",
        "+99999999999-12-31",
        "2024-13-41",
        "1998-09-02 12:00:00.1234567891",
        "1998-09-02 25:61:61",
        "9999-12-31 23:59:59.999999999",
        "TRUE",
        "int",
        "float32",
        "decimal",
        "official",
        "disputed",
        "measured",
        "duckdb/q1/sf1/parquet",
        "a/b/sf0.0000001/c",
        "sf1e400",
        "q1",
        "/",
        "..",
        "\u{0}",
        "Zu\u{308}rich",
        "\u{1f600}",
    ];
    let text = prop_oneof![
        select(texts.to_vec()).prop_map(Value::from),
        ".{0,20}".prop_map(Value::from),
        "[-+.0-9]{1,60}".prop_map(Value::from)
    ];
    let leaf = prop_oneof![2 => number, 3 => text, 1 => any::<bool>().prop_map(Value::from), 1 => Just(Value::Null)];
    let value = leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            vec((select(vec!["kind", "name", "did", "reason", "x"]), inner), 0..4)
                .prop_map(|parts| parts.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()),
        ]
    });
    (any::<Index>(), proptest::option::weighted(0.8, value))
}

/// The same JSON with another value somewhere.
pub fn spoil(line: &str, (at, value): &Spoiled) -> String {
    let Ok(mut whole) = serde_json::from_str::<Value>(line) else { return line.to_owned() };
    let mut left = at.index(count(&whole));
    put(&mut whole, &mut left, value.as_ref());
    whole.to_string()
}

fn count(value: &Value) -> usize {
    1 + match value {
        Value::Array(parts) => parts.iter().map(count).sum::<usize>(),
        Value::Object(parts) => parts.values().map(count).sum(),
        _ => 0,
    }
}

/// Whether the value itself is to go.
fn put(value: &mut Value, left: &mut usize, other: Option<&Value>) -> bool {
    if *left == 0 {
        *left = usize::MAX;
        if let Some(other) = other {
            *value = other.clone();
        }
        return other.is_none();
    }
    *left -= 1;
    match value {
        Value::Array(parts) => {
            let gone = (0..parts.len()).find(|place| *left != usize::MAX && put(&mut parts[*place], left, other));
            gone.map(|place| parts.remove(place));
        }
        Value::Object(parts) => {
            let names: Vec<String> = parts.keys().cloned().collect();
            let gone = names.into_iter().find(|name| *left != usize::MAX && put(&mut parts[name], left, other));
            gone.map(|name| parts.remove(&name));
        }
        _ => {}
    }
    false
}

/// Texts of pieces that begin and end something, most of them a query.
pub fn fragments() -> impl Strategy<Value = String> {
    let pieces = [
        "SELECT ",
        "1",
        " FROM {table}",
        "{table}",
        " WHERE ",
        "'",
        "''",
        "\"",
        "\"\"",
        "`",
        "$$",
        "$tag$",
        "$1",
        "$",
        "--",
        "-- limit\n",
        "/*",
        "*/",
        "/*!",
        "#",
        "\n",
        "\r\n",
        "\u{feff}",
        "\\",
        "\\'",
        "E'",
        "e'\\''",
        "U&'",
        "x'0",
        "B'",
        "N'",
        ";",
        ";;",
        "{",
        "}",
        "{user}",
        "{'n': 1}",
        "{{",
        "COPY ",
        "WITH a AS (",
        ")",
        "(",
        "delete",
        " AS ",
        ".",
        "1.e",
        "0x",
        "1e-",
        "@",
        "@@",
        ":",
        "::",
        "?",
        "[",
        "]",
        "->>",
        "||",
        "\u{a0}",
        "\u{0}",
        "größe",
        "\u{1f600}",
        "t_a",
        "LIMIT 3",
        "/**/",
        "- -",
        "q'[",
        "]'",
        "R\"",
        "\"\"\"",
        "'''",
    ];
    let piece = prop_oneof![6 => select(pieces.to_vec()).prop_map(str::to_owned), 1 => ".{0,6}"];
    (any::<bool>(), vec(piece, 0..14)).prop_map(|(query, pieces)| {
        let pieces = pieces.concat();
        if query { format!("SELECT 1 FROM {{table}} {pieces}") } else { pieces }
    })
}

/// Rows of each batch.
pub const ROWS: usize = 3;

pub fn numbers() -> ArrayRef {
    Arc::new(Int32Array::from(vec![Some(1), None, Some(3)]))
}

/// A batch of each type, and one of all that can be compared.
pub fn batches() -> Vec<RecordBatch> {
    let texts = || vec![Some("a"), None, Some("a text of more than twelve bytes")];
    let instants = || vec![Some(i64::MAX), None, Some(-1)];
    let keys: DictionaryArray<Int8Type> = vec![Some("a"), None, Some("b")].into_iter().collect();
    let plain: Vec<ArrayRef> = vec![
        Arc::new(Int8Array::from(vec![Some(1), None, Some(-3)])),
        Arc::new(Int16Array::from(vec![Some(1), None, Some(-3)])),
        numbers(),
        Arc::new(Int64Array::from(instants())),
        Arc::new(UInt8Array::from(vec![Some(1), None, Some(3)])),
        Arc::new(UInt16Array::from(vec![Some(1), None, Some(3)])),
        Arc::new(UInt32Array::from(vec![Some(1), None, Some(3)])),
        Arc::new(UInt64Array::from(vec![Some(u64::MAX), None, Some(3)])),
        Arc::new(Float32Array::from(vec![Some(0.1), None, Some(f32::NAN)])),
        Arc::new(Float64Array::from(vec![Some(0.1), None, Some(f64::INFINITY)])),
        Arc::new(Decimal32Array::from(vec![Some(1), None, Some(-3)]).with_precision_and_scale(9, 2).unwrap()),
        Arc::new(Decimal64Array::from(instants()).with_precision_and_scale(18, 2).unwrap()),
        Arc::new(Decimal128Array::from(vec![Some(i128::MAX), None, Some(-3)]).with_precision_and_scale(38, 6).unwrap()),
        Arc::new(
            Decimal256Array::from(vec![Some(i256::MAX), None, Some(i256::MINUS_ONE)])
                .with_precision_and_scale(76, 6)
                .unwrap(),
        ),
        Arc::new(StringArray::from(texts())),
        Arc::new(LargeStringArray::from(texts())),
        Arc::new(StringViewArray::from(texts())),
        Arc::new(Date32Array::from(vec![Some(i32::MAX), None, Some(i32::MIN)])),
        Arc::new(Date64Array::from(instants())),
        Arc::new(TimestampSecondArray::from(instants())),
        Arc::new(TimestampMillisecondArray::from(instants())),
        Arc::new(TimestampMicrosecondArray::from(instants()).with_timezone("Europe/Berlin")),
        Arc::new(TimestampNanosecondArray::from(instants())),
        Arc::new(BooleanArray::from(vec![Some(true), None, Some(false)])),
        Arc::new(NullArray::new(ROWS)),
        Arc::new(keys),
    ];
    let list = ListArray::from_iter_primitive::<Int32Type, _, _>(vec![Some(vec![Some(1), None]), None, Some(vec![])]);
    let field = Arc::new(Field::new("x", DataType::Int32, true));
    let nested: Vec<ArrayRef> = vec![
        Arc::new(BinaryArray::from_opt_vec(vec![Some(b"a"), None, Some(b"\xff")])),
        Arc::new(list),
        Arc::new(StructArray::from(vec![(field, numbers())])),
    ];
    let batch = |arrays: &[ArrayRef]| {
        let named = arrays.iter().enumerate().map(|(place, array)| (format!("c{place}"), array.clone()));
        RecordBatch::try_from_iter_with_nullable(named.map(|(name, array)| (name, array, true))).unwrap()
    };
    let one = |array: &ArrayRef| batch(std::slice::from_ref(array));
    plain.iter().chain(&nested).map(one).chain([batch(&plain)]).collect()
}
