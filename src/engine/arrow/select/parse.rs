//! From a text to a [`Select`].

use std::fmt::Display;

use anyhow::{Context, bail};
use arrow::compute::kernels::{cmp, numeric};
use arrow::compute::{and_kleene, or_kleene};
use arrow::datatypes::{DataType, Schema, TimeUnit};
use sqlparser::ast::{
    self, BinaryOperator, Expr, FunctionArg, FunctionArgExpr, FunctionArguments, Ident, LimitClause, ObjectName,
    OrderByExpr, OrderByKind, SelectItem, SetExpr, Statement, TableFactor, UnaryOperator, Value as Constant,
};
use sqlparser::dialect::GenericDialect;
use sqlparser::parser::Parser;

use super::aggregate::{Aggregate, Fold};
use super::value::{Literal, Operator, Value};
use super::{Items, Select};
use crate::engine::arrow::Tables;
use crate::engine::{Result, Unsupported};

/// What the rows are sorted by: a column of the answer.
#[derive(Debug)]
pub struct Key {
    pub column: usize,
    pub descending: bool,
    pub nulls_first: bool,
}

fn unsupported<T>(what: impl Display) -> Result<T> {
    let does = "it reads columns, count, sum, avg, min and max of one table, with WHERE (comparisons, AND, OR), ORDER BY and LIMIT";
    bail!(Unsupported(format!("the arrow engine does not do {what}: of own queries {does}")))
}

impl Select {
    /// Reads a text over one of the tables.
    ///
    /// # Errors
    /// [`Unsupported`] for what is not done; an error for a column that is not there.
    pub fn read(sql: &str, tables: &Tables) -> Result<Self> {
        let Ok(statements) = Parser::parse_sql(&GenericDialect {}, sql) else { return unsupported("this SQL") };
        let [Statement::Query(query)] = statements.as_slice() else { return unsupported("more than a query") };
        if query.with.is_some() {
            return unsupported("WITH");
        }
        let SetExpr::Select(select) = query.body.as_ref() else { return unsupported("UNION and the like") };
        let [from] = select.from.as_slice() else { return unsupported("joins") };
        let TableFactor::Table { name, alias, .. } = &from.relation else { return unsupported("subqueries") };
        let table = last(name)?;
        let schema = tables.get(&table)?.schema()?;
        let called = alias.as_ref().map_or(&table, |alias| &alias.name.value);
        let names = Names { schema: &schema, table: called };

        let items = names.items(&select.projection)?;
        let filter = select.selection.as_ref().map(|filter| names.value(filter)).transpose()?;
        let keys = match query.order_by.as_ref().map(|order| &order.kind) {
            None => &[],
            Some(OrderByKind::Expressions(keys)) => keys.as_slice(),
            Some(OrderByKind::All(_)) => return unsupported("ORDER BY ALL"),
        };
        let order = keys.iter().map(|key| items.key(key)).collect::<Result<_>>()?;
        let limit = query.limit_clause.as_ref().map(limit_of).transpose()?;

        // Whatever else a statement may have is not in this text of it.
        let clauses = [
            Some(format!("SELECT {} FROM {name}", list(&select.projection))),
            alias.as_ref().map(ToString::to_string),
            select.selection.as_ref().map(|filter| format!("WHERE {filter}")),
            (!keys.is_empty()).then(|| format!("ORDER BY {}", list(keys))),
            limit.map(|limit| format!("LIMIT {limit}")),
        ];
        if clauses.into_iter().flatten().collect::<Vec<_>>().join(" ") != query.to_string() {
            return unsupported(format_args!("all of {query}"));
        }
        Ok(Self { table, items, filter, order, limit })
    }
}

impl Items {
    /// The names of the answer's columns.
    pub fn names(&self) -> Vec<&str> {
        match self {
            Self::Rows(items) => items.iter().map(|(name, _)| name.as_str()).collect(),
            Self::Totals(items) => items.iter().map(|(name, _)| name.as_str()).collect(),
        }
    }

