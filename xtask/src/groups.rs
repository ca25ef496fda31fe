//! The commands as `cargo xtask --help` lists them: by what somebody wants to do.

use clap::CommandFactory as _;

use crate::Cli;

/// What somebody wants, and the commands for it, as far as this build has them. A test checks that every command stands here once.
const GROUPS: [(&str, &[&str]); 6] = [
    ("Measure", &["bench", "scaling", "ablation", "boundary", "cloud", "audit", "criteria"]),
    ("Look at results", &["report", "show", "history", "serve", "export"]),
    ("Find regressions", &["gate", "compare", "comment"]),
    ("Profile", &["instructions", "heap"]),
    ("Prepare", &["build", "data", "services", "answers"]),
    ("Learn, and look after the repository", &["doctor", "engines", "capabilities", "docs", "completions", "lint"]),
];

/// What clap is to print above and below the groups.
const HEAD: &str = "{about-with-newline}\n{usage-heading} {usage}\n";
const FOOT: &str = "\nOptions:\n{options}{after-help}";

/// The command line, with a help that is grouped.
pub(crate) fn command() -> clap::Command {
    let command = Cli::command();
    let width = GROUPS.iter().flat_map(|(_, names)| *names).map(|name| name.len()).max().unwrap_or_default();
    let mut listed = String::new();
    for (heading, names) in GROUPS {
        listed += &format!("\n{heading}:\n");
        for found in names.iter().filter_map(|name| command.find_subcommand(name)) {
            let about = found.get_about().map(ToString::to_string).unwrap_or_default();
            listed += &format!("  {:<width$}  {about}\n", found.get_name());
        }
    }
    // Braces would be fields of the template.
    command.help_template(format!("{HEAD}{}{FOOT}", listed.replace(['{', '}'], "")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn command_lists_every_subcommand_once_with_a_line_that_fits() {
        let command = command();
        let names = GROUPS.iter().flat_map(|(_, names)| *names).copied();
        let mut sorted: Vec<&str> = names.filter(|name| command.find_subcommand(name).is_some()).collect();
        sorted.sort_unstable();
        let mut known: Vec<&str> =
            command.get_subcommands().filter(|one| !one.is_hide_set()).map(clap::Command::get_name).collect();
        known.sort_unstable();
        assert_eq!(sorted, known);
        for one in command.get_subcommands() {
            let about = one.get_about().unwrap().to_string();
            assert!(about.chars().count() <= 110, "{}: {about}", one.get_name());
        }
    }

    #[test]
    fn command_has_examples_in_every_help() {
        let mut command = command();
        command.build();
        for one in command.get_subcommands().filter(|one| !["help", "history", "serve"].contains(&one.get_name())) {
            let help = one.clone().render_long_help().to_string();
            assert!(help.contains("Examples:"), "{}", one.get_name());
        }
    }

    /// An option of one name takes the same kind of value wherever it is.
    #[test]
    fn command_gives_an_option_one_meaning() {
        let mut command = command();
        command.build();
        let mut kinds = std::collections::BTreeMap::<String, (bool, String)>::new();
        for one in command.get_subcommands().flat_map(|one| std::iter::once(one).chain(one.get_subcommands())) {
            for option in one.get_arguments().filter(|option| !option.is_positional()) {
                let Some(name) = option.get_long() else { continue };
                let takes = option.get_action().takes_values();
                let before = kinds.entry(name.to_owned()).or_insert_with(|| (takes, one.get_name().to_owned()));
                assert_eq!(before.0, takes, "--{name} takes a value in one of {} and {}", before.1, one.get_name());
            }
        }
        assert!(kinds["json"].0 && kinds["scale"].0 && !kinds.contains_key("scales"));
    }
}
