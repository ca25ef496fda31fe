//! What a shared library says of itself: the functions it looks for elsewhere, its name, its compilers.
//!
//! A reader of 64-bit little-endian ELF, for as much as is needed here; the machine does not matter.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};

const SYMBOL_BYTES: usize = 24;
const RELOCATION_BYTES: usize = 24;
const DYNAMIC_BYTES: usize = 16;
const SECTION_RELOCATIONS: usize = 4;
const SECTION_DYNAMIC: usize = 6;
const SECTION_WITHOUT_CONTENT: usize = 8;
const SECTION_DYNAMIC_SYMBOLS: usize = 11;
/// `DT_SONAME`.
const NAME: usize = 14;
const WEAK: u8 = 2;
/// A jump to a function: `R_X86_64_JUMP_SLOT` and `R_AARCH64_JUMP_SLOT`.
const JUMPS: [usize; 2] = [7, 1026];

#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Object {
    /// What it needs from other libraries, weak symbols left out.
    pub(super) undefined: Vec<Undefined>,
    pub(super) defined: BTreeSet<String>,
    /// By which name programs that are linked with it look for it.
    pub(super) name: Option<String>,
    /// What compilers and linkers left in it.
    pub(super) comments: Vec<String>,
}

/// A symbol that another library has to define.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Undefined {
    pub(super) name: String,
    /// Whether it is called, and so a function for sure.
    pub(super) called: bool,
}

struct Section<'a> {
    name: usize,
    kind: usize,
    link: usize,
    content: &'a [u8],
}

impl Object {
    /// # Errors
    /// When it is no 64-bit little-endian ELF file, or cut off.
    pub(super) fn read(file: &[u8]) -> Result<Self> {
        ensure!(file.starts_with(b"\x7fELF\x02\x01"), "it is no 64-bit little-endian ELF file");
        let sections = sections(file)?;
        let names = sections.get(number(file, 0x3e, 2)?).context("it has no names of sections")?;
        let mut object = Self::default();
        for section in &sections {
            let linked = sections.get(section.link);
            match section.kind {
                SECTION_DYNAMIC_SYMBOLS => {
                    let strings = linked.context("its symbols have no names")?;
                    object.take_symbols(section.content, strings.content, &called(&sections)?)?;
                }
                SECTION_DYNAMIC => {
                    let strings = linked.context("its dynamic section has no names")?;
                    for entry in section.content.chunks_exact(DYNAMIC_BYTES) {
                        if number(entry, 0, 8)? == NAME {
                            object.name = Some(text(strings.content, number(entry, 8, 8)?)?);
                        }
                    }
                }
                _ if text(names.content, section.name)? == ".comment" => {
                    let parts = section.content.split(|byte| *byte == 0).filter(|part| !part.is_empty());
                    object.comments = parts.map(|part| String::from_utf8_lossy(part).into_owned()).collect();
                }
                _ => {}
            }
        }
        Ok(object)
    }

    fn take_symbols(&mut self, symbols: &[u8], strings: &[u8], called: &BTreeSet<usize>) -> Result<()> {
        for (index, symbol) in (0..).zip(symbols.chunks_exact(SYMBOL_BYTES)) {
            let name = text(strings, number(symbol, 0, 4)?)?;
            let (weak, elsewhere) = (symbol[4] >> 4 == WEAK, number(symbol, 6, 2)? == 0);
            if !name.is_empty() && !elsewhere {
                self.defined.insert(name);
            } else if !name.is_empty() && !weak {
                self.undefined.push(Undefined { name, called: called.contains(&index) });
            }
        }
        Ok(())
    }

    /// The compiler of its code, by what it left: clang where there is one, since gcc's libraries leave gcc's name too.
    pub(super) fn compiler(&self) -> Option<String> {
        let clang = self.comments.iter().find(|comment| comment.contains("clang"));
        let found = clang.or_else(|| self.comments.iter().find(|comment| comment.starts_with("GCC")))?;
        // What follows is the distribution's own number of the package.
        Some(found.split(" (").next().filter(|_| clang.is_some()).unwrap_or(found).trim().to_owned())
    }
}

