//! What `src/docs/capabilities.md` cites, read from its table: [`cited`].

use super::Capability;

const PAGE: &str = include_str!("../../docs/capabilities.md");
/// The columns of its table between the engines and the source.
const NAMES: [&str; 4] = ["distributed", "Arrow-backed", "APIs", "GPU"];

/// What is cited of an engine by its name in `fixtures/engines.toml`, a version as its engine: distributed, Arrow-backed, APIs, GPU, in this
/// order. Empty where the page has nothing of it.
pub fn cited(engine: &str) -> Vec<Capability> {
    let engine = engine.split('@').next().unwrap_or(engine);
    let row = rows(PAGE).find(|row| row[0].split(',').any(|name| name.trim() == engine));
    row.map(|row| of(&row)).unwrap_or_default()
}

fn of(row: &[&str]) -> Vec<Capability> {
    let source = row[NAMES.len() + 1].replace(['<', '>'], "");
    let capability = |(name, words): (&'static str, &&str)| {
        let word = words.split(':').next().unwrap_or_default().trim();
        let can = match word {
            "yes" => Some(true),
            "no" => Some(false),
            _ => None,
        };
        Capability { name, can, shown: (*words).to_owned(), proof: source.clone() }
    };
    NAMES.into_iter().zip(&row[1..]).map(capability).collect()
}

/// The cells of each row of the table, without its head.
fn rows(page: &str) -> impl Iterator<Item = Vec<&str>> {
    let lines = page.lines().filter(|line| line.starts_with('|'));
    let cells = lines.map(|line| line.trim_matches('|').split('|').map(str::trim).collect::<Vec<_>>());
    cells.skip(2).filter(|cells| cells.len() == NAMES.len() + 2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::catalog::Catalog;
    use crate::host::settings::Settings;

    #[test]
    fn every_row_is_of_engines_that_there_are_and_has_a_source() {
        let lines = PAGE.lines().filter(|line| line.starts_with('|')).count();
        assert_eq!(rows(PAGE).count(), lines - 2, "a row has another number of cells");
        let catalog = Catalog::read(&Settings::read().unwrap()).unwrap();
        for row in rows(PAGE) {
            for name in row[0].split(',') {
                assert!(catalog.entries().iter().any(|entry| entry.name == name.trim()), "{name}");
            }
            let capabilities = of(&row);
            assert!(capabilities.iter().all(|one| one.proof.contains("https://")), "{row:?}");
            let told = |name: &str| capabilities.iter().find(|one| one.name == name).unwrap().can.is_some();
            assert!(["distributed", "Arrow-backed", "GPU"].into_iter().all(told), "{row:?} says neither yes nor no");
        }
    }

    #[test]
    fn cited_finds_an_engine_and_its_versions() {
        let number = |engine: &str| cited(engine).len();
        assert_eq!((number("polars-wheel@2.0.0"), number("daft"), number("null")), (4, 4, 0));
        let distributed = |engine: &str| cited(engine)[0].can;
        assert_eq!((distributed("spark"), distributed("pandas")), (Some(true), Some(false)));
    }
}
