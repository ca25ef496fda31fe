//! Building one engine's program, alone: cargo unifies features over all that one command builds, and two engines in
//! one command would compile DuckDB's C++ once more.
//!
//! `cargo xtask build duckdb` builds ahead of a run; a bench builds what it needs by itself.

use std::env;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{ChildStderr, Command, Stdio};

use anyhow::{Context, Result, ensure};

use super::compiler::{COST_OF_GCC, Compilers, INSTALL_CLANG};
use super::library::{FOLDER, Library, NotToBeHad, Origin};
use super::{Catalog, Entry, Recipe, command, cpu};
use crate::host::checkout::Checkout;
use crate::host::session::Program;
use crate::host::settings::{DuckDbFrom, Settings};
use crate::measure::machine;
use crate::protocol::engine::Build;

/// The feature of programs that watch their heap.
const HEAP: &str = "heap";
/// The feature of the program that owns the history.
const HISTORY: &str = "history";
/// The feature of the program that serves it.
const SERVER: &str = "server";
/// The feature of the program that compiles protocol files.
const PROTOC: &str = "protoc";
/// Where a build script looks for a program that compiles protocol files; the user's own choice comes first.
const PROTOC_VARIABLE: &str = "PROTOC";
/// Ends the feature of an engine that can be linked, for when it is compiled instead.
const SOURCE: &str = "-source";

impl Recipe {
    /// That of the program which makes and plans Iceberg tables: no engine, and built like one.
    pub fn iceberg() -> Self {
        Self {
            feature: "iceberg".to_owned(),
            cpu_minutes: 9,
            cxx: false,
            target_cpu: None,
            source: None,
            watches_heap: false,
            library: None,
            protoc: false,
            told: None,
            extra: Vec::new(),
            checkout: Checkout::here(),
        }
    }

    /// That of the program which puts tables on S3, and stands between engines and a store: no engine, and built like one.
    pub fn s3() -> Self {
        Self { feature: "s3".to_owned(), cpu_minutes: 5, ..Self::iceberg() }
    }

    /// That of the program which compiles protocol files for crates that are built.
    fn protoc(&self) -> Self {
        Self { feature: PROTOC.to_owned(), checkout: self.checkout.clone(), ..Self::iceberg() }
    }

    /// That of the program which owns the history: no engine, built like the one that is linked with its makers' library, which
    /// is DuckDB, and linked with the same.
    ///
    /// # Errors
    /// When the table of engines cannot be read, or no engine is linked with a library.
    pub fn history(settings: &Settings) -> Result<Self> {
        let catalog = Catalog::read(settings)?;
        let linked = catalog.entries().iter().filter_map(Entry::recipe).find(|recipe| recipe.library.is_some());
        let linked = linked.context("no engine of fixtures/engines.toml is linked with a library")?;
        Ok(Self { feature: HISTORY.to_owned(), cpu_minutes: 9, watches_heap: false, ..linked.clone() })
    }

    /// That of the program which serves the history: pages and an API. It is built like the one that owns the history.
    ///
    /// # Errors
    /// As [`history`](Self::history).
    pub fn server(settings: &Settings) -> Result<Self> {
        Ok(Self { feature: SERVER.to_owned(), cpu_minutes: 12, ..Self::history(settings)? })
    }

    /// Its program, built if cargo finds it missing or stale; silent when it is fresh.
    ///
    /// # Errors
    /// When it does not compile.
    pub fn build(&self) -> Result<Program> {
        let program = self.program();
        let missing = !program.path.is_file();
        let (recipe, library) = self.resolved()?;
        if missing {
            warn_of_compiler(&recipe);
        }
        // Only `rustc` takes arguments for the program alone; what it depends on is compiled as by `build`.
        let verb = if library.is_some() { "rustc" } else { "build" };
        if self.needs_protoc() {
            self.protoc().build()?;
        }
        let mut cargo = recipe.cargo_with(verb, library.as_ref());
        if let Some(library) = &library {
            cargo.arg("--").args(library.arguments());
        }
        // A first build is long: cargo shows its own progress bar. A later one says only what it compiles, if anything.
        cargo.stderr(if missing { Stdio::inherit() } else { Stdio::piped() });
        let status = command::run(&mut cargo, |child| tell_of_rebuild(&recipe, child.stderr.take()))?;
        ensure!(
            status.success(),
            "{} does not build; see cargo's messages above, or try: cargo xtask build {}",
            recipe.bin(),
            recipe.feature
        );
        if let (Some(library), Some(folder)) = (&library, program.path.parent()) {
            library.put_beside(folder)?;
        }
        Ok(program)
    }

    /// Where cargo puts the program.
    pub fn program(&self) -> Program {
        Program { path: self.checkout.target.join("release").join(self.bin()), ..Program::default() }
    }

    /// How long a build from nothing takes on this machine, in minutes.
    pub fn minutes(&self) -> u32 {
        let compiled = self.library.as_ref().filter(|_| self.compiles());
        let cpu_minutes = compiled.map_or(self.cpu_minutes, |library| library.source_cpu_minutes);
        cpu_minutes.div_ceil(u32::try_from(machine::cores()).unwrap_or(1))
    }

