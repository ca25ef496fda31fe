//! JSON of other tools: [`parse`] reads what Python writes too, and [`Entry`] asks for fields, with errors that name them.

use serde_json::Value;

/// What JSON does not have and Python and C++ write all the same.
const NO_NUMBERS: [&str; 3] = ["NaN", "-Infinity", "Infinity"];
/// How much of a value is shown that is of another kind.
const SHOWN: usize = 40;

/// A text as JSON. `NaN` and infinities become texts, so that only their fields do not fit.
///
/// # Errors
/// Where it is none, with the line.
pub(super) fn parse(bytes: &[u8]) -> Result<Value, String> {
    let text = std::str::from_utf8(bytes).map_err(|error| format!("is no text in UTF-8: {error}"))?;
    serde_json::from_str(&quoted(text.trim_start_matches('\u{feff}'))).map_err(|error| {
        let cut = if error.is_eof() { "; the file seems to be cut off" } else { "" };
        format!("is no JSON: {error}{cut}")
    })
}

/// The text with [`NO_NUMBERS`] in quotes.
fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let (mut rest, mut inside) = (text, false);
    while let Some(next) = rest.chars().next() {
        let word = NO_NUMBERS.iter().find(|word| !inside && rest.starts_with(**word));
        let taken = if let Some(word) = word {
            out.push_str(&format!("\"{word}\""));
            word.len()
        } else if inside && next == '\\' {
            // An escape and what it escapes.
            let taken: usize = rest.chars().take(2).map(char::len_utf8).sum();
            out.push_str(&rest[..taken]);
            taken
        } else {
            inside ^= next == '"';
            out.push(next);
            next.len_utf8()
        };
        rest = &rest[taken..];
    }
    out
}

/// An object and where in its file it stands.
#[derive(Debug, Clone)]
pub(super) struct Entry<'a> {
    pub(super) value: &'a Value,
    pub(super) place: String,
}

impl<'a> Entry<'a> {
    /// The items of a list, `results[0]` and so on.
    pub(super) fn all(list: &'a Value, name: &str) -> Vec<Self> {
        let items = list.as_array().map_or(&[][..], Vec::as_slice).iter().enumerate();
        items.map(|(place, value)| Self { value, place: format!("{name}[{place}]") }).collect()
    }

    /// A field that is there and not null.
    pub(super) fn get(&self, key: &str) -> Option<&'a Value> {
        self.value.get(key).filter(|value| !value.is_null())
    }

    /// A field that is an object.
    pub(super) fn object(&self, key: &str) -> Result<Option<Self>, String> {
        let place = format!("{}.{key}", self.place);
        self.told(key, "object", |value| value.is_object().then(|| Self { value, place: place.clone() }))
    }

    /// A field that is a text.
    pub(super) fn text(&self, key: &str) -> Result<Option<&'a str>, String> {
        self.told(key, "text", Value::as_str)
    }

    /// A field that is a number.
    pub(super) fn number(&self, key: &str) -> Result<Option<f64>, String> {
        self.told(key, "number", Value::as_f64)
    }

    /// A field that is a number of things.
    pub(super) fn count(&self, key: &str) -> Result<Option<u64>, String> {
        self.told(key, "whole number", Value::as_u64)
    }

    /// A field that is a list of numbers; none when it is not there.
    pub(super) fn numbers(&self, key: &str) -> Result<Vec<f64>, String> {
        let Some(list) = self.told(key, "list", Value::as_array)? else { return Ok(Vec::new()) };
        let number = |(place, value): (usize, &Value)| {
            value.as_f64().ok_or_else(|| format!("{key}[{place}] is {}, which is no number", shown(value)))
        };
        list.iter().enumerate().map(number).collect()
    }

    fn told<T>(&self, key: &str, kind: &str, read: impl Fn(&'a Value) -> Option<T>) -> Result<Option<T>, String> {
        let Some(value) = self.get(key) else { return Ok(None) };
        read(value).map(Some).ok_or_else(|| format!("{key} is {}, which is no {kind}", shown(value)))
    }
}

/// A value as it is shown to people: its beginning.
pub(super) fn shown(value: &Value) -> String {
    let text = value.to_string();
    if text.chars().count() <= SHOWN { text } else { format!("{} ...", text.chars().take(SHOWN).collect::<String>()) }
}
