//! Posts of a social network and their users: [`Social`], a generator of our own.
//!
//! Each row is made from its number alone, so that parts are made in any order on any number of threads and no part skips another's
//! random numbers. All draws are whole numbers, and the few floats come of one multiplication and one addition: the bytes are the
//! same on every machine. A post comes each second from 2023-01-01 on; views and followers are skewed as in life, users and tags too.
//!
//! `cargo xtask data social --scale 1`

use std::sync::Arc;

use anyhow::bail;
use arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Float64Array, Int64Array, ListBuilder, RecordBatch, RecordBatchIterator,
    StringBuilder, TimestampMicrosecondArray,
};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};

use super::generator::{Batches, Generator, Part, split};
use super::parquet::BATCH_ROWS;
use crate::protocol::id::Scale;

/// The generator; it has no state of its own.
pub(super) struct Social;

/// Makes the columns of these rows, of so many users or posts.
type Columns = fn(std::ops::Range<u64>, u64) -> Vec<ArrayRef>;

const POSTS_AT_SF1: f64 = 1_000_000.0;
const USERS_AT_SF1: f64 = 100_000.0;
/// Midnight of 2023-01-01, in seconds since 1970.
const FIRST_SECOND: u64 = 1_672_531_200;
/// The same in days, and over how many days before it users signed up.
const FIRST_DAY: u64 = FIRST_SECOND / 86_400;
const DAYS: u64 = 3_650;

const CATEGORIES: [&str; 7] = ["fashion", "food", "music", "news", "sports", "tech", "travel"];
const LOCATIONS: [&str; 7] = ["Berlin", "Lagos", "London", "New York", "Sao Paulo", "Sydney", "Tokyo"];
const DEVICES: [&str; 3] = ["desktop", "mobile", "tablet"];
const PLANS: [&str; 3] = ["business", "free", "pro"];
const TAGS: [&str; 24] = [
    "art", "books", "career", "cats", "climate", "coding", "coffee", "diy", "dogs", "family", "film", "fitness",
    "funny", "garden", "health", "history", "home", "love", "money", "nature", "photo", "science", "style", "weekend",
];
const WORDS: [&str; 48] = [
    "about",
    "after",
    "again",
    "always",
    "another",
    "around",
    "because",
    "before",
    "better",
    "between",
    "bright",
    "city",
    "could",
    "every",
    "evening",
    "first",
    "friend",
    "great",
    "house",
    "idea",
    "just",
    "light",
    "little",
    "maybe",
    "minute",
    "morning",
    "music",
    "never",
    "nothing",
    "other",
    "people",
    "place",
    "question",
    "really",
    "right",
    "road",
    "small",
    "some",
    "story",
    "summer",
    "there",
    "thing",
    "today",
    "together",
    "water",
    "while",
    "world",
    "yesterday",
];