    /// Of an engine with a library: which one is linked, or that it is compiled instead.
    fn origin(&self) -> Option<Origin<'_>> {
        self.library.as_ref().map(|pinned| pinned.origin(self.told))
    }

    /// Where the engine comes from, in a few words for people; `None` where there is no choice.
    pub fn comes_from(&self) -> Option<String> {
        Some(match self.origin()? {
            Origin::Folder(folder) => format!("linked with the library in {}, which {FOLDER} names", folder.display()),
            Origin::Wheel(wheel) => {
                format!("linked with its makers' library: {} (sha256 {})", wheel.file, wheel.sha256)
            }
            Origin::Source => "compiled from its source".to_owned(),
        })
    }

    fn needs_protoc(&self) -> bool {
        self.protoc && env::var_os(PROTOC_VARIABLE).is_none()
    }

    /// Whether C++ is compiled, so that the compiler matters.
    fn compiles(&self) -> bool {
        self.origin().map_or(self.cxx, |origin| origin == Origin::Source)
    }

    /// A cargo command on this program and nothing else, in the recipe's environment: `clippy`. Links nothing.
    ///
    /// # Errors
    /// When a folder that the user names has no library.
    pub fn cargo(&self, verb: &str) -> Result<Command> {
        let library = match (&self.library, self.origin()) {
            (_, Some(Origin::Folder(folder))) => Some(Library::in_folder(&folder, &libraries())?),
            (Some(pinned), Some(Origin::Wheel(wheel))) => pinned.found(wheel, &libraries()),
            _ => None,
        };
        Ok(self.cargo_with(verb, library.as_ref()))
    }

    fn cargo_with(&self, verb: &str, library: Option<&Library>) -> Command {
        let compilers = Compilers::find();
        let feature = self.feature.clone() + if self.origin() == Some(Origin::Source) { SOURCE } else { "" };
        let features = [&[feature.as_str()][..], &self.extra].concat().join(",");
        // With the host's crates in it, whose C parts the host's own build leaves to whatever `cc` is: by another compiler the two
        // would compile them, and the host, again in turn. DuckDB is C++.
        let is_shared = |name: &str| [HISTORY, SERVER].contains(&self.feature.as_str()) && name == "CC";
        let compiler = compilers.env.iter().filter(|(name, _)| !is_shared(name));
        let mut cargo = cargo_in(&self.checkout);
        cargo
            .args([verb, "--release", "--no-default-features"])
            .args(["--features", &features, "--bin", &self.bin()])
            // A revision is built as it is locked, and not changed by it.
            .args((self.checkout != Checkout::here()).then_some("--locked"))
            .env("QUERYDYNO_RECIPE", self.made_of(&compilers, library))
            .env("QUERYDYNO_CHECKOUT", &self.checkout.root)
            .envs(compiler.map(|(name, value)| (name, value)));
        if self.needs_protoc() {
            cargo.env(PROTOC_VARIABLE, self.protoc().program().path);
        }
        if let Some(target_cpu) = self.target_cpu() {
            let flags = env::var("RUSTFLAGS").unwrap_or_default();
            cargo.env("RUSTFLAGS", format!("{flags} -C target-cpu={target_cpu}").trim_start());
        }
        if let Some(library) = library {
            library.link(&mut cargo);
        }
        cargo
    }

    /// The engine's library, fetched if need be; and the recipe that holds in its stead where it is not to be had.
    fn resolved(&self) -> Result<(Self, Option<Library>)> {
        let Some(pinned) = &self.library else { return Ok((self.clone(), None)) };
        let wheel = match pinned.origin(self.told) {
            Origin::Folder(folder) => return Ok((self.clone(), Some(Library::in_folder(&folder, &libraries())?))),
            Origin::Source => return Ok((self.clone(), None)),
            Origin::Wheel(wheel) => wheel,
        };
        match pinned.fetched(wheel, &libraries()) {
            Ok(library) => Ok((self.clone(), Some(library))),
            Err(error) if self.told.is_none() && error.is::<NotToBeHad>() => {
                let source = Self { told: Some(DuckDbFrom::Source), ..self.clone() };
                log::info!(
                    "the library of {} cannot be fetched ({error:#}): compiling it instead, about {} min unless that was done before; QUERYDYNO_DUCKDB=wheel would stop here, {FOLDER} names a library that you have",
                    self.feature,
                    source.minutes()
                );
                Ok((source, None))
            }
            Err(error) => Err(error.context(format!("cannot fetch the library of {}", self.feature))),
        }
    }

    /// The instruction set of the recipe, where this machine has it.
    fn target_cpu(&self) -> Option<&str> {
        self.target_cpu.as_deref().filter(|name| cpu::runs(name))
    }

    /// The recipe of the program that watches its heap: the same dependencies, another allocator, another bin.
    pub fn heap(&self) -> Option<Self> {
        self.watches_heap.then(|| Self { extra: vec![HEAP], ..self.clone() })
    }

    fn bin(&self) -> String {
        [&["querydyno", &self.feature][..], &self.extra].concat().join("-")
    }

    /// What the program is told of its own making, and repeats in each record.
    fn made_of(&self, compilers: &Compilers, library: Option<&Library>) -> String {
        let rustc = command::version_of("rustc");
        let cxx = compilers.described.clone().filter(|_| self.compiles());
        let facts = library.map(|library| &library.facts);
        let of_library = facts.and_then(|facts| Some(format!("of the library: {}", facts.compiler.as_ref()?)));
        let target_cpu = self.target_cpu().map(|name| format!("target-cpu={name}"));
        let flags = ["opt-level=3".to_owned()].into_iter().chain(env::var("RUSTFLAGS").ok()).chain(target_cpu);
        let named = |name: &String| Some(format!("crate {name} {}", locked_in(&self.checkout, name)?));
        let source = self.source.as_ref().and_then(named);
        let build = Build {
            compiler: Some(rustc.into_iter().chain(cxx).chain(of_library).collect::<Vec<_>>().join("; ")),
            flags: Some(flags.collect::<Vec<_>>().join(" ")),
            // Of a program that is linked with a library the bin knows only its own part.
            allocator: facts.map(|facts| facts.allocator.clone()),
            source: source
                .map(|name| name + &facts.map(|facts| format!(", library {}", facts.source)).unwrap_or_default()),
        };
        serde_json::to_string(&build).unwrap_or_default()
    }
}

