//! Plans as Spark Connect sends them: relations built of each other. Names and conditions are texts in Spark's expressions, which
//! the server parses, as in `DataFrame.filter("l_quantity < 24")` and `expr(...)`.

use std::collections::HashMap;

use proto::aggregate::GroupType;
use proto::expression::sort_order::{NullOrdering, SortDirection};
use proto::expression::{Alias, ExprType, ExpressionString, SortOrder, UnresolvedAttribute};
use proto::join::JoinType;
use proto::relation::RelType;
use proto::{Expression, Plan, Relation};
use spark_connect_proto as proto;

/// A relation and what can be made of it; the methods have the names of Spark's `DataFrame`.
#[derive(Debug, Clone)]
pub(super) struct Frame(Relation);

fn relation(kind: RelType) -> Frame {
    Frame(Relation { common: None, rel_type: Some(kind) })
}

fn expression(kind: ExprType) -> Expression {
    Expression { common: None, expr_type: Some(kind) }
}

/// `sum(l_quantity) as sum_qty`: what is before ` as ` may have blanks, a name has none.
fn expr(text: &str) -> Expression {
    let parsed = |text: &str| expression(ExprType::ExpressionString(ExpressionString { expression: text.to_owned() }));
    match text.rsplit_once(" as ") {
        Some((text, name)) if !name.contains([' ', ')']) => expression(ExprType::Alias(Box::new(Alias {
            expr: Some(Box::new(parsed(text))),
            name: vec![name.to_owned()],
            metadata: None,
        }))),
        _ => parsed(text),
    }
}

fn column(name: &str) -> Expression {
    expression(ExprType::UnresolvedAttribute(UnresolvedAttribute {
        unparsed_identifier: name.to_owned(),
        plan_id: None,
        is_metadata_column: None,
    }))
}

/// A text of SQL, which the server parses when it runs.
pub(super) fn sql(query: &str) -> Frame {
    relation(RelType::Sql(proto::Sql { query: query.to_owned(), ..proto::Sql::default() }))
}

/// Parquet files as one table.
pub(super) fn parquet(paths: Vec<String>) -> Frame {
    read("parquet", paths, HashMap::new())
}

/// Likewise, with the columns in the names of the folders between `root` and the files.
pub(super) fn parquet_below(root: String, paths: Vec<String>) -> Frame {
    read("parquet", paths, HashMap::from([("basePath".to_owned(), root)]))
}

/// An Iceberg table by its metadata file, as it was at a snapshot.
pub(super) fn iceberg(metadata: String, snapshot_id: i64) -> Frame {
    read("iceberg", vec![metadata], HashMap::from([("snapshot-id".to_owned(), snapshot_id.to_string())]))
}

fn read(format: &str, paths: Vec<String>, options: HashMap<String, String>) -> Frame {
    let format = Some(format.to_owned());
    let source = proto::read::DataSource { format, paths, options, ..proto::read::DataSource::default() };
    relation(RelType::Read(proto::Read {
        is_streaming: false,
        read_type: Some(proto::read::ReadType::DataSource(source)),
    }))
}

/// The command that has a statement run which gives no rows.
pub(super) fn statement(sql: &str) -> Plan {
    #[expect(deprecated, reason = "Spark 3.5 knows only this one, which 4.0 takes as well")]
    let command = proto::SqlCommand { sql: sql.to_owned(), ..proto::SqlCommand::default() };
    let command = proto::Command { command_type: Some(proto::command::CommandType::SqlCommand(command)) };
    Plan { op_type: Some(proto::plan::OpType::Command(command)) }
}

/// A table or view that the session knows.
pub(super) fn table(name: &str) -> Frame {
    let named = proto::read::NamedTable { unparsed_identifier: name.to_owned(), ..proto::read::NamedTable::default() };
    relation(RelType::Read(proto::Read {
        is_streaming: false,
        read_type: Some(proto::read::ReadType::NamedTable(named)),
    }))
}

impl Frame {
    /// Ready to run.
    pub(super) fn plan(self) -> Plan {
        Plan { op_type: Some(proto::plan::OpType::Root(self.0)) }
    }

    /// The command that gives it a name in this session.
    pub(super) fn create_or_replace_temp_view(self, name: &str) -> Plan {
        let view = proto::CreateDataFrameViewCommand {
            input: Some(self.0),
            name: name.to_owned(),
            is_global: false,
            replace: true,
        };
        let command = proto::Command { command_type: Some(proto::command::CommandType::CreateDataframeView(view)) };
        Plan { op_type: Some(proto::plan::OpType::Command(command)) }
    }

    fn boxed(self) -> Box<Relation> {
        Box::new(self.0)
    }

    /// Rows of which the condition is true.
    pub(super) fn filter(self, condition: &str) -> Self {
        let condition = Some(expr(condition));
        relation(RelType::Filter(Box::new(proto::Filter { input: Some(self.boxed()), condition })))
    }

    /// These columns.
    pub(super) fn select(self, expressions: &[&str]) -> Self {
        let expressions = expressions.iter().map(|text| expr(text)).collect();
        relation(RelType::Project(Box::new(proto::Project { input: Some(self.boxed()), expressions })))
    }

    /// Pairs of rows of which the condition is true.
    pub(super) fn join(self, other: Self, condition: &str) -> Self {
        self.joined(other, condition, JoinType::Inner)
    }

    /// Rows that have such a pair, once each.
    pub(super) fn semi_join(self, other: Self, condition: &str) -> Self {
        self.joined(other, condition, JoinType::LeftSemi)
    }

    fn joined(self, other: Self, condition: &str, kind: JoinType) -> Self {
        relation(RelType::Join(Box::new(proto::Join {
            left: Some(self.boxed()),
            right: Some(other.boxed()),
            join_condition: Some(expr(condition)),
            join_type: kind.into(),
            using_columns: Vec::new(),
            join_data_type: None,
        })))
    }

    /// One row for each group; without columns one for all rows.
    pub(super) fn group_by(self, columns: &[&str], aggregates: &[&str]) -> Self {
        relation(RelType::Aggregate(Box::new(proto::Aggregate {
            input: Some(self.boxed()),
            group_type: GroupType::Groupby.into(),
            grouping_expressions: columns.iter().map(|name| column(name)).collect(),
            aggregate_expressions: aggregates.iter().map(|text| expr(text)).collect(),
            pivot: None,
            grouping_sets: Vec::new(),
        })))
    }

    /// By these columns; ` desc` after a name turns its order round. NULLs sort as Spark has it: first when ascending.
    pub(super) fn order_by(self, keys: &[&str]) -> Self {
        let key = |text: &&str| {
            let (name, descending) = text.strip_suffix(" desc").map_or((*text, false), |name| (name, true));
            let (direction, nulls) = if descending {
                (SortDirection::Descending, NullOrdering::SortNullsLast)
            } else {
                (SortDirection::Ascending, NullOrdering::SortNullsFirst)
            };
            SortOrder { child: Some(Box::new(column(name))), direction: direction.into(), null_ordering: nulls.into() }
        };
        let order = keys.iter().map(key).collect();
        relation(RelType::Sort(Box::new(proto::Sort { input: Some(self.boxed()), order, is_global: Some(true) })))
    }

    /// The first so many rows.
    pub(super) fn limit(self, limit: i32) -> Self {
        relation(RelType::Limit(Box::new(proto::Limit { input: Some(self.boxed()), limit })))
    }
}
