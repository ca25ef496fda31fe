//! Which indexes a row store needs to end some queries at all: those of the keys that a suite declares, no more.
//!
//! Parquet files have none, and engines that scan have no use for them.

use crate::protocol::dataset::Keys;

/// The foreign keys that take an index of their own: those that neither the primary key nor a longer one begins with.
pub(super) fn indexes(keys: &Keys) -> impl Iterator<Item = &Vec<String>> {
    let begins_longer = |key: &&Vec<String>| {
        keys.foreign.iter().any(|other| other.len() > key.len() && other.starts_with(key))
            || keys.primary.starts_with(key)
    };
    keys.foreign.iter().filter(move |key| !begins_longer(key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indexes_leaves_out_what_another_index_begins_with() {
        let suite: toml::Table = toml::from_str(include_str!("../../../fixtures/tpch/suite.toml")).unwrap();
        let found = suite["table"].as_array().unwrap().iter().map(|table| {
            let keys: Keys = table["keys"].clone().try_into().unwrap();
            let indexes: Vec<String> = indexes(&keys).map(|columns| columns.join(" ")).collect();
            (table["name"].as_str().unwrap(), keys.primary.join(" "), indexes.join(", "))
        });
        let expected = [
            ("region", "r_regionkey", ""),
            ("nation", "n_nationkey", "n_regionkey"),
            ("supplier", "s_suppkey", "s_nationkey"),
            ("customer", "c_custkey", "c_nationkey"),
            ("part", "p_partkey", ""),
            ("partsupp", "ps_partkey ps_suppkey", "ps_suppkey"),
            ("orders", "o_orderkey", "o_custkey"),
            ("lineitem", "l_orderkey l_linenumber", "l_partkey l_suppkey, l_suppkey"),
        ];
        let expected = expected.map(|(table, primary, indexes)| (table, primary.to_owned(), indexes.to_owned()));
        assert_eq!(found.collect::<Vec<_>>(), expected);
    }
}