impl Generator for Social {
    fn version(&self) -> &'static str {
        "social 1"
    }

    fn parts(&self, table: &str, scale: Scale) -> anyhow::Result<Vec<Part>> {
        // Bytes of a row in our Parquet files, measured at sf1, rounded up.
        Ok(match table {
            "posts" => split(posts(scale), 110),
            "users" => split(users(scale), 25),
            _ => bail!("the generator of social makes no table '{table}'"),
        })
    }

    fn open(&self, table: &str, scale: Scale, part: Part) -> anyhow::Result<Batches> {
        let (schema, all, make): (_, _, Columns) = match table {
            "posts" => (posts_schema(), posts(scale), posts_of),
            "users" => (users_schema(), users(scale), users_of),
            _ => bail!("the generator of social makes no table '{table}'"),
        };
        let end = |parts: u32| all * u64::from(parts) / u64::from(part.count);
        let (first, last, users) = (end(part.index), end(part.index + 1), users(scale));
        let shape = schema.clone();
        let batches = (first..last).step_by(BATCH_ROWS).map(move |start| {
            let rows = start..last.min(start + BATCH_ROWS as u64);
            RecordBatch::try_new(shape.clone(), make(rows, users))
        });
        Ok(Box::new(RecordBatchIterator::new(batches, schema)))
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a scale is no larger than a million")]
fn rows(at_sf1: f64, scale: Scale) -> u64 {
    ((at_sf1 * scale.factor()).round() as u64).max(1)
}

fn posts(scale: Scale) -> u64 {
    rows(POSTS_AT_SF1, scale)
}

fn users(scale: Scale) -> u64 {
    rows(USERS_AT_SF1, scale)
}

/// The random numbers of one row: splitmix64, begun by the row's number.
struct Draws(u64);

impl Draws {
    const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

    /// Of a row of a table, which has a number of its own.
    fn of(table: u64, row: u64) -> Self {
        // Rows next to each other must not have each other's numbers one step later.
        Self(mixed(mixed(table) ^ row))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(Self::STEP);
        mixed(self.0)
    }

    /// A whole number below `end`.
    fn below(&mut self, end: u64) -> u64 {
        high(self.next(), end)
    }

    /// The same, small ones more often: the density falls with the logarithm.
    fn skewed(&mut self, end: u64) -> u64 {
        let product = high(self.next(), self.next());
        high(product, end)
    }

    /// From 0 to 1, 1 not included.
    #[expect(clippy::cast_precision_loss, reason = "53 bits")]
    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 * (1.0 / 9_007_199_254_740_992.0)
    }

    fn one_of<'a>(&mut self, texts: &[&'a str]) -> &'a str {
        texts[usize::try_from(self.below(texts.len() as u64)).unwrap_or_default()]
    }
}

