//! What is not known, in JSON: `null` for a number that is 0 or a text that is empty here. For `#[serde(with = ...)]`.
//!
//! It is for fields that everything measured here has, and that a result of somebody else's tool may lack.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The value, or `null` for one that is not known.
///
/// # Errors
/// As the serializer's.
pub fn serialize<T: Serialize + Default + PartialEq, S: Serializer>(
    value: &T,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    known(value).serialize(serializer)
}

/// The value, or the one that stands for what is not known.
///
/// # Errors
/// As the deserializer's.
pub fn deserialize<'de, T: Deserialize<'de> + Default, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// The value, where it is known.
pub fn known<T: Default + PartialEq>(value: &T) -> Option<&T> {
    Some(value).filter(|value| **value != T::default())
}

#[cfg(test)]
mod tests {
    use serde::{Deserialize, Serialize};

    #[test]
    fn what_is_not_known_is_null() {
        #[derive(Serialize, Deserialize)]
        struct Row {
            #[serde(with = "super")]
            threads: usize,
            #[serde(with = "super")]
            kernel: String,
        }
        let text = serde_json::to_string(&Row { threads: 0, kernel: "6.12".to_owned() }).unwrap();
        assert_eq!(text, r#"{"threads":null,"kernel":"6.12"}"#);
        let row: Row = serde_json::from_str(r#"{"threads":2,"kernel":null}"#).unwrap();
        assert_eq!((row.threads, row.kernel.as_str()), (2, ""));
        assert!(serde_json::from_str::<Row>(r#"{"threads":2}"#).is_err());
    }
}