    fn key(&self, key: &OrderByExpr) -> Result<Key> {
        let Expr::Identifier(name) = &key.expr else { return unsupported(format_args!("ORDER BY {}", key.expr)) };
        let is_it = |column: &&str| **column == name.value || is_alike(name, column);
        let Some(column) = self.names().iter().position(is_it) else {
            return unsupported(format_args!("ORDER BY {name}, which is no column of the answer"));
        };
        let descending = key.options.asc == Some(false);
        Ok(Key { column, descending, nulls_first: key.options.nulls_first.unwrap_or(descending) })
    }
}

/// What a text may name.
struct Names<'a> {
    schema: &'a Schema,
    /// The table, or its alias.
    table: &'a str,
}

impl Names<'_> {
    fn items(&self, items: &[SelectItem]) -> Result<Items> {
        let mut rows = Vec::new();
        let mut totals = Vec::new();
        for item in items {
            let (expr, name) = match item {
                SelectItem::Wildcard(options) if options.to_string().is_empty() => {
                    let names = self.schema.fields().iter().map(|field| field.name().clone());
                    rows.extend(names.map(|name| (name.clone(), Value::Column(name))));
                    continue;
                }
                SelectItem::UnnamedExpr(expr) => (expr, None),
                SelectItem::ExprWithAlias { expr, alias } => (expr, Some(alias.value.clone())),
                other => return unsupported(other),
            };
            if let Expr::Function(function) = expr {
                totals.push((name.unwrap_or_else(|| expr.to_string()), self.aggregate(function)?));
            } else {
                let value = self.value(expr)?;
                let own = if let Value::Column(name) = &value { name.clone() } else { expr.to_string() };
                rows.push((name.unwrap_or(own), value));
            }
        }
        match (rows.is_empty(), totals.is_empty()) {
            (false, true) => Ok(Items::Rows(rows)),
            (true, false) => Ok(Items::Totals(totals)),
            _ => unsupported("columns beside totals"),
        }
    }

    fn aggregate(&self, function: &ast::Function) -> Result<Aggregate> {
        let FunctionArguments::List(list) = &function.args else { return unsupported(function) };
        let [FunctionArg::Unnamed(argument)] = list.args.as_slice() else { return unsupported(function) };
        if function.to_string() != format!("{}({argument})", function.name) {
            return unsupported(function);
        }
        let fold = match (function.name.to_string().to_lowercase().as_str(), argument) {
            ("count", FunctionArgExpr::Wildcard) => return Ok(Aggregate { fold: Fold::Count, of: Value::whole(1) }),
            ("count", FunctionArgExpr::Expr(_)) => Fold::Count,
            ("sum", _) => Fold::Sum,
            ("avg", _) => Fold::Average,
            ("min", _) => Fold::Min,
            ("max", _) => Fold::Max,
            _ => return unsupported(function),
        };
        let FunctionArgExpr::Expr(of) = argument else { return unsupported(function) };
        Ok(Aggregate { fold, of: self.value(of)? })
    }

    fn value(&self, expr: &Expr) -> Result<Value> {
        Ok(match expr {
            Expr::Identifier(name) => Value::Column(self.column(name)?),
            Expr::CompoundIdentifier(parts) => match parts.as_slice() {
                [table, name] if table.value.eq_ignore_ascii_case(self.table) => Value::Column(self.column(name)?),
                _ => return unsupported(expr),
            },
            Expr::Nested(inner) => self.value(inner)?,
            Expr::Value(constant) => Value::Literal(literal(&constant.value)?),
            Expr::TypedString(typed) if !typed.uses_odbc_syntax => {
                let text = literal(&typed.value.value)?;
                let to = data_type(&typed.data_type)?;
                let to = if let DataType::Timestamp(..) = to { timestamp(&text)? } else { to };
                Value::Cast(Box::new(Value::Literal(text)), to)
            }
            Expr::Cast { expr: inner, data_type: to, kind: ast::CastKind::Cast, array: false, format: None } => {
                Value::Cast(Box::new(self.value(inner)?), data_type(to)?)
            }
            Expr::UnaryOp { op: UnaryOperator::Minus, expr: inner } => {
                let (left, right) = (Box::new(Value::whole(0)), Box::new(self.value(inner)?));
                Value::Binary { left, operator: Operator::Compute(numeric::sub), right }
            }
            Expr::BinaryOp { left, op, right } => {
                let (left, right) = (Box::new(self.value(left)?), Box::new(self.value(right)?));
                Value::Binary { left, operator: operator(op)?, right }
            }
            other => return unsupported(other),
        })
    }

    fn column(&self, name: &Ident) -> Result<String> {
        let names = || self.schema.fields().iter().map(|field| field.name());
        let exact = names().find(|column| **column == name.value);
        let alike: Vec<&String> = names().filter(|column| is_alike(name, column)).collect();
        match (exact, alike.as_slice()) {
            (Some(column), _) => Ok(column.clone()),
            (None, [column]) => Ok((*column).clone()),
            (None, []) => bail!("there is no column {name}"),
            (None, _) => bail!("{name} may be {alike:?}: write it in quotes"),
        }
    }
}