/// The numbers of the symbols that are jumped to.
fn called(sections: &[Section<'_>]) -> Result<BTreeSet<usize>> {
    let of_relocations = sections.iter().filter(|section| section.kind == SECTION_RELOCATIONS);
    let relocations = of_relocations.flat_map(|section| section.content.chunks_exact(RELOCATION_BYTES));
    let infos = relocations.map(|relocation| number(relocation, 8, 8)).collect::<Result<Vec<_>>>()?;
    Ok(infos.into_iter().filter(|info| JUMPS.contains(&(info & 0xffff_ffff))).map(|info| info >> 32).collect())
}

fn sections(file: &[u8]) -> Result<Vec<Section<'_>>> {
    let (from, bytes, count) = (number(file, 0x28, 8)?, number(file, 0x3a, 2)?, number(file, 0x3c, 2)?);
    ensure!(from > 0 && bytes >= 64 && count > 0, "it has no sections");
    let headers = slice(file, from, bytes * count)?;
    let read = |header: &[u8]| {
        let kind = number(header, 4, 4)?;
        let bytes = if kind == SECTION_WITHOUT_CONTENT { 0 } else { number(header, 32, 8)? };
        let content = slice(file, number(header, 24, 8)?, bytes)?;
        Ok(Section { name: number(header, 0, 4)?, kind, link: number(header, 40, 4)?, content })
    };
    headers.chunks_exact(bytes).map(read).collect()
}

fn slice(bytes: &[u8], from: usize, length: usize) -> Result<&[u8]> {
    let end = from.checked_add(length);
    end.and_then(|end| bytes.get(from..end)).context("the file is cut off")
}

fn text(strings: &[u8], from: usize) -> Result<String> {
    let rest = strings.get(from..).context("the file is cut off")?;
    let end = rest.iter().position(|byte| *byte == 0).context("a name has no end")?;
    Ok(String::from_utf8_lossy(&rest[..end]).into_owned())
}

/// A number of so many bytes.
fn number(bytes: &[u8], from: usize, length: usize) -> Result<usize> {
    let digits = slice(bytes, from, length)?.iter().rev();
    Ok(digits.fold(0, |number, digit| number << 8 | usize::from(*digit)))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;
    use std::process::Command;

    use super::*;

    /// A library of this source, as the system's compiler makes it.
    fn compiled(source: &str, folder: &Path) -> Vec<u8> {
        let (from, to) = (folder.join("of.c"), folder.join("libof.so"));
        fs::write(&from, source).unwrap();
        let mut cc = Command::new("cc");
        cc.args(["-shared", "-fPIC", "-Wl,-soname,libnamed.so.1", "-o"]).arg(&to).arg(&from);
        assert!(cc.status().unwrap().success());
        fs::read(to).unwrap()
    }

    #[test]
    fn object_tells_calls_from_data_and_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let file = compiled(
            "extern int PyHeld; int Py_Call(void); int own(void) { return Py_Call() + PyHeld; }\n\
             __attribute__((weak)) int Py_Weak(void); int other(void) { return Py_Weak ? 1 : 0; }",
            folder.path(),
        );
        let object = Object::read(&file).unwrap();
        let mut python: Vec<_> = object.undefined.iter().filter(|symbol| symbol.name.starts_with("Py")).collect();
        python.sort_by(|one, other| one.name.cmp(&other.name));
        let named = |name: &str, called| Undefined { name: name.to_owned(), called };
        assert_eq!(python, [&named("PyHeld", false), &named("Py_Call", true)]);
        assert_eq!(object.name.as_deref(), Some("libnamed.so.1"));
        assert!(object.defined.contains("own"));
        assert!(object.compiler().is_some(), "{:?}", object.comments);
    }

    #[test]
    fn object_refuses_what_is_cut_off_and_other_files() {
        let folder = tempfile::tempdir().unwrap();
        let file = compiled("int own(void) { return 1; }", folder.path());
        let error = |bytes: &[u8]| Object::read(bytes).unwrap_err().to_string();
        assert_eq!(error(&file[..file.len() / 2]), "the file is cut off");
        assert_eq!(error(b"#!/bin/sh"), "it is no 64-bit little-endian ELF file");
    }

    #[test]
    fn compiler_is_clang_where_gcc_left_its_name_too() {
        let comments = |told: &[&str]| Object {
            comments: told.iter().map(|comment| (*comment).to_owned()).collect(),
            ..Object::default()
        };
        let both = comments(&["GCC: (GNU) 8.5.0", "clang version 21.1.8 ( 21.1.8-1.el8)", "Linker: LLD 21.1.8"]);
        assert_eq!(both.compiler().as_deref(), Some("clang version 21.1.8"));
        assert_eq!(comments(&["GCC: (GNU) 14.2.1"]).compiler().as_deref(), Some("GCC: (GNU) 14.2.1"));
        assert_eq!(comments(&[]).compiler(), None);
    }
}
