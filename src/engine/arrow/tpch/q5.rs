//! TPC-H q5: the revenue of a region's nations from lines whose customer and supplier are of the same nation.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::iter::zip;
use std::ops::RangeInclusive;

use arrow::array::RecordBatch;

use super::columns::{
    C_CUSTKEY, C_NATIONKEY, L_DISCOUNT, L_EXTENDEDPRICE, L_ORDERKEY, L_SUPPKEY, O_CUSTKEY, O_ORDERDATE, O_ORDERKEY,
    S_NATIONKEY, S_SUPPKEY, add, revenue,
};
use super::nations::{Nations, nations};
use super::physical::{Column, Long, Named as _};
use super::{Keys, Result, Rows, Table, Tables, decimals, texts};

const REGION: &[u8] = b"ASIA";
/// 1994-01-01 to 1994-12-31, in days since 1970-01-01.
const DAYS: RangeInclusive<i32> = 8766..=9130;

/// Keys, and the number of the nation that belongs to each.
struct OfNation {
    keys: Keys,
    nations: Vec<usize>,
}

impl OfNation {
    /// From rows of a primary key and the number of a nation.
    fn new(rows: &[Vec<(i64, usize)>], column: &str) -> Result<Self> {
        let keys = Keys::primary(rows.iter().flatten().map(|(key, _)| *key), column)?;
        let nations = keys.arrange(rows.iter().flatten().copied());
        Ok(Self { keys, nations })
    }

    /// The nation of a key, if it is in the region.
    fn find(&self, key: i64) -> Option<usize> {
        self.keys.find(key).map(|number| self.nations[number])
    }
}

pub fn run(tables: &Tables, threads: usize) -> Result<RecordBatch> {
    let nations = nations(tables, Some(REGION))?;
    let suppliers = people(tables.get("supplier")?, threads, &nations, &S_SUPPKEY, &S_NATIONKEY)?;
    let customers = people(tables.get("customer")?, threads, &nations, &C_CUSTKEY, &C_NATIONKEY)?;
    let orders = orders(tables.get("orders")?, threads, &customers)?;
    let revenues = revenues(tables.get("lineitem")?, threads, &orders, &suppliers)?;

    // Nations of one name, were there two, are one group.
    let mut groups = BTreeMap::<&[u8], i128>::new();
    for (nation, revenue) in revenues.into_iter().flatten() {
        add(groups.entry(&nations.names[nation]).or_default(), revenue)?;
    }
    let mut groups: Vec<_> = groups.into_iter().collect();
    groups.sort_by_key(|(_, revenue)| Reverse(*revenue));
    Ok(RecordBatch::try_from_iter([
        ("n_name", texts(groups.iter().map(|(name, _)| *name))?),
        ("revenue", decimals(groups.iter().map(|(_, revenue)| Some(*revenue)), 4)?),
    ])?)
}

/// The customers or suppliers of these nations.
fn people(
    table: &Table,
    threads: usize,
    nations: &Nations,
    key: &Column<Long>,
    nation: &Column<Long>,
) -> Result<OfNation> {
    let found = table.gather(threads, &[nation, key], None, |row_group| {
        let of = row_group.read(nation, &row_group.rows())?;
        let rows = nations.keys.semi_join(&of, &row_group.rows())?;
        let of = nations.keys.numbers(&of, &Rows::from(&rows))?;
        Ok(zip(row_group.values(key, &Rows::from(&rows))?, of))
    })?;
    OfNation::new(&found, key.name())
}

/// The year's orders of these customers.
fn orders(table: &Table, threads: usize, customers: &OfNation) -> Result<OfNation> {
    let found =
        table.gather(threads, &[&O_ORDERDATE, &O_CUSTKEY, &O_ORDERKEY], Some(&(O_ORDERDATE, DAYS)), |row_group| {
            let rows = row_group.filter(&O_ORDERDATE, &row_group.rows(), |day| DAYS.contains(&day))?;
            let of = row_group.read(&O_CUSTKEY, &Rows::from(&rows))?;
            let rows = customers.keys.semi_join(&of, &Rows::from(&rows))?;
            let nations = of.map(&Rows::from(&rows), |customer| customers.find(customer).unwrap_or_default())?;
            Ok(zip(row_group.values(&O_ORDERKEY, &Rows::from(&rows))?, nations))
        })?;
    OfNation::new(&found, O_ORDERKEY.name())
}

/// Nation and revenue, scale 4, of the lines of these orders by these suppliers, where both are of the same nation.
fn revenues(table: &Table, threads: usize, orders: &OfNation, suppliers: &OfNation) -> Result<Vec<Vec<(usize, i128)>>> {
    table.gather(threads, &[&L_ORDERKEY, &L_SUPPKEY, &L_EXTENDEDPRICE, &L_DISCOUNT], None, |row_group| {
        let keys = row_group.read(&L_ORDERKEY, &row_group.rows())?;
        let rows = orders.keys.semi_join(&keys, &row_group.rows())?;
        let nations = keys.map(&Rows::from(&rows), |order| orders.find(order))?;
        let of_suppliers = row_group.map(&L_SUPPKEY, &Rows::from(&rows), |supplier| suppliers.find(supplier))?;
        let lines = rows.into_iter().zip(nations).zip(of_suppliers);
        let same = lines.filter(|((_, nation), of_supplier)| nation.is_some() && nation == of_supplier);
        let (rows, nations): (Vec<_>, Vec<_>) = same.map(|((row, nation), _)| (row, nation)).unzip();
        Ok(zip(nations.into_iter().flatten(), revenue(row_group, &Rows::from(&rows))?))
    })
}
