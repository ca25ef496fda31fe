//! As much of `protoc` as a build script asks for, in Rust: the crate of Spark Connect's protocol calls it when it is compiled, so
//! that nothing has to be installed. No engine; `cargo xtask build spark` builds it first and names it in `PROTOC`.
//!
//! `querydyno-protoc -o out.bin -I proto proto/spark/connect/base.proto`

use std::path::PathBuf;

use anyhow::{Context, Result, bail};

/// Compiles protocol files into a set of descriptors, as the arguments say: `-o`, `-I`, `--include_imports`,
/// `--include_source_info`, files.
///
/// # Errors
/// When a file does not compile, or an argument is not known.
pub fn run(mut arguments: impl Iterator<Item = String>) -> Result<()> {
    let (mut output, mut folders, mut files) = (None, Vec::new(), Vec::new());
    let (mut imports, mut source) = (false, false);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--include_imports" => imports = true,
            "--include_source_info" => source = true,
            "-o" => output = arguments.next().map(PathBuf::from),
            "-I" => folders.push(arguments.next().context("-I names no folder")?),
            other if other.starts_with('-') => bail!("there is no option {other}"),
            _ => files.push(argument),
        }
    }
    let output = output.context("-o names no file")?;
    let mut compiler = protox::Compiler::new(folders)?;
    compiler.include_imports(imports).include_source_info(source).open_files(files)?;
    std::fs::write(&output, compiler.encode_file_descriptor_set())
        .with_context(|| format!("cannot write {}", output.display()))
}