/// Whether a name without quotes means this column.
fn is_alike(name: &Ident, column: &str) -> bool {
    name.quote_style.is_none() && column.to_lowercase() == name.value.to_lowercase()
}

fn last(name: &ObjectName) -> Result<String> {
    let [part] = name.0.as_slice() else { return unsupported(format_args!("the table {name}")) };
    Ok(part.as_ident().context("a table without a name")?.value.clone())
}

fn limit_of(clause: &LimitClause) -> Result<usize> {
    match clause {
        LimitClause::LimitOffset { limit: Some(limit), offset: None, limit_by } if limit_by.is_empty() => {
            limit.to_string().parse().or_else(|_| unsupported(format_args!("LIMIT {limit}")))
        }
        other => unsupported(other),
    }
}

fn literal(constant: &Constant) -> Result<Literal> {
    match constant {
        Constant::Number(digits, false) => match digits.parse() {
            Ok(number) => Ok(Literal::Whole(number)),
            Err(_) => Literal::decimal(digits).map_or_else(|| unsupported(format_args!("the number {digits}")), Ok),
        },
        Constant::SingleQuotedString(text) => Ok(Literal::Text(text.clone())),
        other => unsupported(format_args!("the literal {other}")),
    }
}

fn data_type(named: &ast::DataType) -> Result<DataType> {
    Ok(match named.to_string().as_str() {
        "TIMESTAMP" => DataType::Timestamp(TimeUnit::Microsecond, None),
        "DATE" => DataType::Date32,
        "BIGINT" => DataType::Int64,
        "DOUBLE" => DataType::Float64,
        other => return unsupported(format_args!("a cast to {other}")),
    })
}

/// The type of a literal: microseconds, nanoseconds where it has more digits. Engines read a zone in it unlike.
fn timestamp(literal: &Literal) -> Result<DataType> {
    let Literal::Text(text) = literal else { return unsupported("a TIMESTAMP that is no text") };
    let time = text.get(10..).unwrap_or_default();
    if time.contains(['+', '-', 'Z', 'z']) {
        return unsupported(format_args!("TIMESTAMP '{text}' with a zone"));
    }
    let digits = time.split_once('.').map_or(0, |(_, fraction)| fraction.len());
    Ok(DataType::Timestamp(if digits > 6 { TimeUnit::Nanosecond } else { TimeUnit::Microsecond }, None))
}

fn operator(operator: &BinaryOperator) -> Result<Operator> {
    Ok(match operator {
        BinaryOperator::Eq => Operator::Compare(cmp::eq),
        BinaryOperator::NotEq => Operator::Compare(cmp::neq),
        BinaryOperator::Lt => Operator::Compare(cmp::lt),
        BinaryOperator::LtEq => Operator::Compare(cmp::lt_eq),
        BinaryOperator::Gt => Operator::Compare(cmp::gt),
        BinaryOperator::GtEq => Operator::Compare(cmp::gt_eq),
        BinaryOperator::And => Operator::Logic(and_kleene),
        BinaryOperator::Or => Operator::Logic(or_kleene),
        BinaryOperator::Plus => Operator::Compute(numeric::add),
        BinaryOperator::Minus => Operator::Compute(numeric::sub),
        BinaryOperator::Multiply => Operator::Compute(numeric::mul),
        other => return unsupported(format_args!("the operator {other}")),
    })
}

fn list(parts: &[impl Display]) -> String {
    parts.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
