//! Programs that speak the protocol and tell durations and answers that a test chose: shell scripts.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use querydyno::protocol::answer::Answer;

/// What a program says.
#[derive(Clone, Copy)]
pub struct Told {
    /// How long a run took, in nanoseconds.
    pub ns: u64,
    pub answer: u64,
    /// What it does instead of a run.
    pub instead: &'static str,
    /// The plan that it tells; nothing: it is a program that does not know the request.
    pub plan: &'static str,
}

impl Default for Told {
    fn default() -> Self {
        Self { ns: 1000, answer: 7, instead: "", plan: "" }
    }
}

impl Told {
    /// Writes the program, which can be run then.
    pub fn write(self, path: &Path) -> PathBuf {
        fs::write(path, self.script()).unwrap();
        fs::set_permissions(path, PermissionsExt::from_mode(0o755)).unwrap();
        path.to_owned()
    }

    fn script(self) -> String {
        let Self { ns, answer, instead, plan } = self;
        let run = format!(r#"echo '{{"did":"run","rows":1,"durations_ns":[{ns}]}}'"#);
        let run = if instead.is_empty() { run.as_str() } else { instead };
        // One that is asked what it does not know ends at once. No `echo`, which makes new lines of `\\n`.
        let (tells, plan) = match plan {
            "" => ("", "exit 9".to_owned()),
            plan => (r#","tells_plan":true"#, format!(r#"printf '%s\n' '{{"did":"plan","text":"{plan}"}}'"#)),
        };
        format!(
            r#"#!/bin/sh
echo '{{"did":"hello","protocol":2,"engine":"script"}}'
while read -r line; do case "$line" in
*'"do":"plan"'*) {plan};;
*'"do":"open"'*) echo '{{"did":"open","info":{{"version":"1"}}{tells}}}';;
*'"do":"load"'*) echo '{{"did":"load","load_ns":1}}';;
*'"do":"prepare"'*) echo '{{"did":"prepare"}}';;
*'"do":"run"'*) {run};;
*'"do":"answer"'*) echo '{{"did":"answer","answer":{{"columns":[{{"name":"revenue","kind":"int"}}],"rows":[["{answer}"]]}}}}';;
esac; done
"#
        )
    }
}

/// One whose runs take so long, as it says.
pub fn slower(ns: u64) -> Told {
    Told { ns, ..Told::default() }
}

/// Writes a program that gives this answer to everything.
pub fn answering(path: &Path, answer: &Answer) -> PathBuf {
    let rows = answer.rows.len();
    let answer = serde_json::to_string(answer).unwrap().replace('\'', "\\u0027");
    let script = format!(
        r#"#!/bin/sh
say() {{ printf '%s\n' "$1"; }}
say '{{"did":"hello","protocol":2,"engine":"truth"}}'
while read -r line; do case "$line" in
*'"do":"open"'*) say '{{"did":"open","info":{{"version":"1"}}}}';;
*'"do":"load"'*) say '{{"did":"load","load_ns":1}}';;
*'"do":"prepare"'*) say '{{"did":"prepare"}}';;
*'"do":"run"'*) n=${{line##*'"iterations":'}} n=${{n%%[!0-9]*}} all=
    # As long as it says, so that nobody asks for thousands of runs.
    while [ "$n" -gt 0 ]; do sleep 0.01; all=$all,5000000 n=$((n - 1)); done
    say '{{"did":"run","rows":{rows},"durations_ns":['"${{all#,}}"']}}';;
*'"do":"answer"'*) say '{{"did":"answer","answer":{answer}}}';;
esac; done
"#
    );
    fs::write(path, script).unwrap();
    fs::set_permissions(path, PermissionsExt::from_mode(0o755)).unwrap();
    path.to_owned()
}
