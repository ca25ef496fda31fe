//! Keys of tables that a row store needs to end its queries at all: those that TPC-H's specification declares, no more.
//!
//! Parquet files have none. Engines that scan have no use for them, so no workload declares them.

use crate::protocol::dataset::{Dataset, Table};

/// A table's primary key, and an index for each of its foreign keys that the primary key does not begin with.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Keys {
    pub(super) primary: &'static [&'static str],
    pub(super) indexes: &'static [&'static [&'static str]],
}

/// The keys of a table; none for tables that declare none.
pub(super) fn of(dataset: &Dataset, table: &Table) -> Option<&'static Keys> {
    let mut known = TPCH.iter().filter(|_| dataset.workload == "tpch");
    known.find(|(name, _)| *name == table.name).map(|(_, keys)| keys)
}

static TPCH: [(&str, Keys); 8] = [
    ("region", Keys { primary: &["r_regionkey"], indexes: &[] }),
    ("nation", Keys { primary: &["n_nationkey"], indexes: &[&["n_regionkey"]] }),
    ("supplier", Keys { primary: &["s_suppkey"], indexes: &[&["s_nationkey"]] }),
    ("customer", Keys { primary: &["c_custkey"], indexes: &[&["c_nationkey"]] }),
    ("part", Keys { primary: &["p_partkey"], indexes: &[] }),
    ("partsupp", Keys { primary: &["ps_partkey", "ps_suppkey"], indexes: &[&["ps_suppkey"]] }),
    ("orders", Keys { primary: &["o_orderkey"], indexes: &[&["o_custkey"]] }),
    (
        "lineitem",
        Keys { primary: &["l_orderkey", "l_linenumber"], indexes: &[&["l_partkey", "l_suppkey"], &["l_suppkey"]] },
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_table_of_tpch_has_its_keys() {
        let mut dataset = Dataset {
            workload: "tpch".to_owned(),
            scale: "1".parse().unwrap(),
            format: "parquet".to_owned(),
            sha256: String::new(),
            layout: String::new(),
            tables: Vec::new(),
        };
        let suite: toml::Table = toml::from_str(include_str!("../../../fixtures/tpch/workload.toml")).unwrap();
        for spec in suite["table"].as_array().unwrap() {
            let table = Table { name: spec["name"].as_str().unwrap().to_owned(), ..Table::default() };
            assert!(of(&dataset, &table).is_some(), "{}", table.name);
            dataset.workload = "own".to_owned();
            assert_eq!(of(&dataset, &table), None);
            dataset.workload = "tpch".to_owned();
        }
    }
}