/// All bits of the result depend on all bits of the number (the end of splitmix64).
fn mixed(number: u64) -> u64 {
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

/// The high half of a product.
fn high(a: u64, b: u64) -> u64 {
    u64::try_from((u128::from(a) * u128::from(b)) >> 64).unwrap_or_default()
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn posts_schema() -> SchemaRef {
    let tags = DataType::List(Arc::new(Field::new("element", DataType::Utf8, false)));
    Arc::new(Schema::new(vec![
        Field::new("post_id", DataType::Utf8, false),
        Field::new("user_id", DataType::Int64, false),
        Field::new("timestamp", DataType::Timestamp(TimeUnit::Microsecond, None), false),
        Field::new("content", DataType::Utf8, false),
        Field::new("likes", DataType::Int64, false),
        Field::new("views", DataType::Int64, false),
        Field::new("category", DataType::Utf8, false),
        Field::new("tags", tags, false),
        Field::new("location", DataType::Utf8, false),
        Field::new("device", DataType::Utf8, false),
        Field::new("latency", DataType::Float64, false),
        Field::new("error_rate", DataType::Float64, false),
    ]))
}

/// Posts by their numbers, from 0.
fn posts_of(rows: std::ops::Range<u64>, users: u64) -> Vec<ArrayRef> {
    let size = usize::try_from(rows.end - rows.start).unwrap_or_default();
    let texts = || StringBuilder::with_capacity(size, size * 12);
    let numbers = || Vec::<i64>::with_capacity(size);
    let floats = || Vec::<f64>::with_capacity(size);
    let (mut ids, mut content) = (texts(), StringBuilder::with_capacity(size, size * 80));
    let (mut categories, mut locations, mut devices) = (texts(), texts(), texts());
    let (mut user_ids, mut times, mut likes, mut views) = (numbers(), numbers(), numbers(), numbers());
    let (mut latencies, mut error_rates) = (floats(), floats());
    let element = Field::new("element", DataType::Utf8, false);
    let mut tags = ListBuilder::with_capacity(StringBuilder::new(), size).with_field(element);
    let mut text = String::new();
    for row in rows {
        let mut draws = Draws::of(1, row);
        ids.append_value(uuid(draws.next(), draws.next()));
        user_ids.push(signed(1 + draws.skewed(users)));
        times.push(signed((FIRST_SECOND + row) * 1_000_000));
        sentence(&mut draws, &mut text);
        content.append_value(&text);
        // About as many posts from 1 to 10 views as from 1,000 to 10,000.
        let seen = 1 + (draws.below(1 << 20) >> draws.below(16));
        views.push(signed(seen));
        likes.push(signed(seen * draws.below(300) / 1000));
        categories.append_value(CATEGORIES[usize::try_from(draws.skewed(7)).unwrap_or_default()]);
        tag(&mut draws, &mut tags);
        locations.append_value(draws.one_of(&LOCATIONS));
        devices.append_value(if draws.below(10) < 6 { "mobile" } else { draws.one_of(&DEVICES) });
        latencies.push(10.0 + 490.0 * draws.unit());
        // The least of ten uniform numbers is one of Beta(1, 10).
        error_rates.push((0..10).map(|_| draws.unit()).fold(1.0, f64::min));
    }
    vec![
        Arc::new(ids.finish()),
        Arc::new(Int64Array::from(user_ids)),
        Arc::new(TimestampMicrosecondArray::from(times)),
        Arc::new(content.finish()),
        Arc::new(Int64Array::from(likes)),
        Arc::new(Int64Array::from(views)),
        Arc::new(categories.finish()),
        Arc::new(tags.finish()),
        Arc::new(locations.finish()),
        Arc::new(devices.finish()),
        Arc::new(Float64Array::from(latencies)),
        Arc::new(Float64Array::from(error_rates)),
    ]
}

/// 128 random bits as a UUID of version 4.
fn uuid(high: u64, low: u64) -> String {
    let high = (high & 0xffff_ffff_ffff_0fff) | 0x4000;
    let low = (low & 0x3fff_ffff_ffff_ffff) | 0x8000_0000_0000_0000;
    format!(
        "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
        high >> 32,
        (high >> 16) & 0xffff,
        high & 0xffff,
        low >> 48,
        low & 0xffff_ffff_ffff
    )
}

/// 5 to 18 words and a full stop.
fn sentence(draws: &mut Draws, text: &mut String) {
    text.clear();
    for word in 0..5 + draws.below(14) {
        text.push_str(if word == 0 { "" } else { " " });
        text.push_str(draws.one_of(&WORDS));
    }
    text.push('.');
}

/// One to three tags, no two the same, the first ones of the list more often.
fn tag(draws: &mut Draws, tags: &mut ListBuilder<StringBuilder>) {
    let count = 1 + draws.below(3);
    let mut taken: [Option<u64>; 3] = [None; 3];
    for place in 0..usize::try_from(count).unwrap_or_default() {
        let mut tag = draws.skewed(TAGS.len() as u64);
        while taken.contains(&Some(tag)) {
            tag = (tag + 1) % TAGS.len() as u64;
        }
        taken[place] = Some(tag);
        tags.values().append_value(TAGS[usize::try_from(tag).unwrap_or_default()]);
    }
    tags.append(true);
}

fn users_schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("user_id", DataType::Int64, false),
        Field::new("user_name", DataType::Utf8, false),
        Field::new("home", DataType::Utf8, false),
        Field::new("signed_up", DataType::Date32, false),
        Field::new("followers", DataType::Int64, false),
        Field::new("plan", DataType::Utf8, false),
        Field::new("verified", DataType::Boolean, false),
    ]))
}

