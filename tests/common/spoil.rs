//! Answers with a planted fault: what an engine that is nearly right would say.

use querydyno::protocol::answer::{Answer, Kind};

/// Numbers that a seed decides.
pub struct Dice(pub u64);

impl Dice {
    /// One of so many.
    pub fn roll(&mut self, sides: usize) -> usize {
        // The end of splitmix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % sides as u64).unwrap()
    }
}

/// Changes something, somewhere; says what. An answer without rows gets one.
pub fn spoil(answer: &mut Answer, dice: &mut Dice) -> String {
    let (rows, width) = (answer.rows.len(), answer.columns.len());
    if rows == 0 {
        answer.rows.push(vec![None; width]);
        return "a row of NULLs".to_owned();
    }
    let (row, column) = (dice.roll(rows), dice.roll(width));
    match dice.roll(12) {
        0 => {
            answer.rows.pop();
            "the last row is gone".to_owned()
        }
        1 => {
            let copy = answer.rows[row].clone();
            let other = dice.roll(rows);
            answer.rows[other] = copy;
            format!("row {row} again in place of row {other}")
        }
        2 => {
            let other = dice.roll(rows);
            let value = answer.rows[row][column].clone();
            answer.rows[row][column] = std::mem::replace(&mut answer.rows[other][column], value);
            format!("rows {row} and {other} have each other's value of column {column}")
        }
        3 => {
            let other = dice.roll(width);
            let kind = answer.columns[column].kind;
            if answer.columns[other].kind == kind {
                answer.rows.iter_mut().for_each(|row| row.swap(column, other));
            }
            format!("columns {column} and {other} changed places, if they are of one kind")
        }
        4 => {
            answer.rows[row][column] = None;
            format!("NULL in row {row}, column {column}")
        }
        _ => {
            let kind = answer.columns[column].kind;
            let before = answer.rows[row][column].clone();
            let after = before.as_deref().map_or_else(|| some(kind), |text| other(text, kind, dice));
            let told = format!("{before:?} is {after} in row {row}, column {column}");
            answer.rows[row][column] = Some(after);
            told
        }
    }
}

/// A value where there was none.
fn some(kind: Kind) -> String {
    let text = match kind {
        Kind::Int | Kind::Decimal | Kind::Float | Kind::Float32 => "0",
        Kind::Text => "",
        Kind::Date => "1970-01-01",
        Kind::Timestamp => "1970-01-01 00:00:00",
        Kind::Bool => "false",
        Kind::List => "[]",
    };
    text.to_owned()
}

/// Another value of this kind, often a near one.
fn other(text: &str, kind: Kind, dice: &mut Dice) -> String {
    match kind {
        Kind::Int | Kind::Decimal => {
            let added = [1, -1, 10, 1 << 32, i128::from(u64::MAX) + 1][dice.roll(5)];
            // In the last place.
            let plain: i128 = text.replace('.', "").parse().unwrap();
            let units = plain.saturating_add(added);
            let Some((_, fraction)) = text.split_once('.') else { return units.to_string() };
            let places = fraction.len();
            let digits = format!("{:0width$}", units.unsigned_abs(), width = places + 1);
            let (whole, fraction) = digits.split_at(digits.len() - places);
            format!("{}{whole}.{fraction}", if units < 0 { "-" } else { "" })
        }
        Kind::Float | Kind::Float32 => {
            let number: f64 = text.parse().unwrap();
            let changed = [
                number * (1.0 + 1e-14),
                number * (1.0 + 1e-8),
                number * (1.0 + 1e-4),
                number + 1.0,
                -number,
                number * 2.0,
                f64::NAN,
                f64::INFINITY,
                0.0,
            ];
            changed[dice.roll(changed.len())].to_string()
        }
        Kind::Text => {
            [format!("{text} "), format!("{text}x"), text.to_uppercase(), String::new()][dice.roll(4)].clone()
        }
        Kind::Date => ["1970-01-02", "2022-01-09", "+12022-01-09"][dice.roll(3)].to_owned(),
        Kind::Timestamp => match text.split_once('.') {
            None => format!("{text}.000000001"),
            Some((whole, _)) => whole.to_owned(),
        },
        Kind::Bool => (text != "true").to_string(),
        Kind::List => if text == "[]" { r#"["x"]"# } else { "[]" }.to_owned(),
    }
}
