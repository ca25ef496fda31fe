//! The functions of Python that a library from a wheel names and that no database call reaches: a small library of
//! stand-ins, so that it loads without Python.
//!
//! A stand-in that is called ends the program with a sentence that names it. It is generated from the library's own list of
//! symbols and compiled by the C compiler that Rust links with.

use std::env;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use super::elf::Undefined;
use crate::host::catalog::command;

/// What it is called, and what a program looks for.
pub(super) const FILE: &str = "libquerydyno-cpython.so";

/// Each function has a name and nothing to do; data is zeros, as large as the largest of Python's types needs.
const HEAD: &str = r#"/* Stand-ins for Python's symbols, generated from the list of a library that is used without Python. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void say(const char *text) {
    if (write(2, text, strlen(text)) < 0) {
        _exit(134);
    }
}

static void called(const char *name) {
    say("DuckDB's library called ");
    say(name);
    say(", a function of Python, which this program does not have; compile DuckDB instead with QUERYDYNO_DUCKDB=source, and report this\n");
    abort();
}

#define FUNCTION(name) void name(void) { called(#name); }
#define DATA(name) char name[1024] __attribute__((aligned(16)));

"#;

/// Which of a library's symbols are Python's.
pub(super) fn of_python(undefined: &[Undefined]) -> Vec<Undefined> {
    let python = |name: &str| name.starts_with("Py") || name.starts_with("_Py");
    undefined.iter().filter(|symbol| python(&symbol.name)).cloned().collect()
}

/// Makes the library of stand-ins in the folder.
///
/// # Errors
/// Without a C compiler, or when it does not compile.
pub(super) fn make(symbols: &[Undefined], folder: &Path) -> Result<()> {
    let from = folder.join("stub.c");
    fs::write(&from, source(symbols)?).with_context(|| format!("cannot write {}", from.display()))?;
    let compiler = env::var_os("CC").filter(|told| !told.is_empty()).unwrap_or_else(|| "cc".into());
    let mut cc = Command::new(compiler);
    cc.args(["-shared", "-fPIC", "-O1", "-w"])
        .arg(format!("-Wl,-soname,{FILE}"))
        .arg("-o")
        .arg(folder.join(FILE))
        .arg(&from)
        .stdin(Stdio::null());
    ensure!(command::succeeds(&mut cc)?, "the C compiler refuses {}; its messages above say why", from.display());
    Ok(())
}

fn source(symbols: &[Undefined]) -> Result<String> {
    let mut text = HEAD.to_owned();
    for Undefined { name, called } in symbols {
        let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        ensure!(plain, "the library names a function '{name}', which C does not");
        let kind = if !called && is_data(name) { "DATA" } else { "FUNCTION" };
        writeln!(text, "{kind}({name})")?;
    }
    Ok(text)
}

/// As Python names its objects; all else that is not called is a function whose address is taken.
fn is_data(name: &str) -> bool {
    name.starts_with("PyExc_") || name.ends_with("Type") || name.ends_with("Struct")
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt as _;

    use super::*;

    fn symbol(name: &str, called: bool) -> Undefined {
        Undefined { name: name.to_owned(), called }
    }

    #[test]
    fn source_tells_data_from_functions() {
        let symbols = [symbol("PyErr_Clear", true), symbol("PyExc_KeyError", false), symbol("Py_GenericAlias", false)];
        let text = source(&symbols).unwrap();
        for line in ["FUNCTION(PyErr_Clear)", "DATA(PyExc_KeyError)", "FUNCTION(Py_GenericAlias)"] {
            assert!(text.contains(line), "{text}");
        }
        assert!(source(&[symbol("Py;", true)]).is_err());
    }

    #[test]
    fn of_python_leaves_other_libraries_alone() {
        let all = [symbol("_PyObject_New", true), symbol("PyLong_Type", false), symbol("malloc", true)];
        assert_eq!(of_python(&all), all[..2]);
    }

    #[test]
    fn make_gives_functions_that_end_the_program_with_a_sentence() {
        let folder = tempfile::tempdir().unwrap();
        make(&[symbol("PyErr_Clear", true), symbol("PyLong_Type", false)], folder.path()).unwrap();
        let main = folder.path().join("main.c");
        let text = "void PyErr_Clear(void); extern char PyLong_Type[];\n\
                    int main(int n, char **all) { if (PyLong_Type[0]) return 3; if (n > 1) PyErr_Clear(); return 0; }";
        fs::write(&main, text).unwrap();
        let program = folder.path().join("main");
        let mut cc = Command::new("cc");
        cc.arg(&main).arg(folder.path().join(FILE)).arg("-Wl,-rpath,$ORIGIN").arg("-o").arg(&program);
        assert!(cc.status().unwrap().success());
        assert!(Command::new(&program).status().unwrap().success());
        let ended = Command::new(&program).arg("call").output().unwrap();
        assert_eq!(ended.status.signal(), Some(6));
        let said = String::from_utf8(ended.stderr).unwrap();
        assert!(said.contains("called PyErr_Clear, a function of Python") && said.lines().count() == 1, "{said}");
    }
}
