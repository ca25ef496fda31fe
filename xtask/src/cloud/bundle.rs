//! Programs for the machines of a run: packed here, named by their checksum, and put into the store once.
//!
//! They are built on this machine and not on an instance. It has the compilers; a compiler on an instance costs its price for half an
//! hour and makes another program each time; and what is measured is then what was tested here, byte for byte.

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use querydyno::host::catalog::{Catalog, Entry};
use querydyno::host::checksum::sha256_of_file;
use querydyno::host::paths;
use querydyno::host::services::Service;
use querydyno::host::settings::Settings;
use querydyno::protocol::units::Bytes;

use super::names::part_key;
use super::plan::{BASE, Job, Part, Plan};
use super::store::Store;

/// A jar that the user has built.
const JAR: &str = "THUNDERDUCK_JAR";
/// How long parts are kept here, for whoever attaches before they are in the store.
const KEPT: Duration = Duration::from_hours(48);

/// A file or folder that goes into a part, and where it lies on a machine.
struct Item {
    from: PathBuf,
    to: PathBuf,
}

/// Builds what these machines need and packs it; parts that would be empty are left out.
///
/// # Errors
/// When a program does not compile, or there is no room.
pub(super) fn pack(jobs: &[Job]) -> Result<Vec<Part>> {
    let catalog = Catalog::read(&Settings::read()?)?;
    let folder = paths::own("cloud").join("parts");
    fs::create_dir_all(&folder)?;
    forget_old(&folder);
    let mut parts = vec![pack_part(BASE, &base()?, &folder)?];
    let mut packed = BTreeSet::from([BASE.to_owned()]);
    for job in jobs {
        let entry = catalog.entry(&job.engine)?;
        for name in &job.parts {
            if !packed.insert(name.clone()) {
                continue;
            }
            let items = if name.starts_with("program-") { program(&entry)? } else { service(&entry) };
            if !items.is_empty() {
                parts.push(pack_part(name, &items, &folder)?);
            }
        }
    }
    Ok(parts)
}

/// Parts that no run of these days needs: the store has them, or nobody.
fn forget_old(folder: &Path) {
    for file in fs::read_dir(folder).into_iter().flatten().flatten() {
        let age = file.metadata().and_then(|about| about.modified()).ok().and_then(|time| time.elapsed().ok());
        if age.is_some_and(|age| age > KEPT) {
            let _ = fs::remove_file(file.path());
        }
    }
}

/// Puts parts into the store that are not there yet.
///
/// # Errors
/// When a part that was packed is gone, or the store cannot be written.
pub(super) fn upload(plan: &Plan, store: &Store) -> Result<()> {
    for part in &plan.parts {
        let key = part_key(&part.sha256);
        if store.has(&key)? {
            continue;
        }
        let file = file_of(&part.sha256);
        ensure!(
            file.is_file(),
            "{} of this run is neither in the store nor at {}: begin a new run",
            part.name,
            file.display()
        );
        eprintln!("uploading {}, {}", part.name, Bytes(part.bytes));
        store.put(&file, &key)?;
    }
    Ok(())
}

pub(super) fn file_of(sha256: &str) -> PathBuf {
    paths::own("cloud").join("parts").join(format!("{sha256}.tar.gz"))
}

/// This command, suites with their answers, scripts, and references that were made here.
fn base() -> Result<Vec<Item>> {
    let root = paths::root();
    let item = |from: PathBuf, to: &str| Item { from, to: to.into() };
    let mut items = vec![
        item(env::current_exe().context("cannot tell which program this is")?, "target/release/xtask"),
        item(root.join("fixtures"), "package/fixtures"),
        item(root.join("src/engine/python"), "package/src/engine/python"),
        item(root.join("Cargo.toml"), "package/Cargo.toml"),
        item(root.join("Cargo.lock"), "package/Cargo.lock"),
    ];
    let answers = paths::home().join("answers");
    items.extend(answers.is_dir().then(|| item(answers, "results/answers")));
    Ok(items)
}

/// An engine's program, with the library that it is linked with.
fn program(entry: &Entry) -> Result<Vec<Item>> {
    let Some(recipe) = entry.recipe() else { return Ok(Vec::new()) };
    let built = recipe.build()?.path;
    let name = built.file_name().context("a program without a name")?;
    let mut items = vec![Item { to: Path::new("target/release").join(name), from: built }];
    if let Some(library) = &recipe.library {
        let prefix = format!("{}-{}-", library.package, library.version);
        let folders = fs::read_dir(paths::own("lib")).into_iter().flatten().flatten();
        let ours = folders.filter(|folder| folder.file_name().to_string_lossy().starts_with(&prefix));
        items.extend(ours.map(|folder| Item {
            from: folder.path(),
            to: Path::new("target/querydyno/lib").join(folder.file_name()),
        }));
    }
    Ok(items)
}

/// What of a server is here already; the rest a machine fetches as `cargo xtask services up` does.
fn service(entry: &Entry) -> Vec<Item> {
    let Some(service) = entry.service() else { return Vec::new() };
    let takes_jar = service.parse::<Service>() == Ok(Service::Thunderduck);
    let mut items = Vec::new();
    if let Some(jar) = env::var_os(JAR).map(PathBuf::from).filter(|jar| takes_jar && jar.is_file()) {
        items.push(Item { from: jar, to: "extra/server.jar".into() });
    }
    // Spark's jars lie in a folder named after their release: 4.0 is `pyspark-4.0.1-jars`.
    let version = service.strip_prefix("spark-").filter(|version| version.starts_with(|c: char| c.is_ascii_digit()));
    let folders = fs::read_dir(paths::own("services")).into_iter().flatten().flatten();
    for folder in folders {
        let name = folder.file_name().to_string_lossy().into_owned();
        let is_jars = version.is_some_and(|version| name.starts_with(&format!("pyspark-{version}.")));
        if is_jars || (version.is_some() && name == "maven") {
            items.push(Item { from: folder.path(), to: Path::new("target/querydyno/services").join(&name) });
        }
    }
    items
}

/// One archive, the same for the same content: names sorted, times and owners left out.
fn pack_part(name: &str, items: &[Item], folder: &Path) -> Result<Part> {
    let staging = folder.join(format!("{name}-{}", std::process::id()));
    let _ = fs::remove_dir_all(&staging);
    for item in items {
        let place = staging.join(&item.to);
        fs::create_dir_all(place.parent().unwrap_or(&staging))?;
        std::os::unix::fs::symlink(
            fs::canonicalize(&item.from).with_context(|| format!("no {}", item.from.display()))?,
            &place,
        )?;
    }
    let packed = folder.join(format!("{name}-{}.tar.gz", std::process::id()));
    let output = Command::new("tar")
        .args(["--create", "--use-compress-program=gzip -n1", "--dereference", "--hard-dereference", "--sort=name"])
        .args(["--mtime=@0", "--owner=0", "--group=0", "--numeric-owner", "--exclude=__pycache__", "--file"])
        .arg(&packed)
        .arg("--directory")
        .arg(&staging)
        .arg(".")
        .stdin(Stdio::null())
        .output()
        .context("cannot start tar")?;
    let _ = fs::remove_dir_all(&staging);
    ensure!(output.status.success(), "cannot pack {name}: {}", String::from_utf8_lossy(&output.stderr).trim());
    let sha256 = sha256_of_file(&packed)?;
    let bytes = fs::metadata(&packed)?.len();
    fs::rename(&packed, file_of(&sha256))?;
    Ok(Part { name: name.to_owned(), sha256, bytes })
}