/// Users by their numbers, from 0; their ids begin with 1.
fn users_of(rows: std::ops::Range<u64>, _: u64) -> Vec<ArrayRef> {
    let (mut names, mut homes, mut plans) = (StringBuilder::new(), StringBuilder::new(), StringBuilder::new());
    let (mut ids, mut followers, mut days, mut verified) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for row in rows {
        let mut draws = Draws::of(2, row);
        ids.push(signed(row + 1));
        names.append_value(format!("{}_{}{}", draws.one_of(&WORDS), draws.one_of(&WORDS), row + 1));
        homes.append_value(draws.one_of(&LOCATIONS));
        days.push(i32::try_from(FIRST_DAY - 1 - draws.below(DAYS)).unwrap_or_default());
        followers.push(signed(draws.below(1 << 20) >> draws.below(16)));
        plans.append_value(if draws.below(10) < 7 { "free" } else { draws.one_of(&PLANS) });
        verified.push(draws.below(10) == 0);
    }
    vec![
        Arc::new(Int64Array::from(ids)),
        Arc::new(names.finish()),
        Arc::new(homes.finish()),
        Arc::new(Date32Array::from(days)),
        Arc::new(Int64Array::from(followers)),
        Arc::new(plans.finish()),
        Arc::new(BooleanArray::from(verified)),
    ]
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use arrow::array::{Array as _, AsArray as _};
    use arrow::datatypes::{Float64Type, Int64Type, TimestampMicrosecondType};

    use super::*;

    fn part(table: &str, index: u32, count: u32) -> RecordBatch {
        let batches = Social.open(table, "0.02".parse().unwrap(), Part { index, count, rows: 0, bytes: 0 }).unwrap();
        let schema = batches.schema();
        let batches: Vec<_> = batches.map(Result::unwrap).collect();
        arrow::compute::concat_batches(&schema, &batches).unwrap()
    }

    #[test]
    fn parts_follow_one_another_without_gap() {
        for table in ["posts", "users"] {
            let parts: Vec<_> = (0..7).map(|index| part(table, index, 7)).collect();
            let together = arrow::compute::concat_batches(&parts[0].schema(), &parts).unwrap();
            assert_eq!(together, part(table, 0, 1), "{table}");
        }
        assert!(Social.open("orders", Scale::ONE, Part { index: 0, count: 1, rows: 0, bytes: 0 }).is_err());
    }

    #[test]
    fn posts_are_as_the_suite_says() {
        let posts = part("posts", 0, 1);
        assert_eq!(posts.num_rows(), 20_000);
        let times = posts["timestamp"].as_primitive::<TimestampMicrosecondType>();
        assert!(times.values().windows(2).all(|pair| pair[1] - pair[0] == 1_000_000));
        assert_eq!(times.value_as_datetime(0).unwrap().to_string(), "2023-01-01 00:00:00");
        let texts = |name: &str| posts[name].as_string::<i32>().iter().flatten().collect::<BTreeSet<_>>();
        assert_eq!([texts("category").len(), texts("location").len(), texts("device").len()], [7, 7, 3]);
        assert_eq!(texts("post_id").len(), 20_000);
        assert!(texts("post_id").iter().all(|id| id.len() == 36 && &id[14..15] == "4"));
        let tags = posts["tags"].as_list::<i32>();
        for row in 0..tags.len() {
            let of_row = tags.value(row);
            let different: BTreeSet<_> = of_row.as_string::<i32>().iter().flatten().collect();
            assert!((1..=3).contains(&of_row.len()) && different.len() == of_row.len());
        }
        let numbers = |name: &str| posts[name].as_primitive::<Int64Type>().values().to_vec();
        assert!(numbers("likes").iter().zip(numbers("views")).all(|(likes, views)| *likes >= 0 && *likes <= views));
        assert!(numbers("user_id").iter().all(|id| (1..=2_000).contains(id)));
    }

    #[test]
    #[expect(clippy::cast_precision_loss, reason = "a few thousand rows")]
    fn latency_is_uniform_and_error_rate_is_beta() {
        let posts = part("posts", 0, 1);
        let moments = |name: &str| {
            let values = posts[name].as_primitive::<Float64Type>().values().to_vec();
            let mean = values.iter().sum::<f64>() / values.len() as f64;
            let spread = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / values.len() as f64;
            (mean, spread, values.iter().copied().fold(f64::MAX, f64::min), values.iter().copied().fold(0.0, f64::max))
        };
        let (mean, variance, least, most) = moments("latency");
        assert!((mean - 255.0).abs() < 4.0 && (variance / (490.0_f64.powi(2) / 12.0) - 1.0).abs() < 0.05);
        assert!(least >= 10.0 && most < 500.0);
        // Beta(1, 10): mean 1/11, variance 10 / (11 * 11 * 12).
        let (mean, variance, least, most) = moments("error_rate");
        assert!((mean * 11.0 - 1.0).abs() < 0.04 && (variance * 145.2 - 1.0).abs() < 0.08, "{mean} {variance}");
        assert!(least >= 0.0 && most < 1.0);
    }

    #[test]
    fn a_row_is_the_same_whatever_the_scale_but_for_its_user() {
        let row = |scale: u64| posts_of(5..6, scale);
        let (small, large) = (row(10), row(1_000_000));
        for (place, field) in posts_schema().fields().iter().enumerate() {
            let same = small[place].as_ref() == large[place].as_ref();
            assert_eq!(same, field.name() != "user_id", "{}", field.name());
        }
    }
}
