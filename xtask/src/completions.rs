//! `cargo xtask completions`: completions of these commands for a shell.

use anyhow::Result;
use clap::Args;
use clap_complete::{Shell, generate};
use querydyno::host::terminal::output::print;

/// The name that is completed.
const NAME: &str = "xtask";

/// Print completions for a shell, and a function `xtask` that they belong to
///
/// A shell completes programs, and `cargo xtask` is a word of one. So the script defines `xtask`, which calls `cargo xtask`, and
/// completes that. In bash it completes `cargo xtask` as well.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  eval \"$(cargo xtask completions bash)\"                                           this shell
  cargo xtask completions bash > ~/.querydyno-completions.bash                     a file for ~/.bashrc: source it there
  cargo xtask completions fish > ~/.config/fish/completions/xtask.fish
  cargo xtask completions zsh > ~/.querydyno-completions.zsh                       a file for ~/.zshrc: source it after compinit")]
pub(crate) struct Completions {
    /// The shell
    shell: Shell,
}

impl Completions {
    pub(crate) fn run(self, mut command: clap::Command) -> Result<()> {
        let mut script = Vec::new();
        generate(self.shell, &mut command, NAME, &mut script);
        print(&format!("{}{}", String::from_utf8(script)?, function(self.shell)))
    }
}

/// What calls `cargo xtask` by the completed name.
fn function(shell: Shell) -> &'static str {
    match shell {
        Shell::Bash => BASH,
        Shell::Zsh => "\nxtask() { cargo xtask \"$@\"; }\n",
        Shell::Fish => "\nfunction xtask\n    cargo xtask $argv\nend\n",
        Shell::PowerShell => "\nfunction xtask { cargo xtask @args }\n",
        Shell::Elvish => "\nfn xtask {|@arguments| e:cargo xtask $@arguments }\nset edit:add-var~ xtask~ $xtask~\n",
        _ => "",
    }
}

/// Cargo's own completions, where they are loaded, go on with all but `cargo xtask`.
const BASH: &str = r#"
xtask() { cargo xtask "$@"; }

_cargo_xtask() {
    if [[ ${COMP_CWORD} -ge 2 && ${COMP_WORDS[1]} == xtask ]]; then
        COMP_WORDS=("${COMP_WORDS[@]:1}")
        COMP_CWORD=$((COMP_CWORD - 1))
        _xtask xtask "$2" "$3"
    elif declare -F _cargo >/dev/null; then
        _cargo "$@"
    fi
}
complete -F _cargo_xtask -o bashdefault -o default cargo
"#;

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn bash_completes_a_command_behind_cargo_xtask() {
        let mut script = Vec::new();
        generate(Shell::Bash, &mut crate::groups::command(), NAME, &mut script);
        let script = String::from_utf8(script).unwrap() + BASH;
        let ask = "COMP_WORDS=(cargo xtask doc); COMP_CWORD=2; _cargo_xtask cargo doc xtask; printf '%s\\n' \"${COMPREPLY[@]}\"";
        let Ok(bash) = Command::new("bash").arg("-c").arg(format!("{script}\n{ask}")).output() else { return };
        let told = String::from_utf8(bash.stdout).unwrap();
        let mut found: Vec<&str> = told.lines().collect();
        found.sort_unstable();
        assert_eq!(found, ["docs", "doctor"], "{}", String::from_utf8_lossy(&bash.stderr));
    }
}