/// Where cargo puts the program that owns the history, below this target folder.
pub(crate) fn history_in(target: &Path) -> PathBuf {
    target.join("release").join(format!("querydyno-{HISTORY}"))
}

/// Passes on what cargo says, and says first why it compiles what was compiled before.
fn tell_of_rebuild(recipe: &Recipe, stderr: Option<ChildStderr>) -> Result<()> {
    let mut stale = false;
    for line in stderr.into_iter().flat_map(|stderr| BufReader::new(stderr).lines()) {
        let line = line?;
        if !stale && line.trim_start().starts_with("Compiling") {
            stale = true;
            log::info!("{} is older than its source: building it again, mostly in 1 or 2 minutes", recipe.bin());
        }
        if !line.trim_start().starts_with("Finished") {
            log::info!("{line}");
        }
    }
    Ok(())
}

/// Where makers' libraries are kept: one place for all source trees, since their checksums tell them apart.
fn libraries() -> PathBuf {
    Checkout::here().own("lib")
}

fn warn_of_compiler(recipe: &Recipe) {
    let compilers = Compilers::find();
    if recipe.compiles() && !compilers.recommended {
        log::info!(
            "note: {} is compiled with {}; to make it about {COST_OF_GCC:.1} times faster, {INSTALL_CLANG}",
            recipe.feature,
            compilers.described.as_deref().unwrap_or("c++")
        );
    }
    if let (Some(wanted), None) = (&recipe.target_cpu, recipe.target_cpu()) {
        log::info!(
            "note: {} is compiled for any processor, since this one is not {wanted}; its makers' own build is for {wanted}",
            recipe.feature
        );
    }
}

/// A cargo command on this package, as if nobody had called us from a cargo.
pub fn cargo() -> Command {
    cargo_in(&Checkout::here())
}

fn cargo_in(checkout: &Checkout) -> Command {
    /// What users set, behind `CARGO`. All else the cargo or bench around us set for itself: the cargo below would compile
    /// things anew.
    const KEPT: [&str; 8] = ["_HOME", "_NET", "_HTTP", "_REGIST", "_TERM", "_BUILD", "_INCREMENTAL", "_ALIAS"];
    let ours = *checkout == Checkout::here();
    // Another tree may ask for another toolchain, which the one that runs us would not look for.
    let own = env::var_os("CARGO").filter(|_| ours);
    let mut cargo = Command::new(own.unwrap_or_else(|| "cargo".into()));
    for (name, _) in env::vars_os() {
        let rest = name.to_str().and_then(|name| name.strip_prefix("CARGO"));
        if rest.is_some_and(|rest| !KEPT.iter().any(|kept| rest.starts_with(kept))) {
            cargo.env_remove(name);
        }
    }
    cargo.env_remove("LD_LIBRARY_PATH");
    if !ours {
        cargo.env_remove("RUSTUP_TOOLCHAIN");
    }
    cargo.current_dir(&checkout.root).env("CARGO_TARGET_DIR", &checkout.target);
    cargo
}

/// The version of a crate in the tree's `Cargo.lock`.
pub(crate) fn locked_in(checkout: &Checkout, name: &str) -> Option<String> {
    let lock: toml::Table = fs::read_to_string(checkout.root.join("Cargo.lock")).ok()?.parse().ok()?;
    let of_that_name = |package: &&toml::Value| package.get("name").and_then(toml::Value::as_str) == Some(name);
    // The newest, where several are locked: the engine's own is the one we depend on.
    let newest = lock.get("package")?.as_array()?.iter().rfind(of_that_name)?;
    newest.get("version")?.as_str().map(str::to_owned)
}
