//! The steps of a run in their order: [`begin`] from the command line, [`go_on`] from a plan in the store, whoever wrote it.

use std::env;
use std::fs::{self, File, TryLockError};
use std::io::{self, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use querydyno::host::files::write_whole;
use querydyno::host::terminal::output;
use querydyno::host::{interrupt, paths};

use super::aws::Aws;
use super::collect::{Collected, collect};
use super::ec2::Ec2;
use super::follow::{Ending, follow};
use super::grid::{Grid, told};
use super::local::{self, Local};
use super::machines::{Machine, Machines};
use super::names::{PLAN, run_key};
use super::options::{Place, Run};
use super::plan::{Backend, Plan, REPORT_TAKES};
use super::stage::reached;
use super::store::Store;
use super::{bundle, check, prepare, show};

/// What a run needs that nobody has begun.
///
/// # Errors
/// What cannot be meant, is missing, or went wrong; says how to go on.
pub(super) fn begin(run: &Run) -> Result<()> {
    let (mut plan, estimate) = run.plan()?;
    if run.dry_run {
        output::print(&show::plan(&plan, &estimate, run.max_cost()))?;
        return output::print(&show::dry_run(&plan)?);
    }
    let _alone = alone(&plan.run_id)?;
    ensure!(
        !folder(&plan.run_id)?.join(PLAN).exists(),
        "there is a run {0} already: cargo xtask cloud attach {0}, or another --run-id",
        plan.run_id
    );
    let aws = Aws { region: plan.region.clone() };
    if plan.backend == Backend::Ec2 {
        check::check(&mut plan, &aws)?;
        run.check_cost(&plan)?;
    } else {
        local::prepare(&plan.run_id)?;
    }
    eprint!("{}", show::plan(&plan, &estimate, run.max_cost()));
    if plan.backend == Backend::Ec2 {
        ensure!(run.yes || agrees("Start it?")?, "nothing was made");
    }
    plan.parts = bundle::pack(&plan.machines)?;
    if plan.backend == Backend::Ec2 {
        prepare::bucket(&plan, &aws)?;
    }
    let scratch = scratch(&plan.run_id)?;
    let text = serde_json::to_string_pretty(&plan)?;
    // Here too, so that whoever attaches on this machine need not say where the store is.
    write_whole(&scratch.join(PLAN), text.as_bytes())?;
    Store::of(&plan).put_text(&text, &format!("{}/{PLAN}", run_key(&plan.run_id)), &scratch)?;
    reached("stored");
    go_on(&plan)
}

/// The plan of a run that somebody began, from here or from the store.
///
/// # Errors
/// When there is none.
pub(super) fn attach(run_id: &str, place: &Place) -> Result<()> {
    let folder = folder(run_id)?;
    let file = folder.join(PLAN);
    if !file.is_file() {
        let unknown = || format!("no run {run_id} was begun on this machine: name its --bucket and --region");
        let region = place.region().with_context(unknown)?;
        let bucket = place.bucket(&region);
        ensure!(!bucket.contains('$'), unknown());
        let store = Store::S3 { aws: Aws { region }, bucket, prefix: place.prefix()? };
        let mirrored = store.mirror(&run_key(run_id), &folder);
        // Where there was nothing, nothing stays.
        let _ = fs::remove_dir(&folder);
        mirrored?;
    }
    let _alone = file.is_file().then(|| alone(run_id)).transpose()?;
    let text = fs::read_to_string(&file)
        .with_context(|| format!("the store has no run {run_id}: cargo xtask cloud list tells those with machines"))?;
    go_on(&serde_json::from_str(&text).with_context(|| format!("the plan of {run_id} is of another version"))?)
}

/// From wherever the run is to its end.
fn go_on(plan: &Plan) -> Result<()> {
    let scratch = scratch(&plan.run_id)?;
    let (endings, collected) = finish(plan, &scratch).inspect_err(|_| {
        eprintln!(
            "what is up goes on without this command: cargo xtask cloud attach {0} follows it and starts the rest, cargo xtask cloud terminate --run-id {0} ends it",
            plan.run_id
        );
    })?;
    tell(plan, &endings, &collected, &scratch)
}

/// Until all has ended and is here.
fn finish(plan: &Plan, scratch: &Path) -> Result<(Vec<Ending>, Vec<Collected>)> {
    let store = Store::of(plan);
    bundle::upload(plan, &store)?;
    reached("uploaded");
    let machines: Box<dyn Machines> = match plan.backend {
        Backend::Ec2 => {
            let aws = Aws { region: plan.region.clone() };
            prepare::role(plan, &aws)?;
            reached("role");
            let group = prepare::group(plan, &aws)?;
            reached("group");
            Box::new(Ec2 { aws, group, scratch: scratch.to_owned() })
        }
        Backend::Local => Box::new(Local { folder: local::folder(&plan.run_id) }),
    };
    let endings = follow(plan, &store, machines.as_ref(), scratch)?;
    reached("followed");
    let collected = collect(plan, &endings, scratch)?;
    reached("collected");
    if !plan.keep {
        let all = machines.all(plan)?;
        machines.end(&all.iter().filter(|machine| machine.is_up()).collect::<Vec<&Machine>>())?;
    }
    Ok((endings, collected))
}

/// The report of these machines alone, with what it cost.
fn tell(plan: &Plan, endings: &[Ending], collected: &[Collected], scratch: &Path) -> Result<()> {
    for ending in endings.iter().filter(|ending| ending.failure.is_some()) {
        let log = scratch.join(&ending.name).join("log.txt");
        let why = ending.failure.as_deref().unwrap_or_default();
        let log = if log.is_file() { format!("; its log is {}", log.display()) } else { String::new() };
        eprintln!("{} failed: {why}{log}", ending.engine);
    }
    ensure!(!collected.is_empty(), "no machine has measured anything");
    let records: Vec<_> = collected.iter().flat_map(|one| &one.records).collect();
    let page = scratch.join("report.html");
    let mut html = if plan.runs < REPORT_TAKES {
        let times = Grid::of_times(&records, plan.runs);
        output::print(&times.text())?;
        few_runs(plan, &times)
    } else {
        let files: Vec<&PathBuf> = collected.iter().map(|one| &one.file).collect();
        output::bytes(&report("terminal", &files)?)?;
        String::from_utf8(report("html", &files)?).context("the report is no text")?
    };
    if let Some(price) = plan.price_per_hour {
        let costs = Grid::of_costs(&records, &plan.instance_type, price);
        let hours: f64 = endings.iter().map(|ending| ending.facts.seconds / 3600.0).sum();
        output::line(format_args!("\n{}", costs.text()))?;
        output::line(format_args!("the run itself: {} $ for {hours:.2} machine-hours", told(hours * price)))?;
        html = html.replacen("</main>", &format!("{}</main>", costs.html()), 1);
    }
    write_whole(&page, html.as_bytes())?;
    eprintln!("the page: {}; records are in the journal: cargo xtask history list", page.display());
    let failed: Vec<&str> =
        endings.iter().filter(|ending| ending.failure.is_some()).map(|ending| ending.engine.as_str()).collect();
    ensure!(failed.is_empty(), "without {}: see above", failed.join(", "));
    Ok(())
}

fn report(format: &str, files: &[&PathBuf]) -> Result<Vec<u8>> {
    let mut command = Command::new(env::current_exe()?);
    let output = command.args(["report", "--format", format, "--records"]).args(files).output();
    let output = output.context("cannot start the report")?;
    ensure!(output.status.success(), "no report: {}", String::from_utf8_lossy(&output.stderr).trim());
    Ok(output.stdout)
}

/// A page in place of the report's.
fn few_runs(plan: &Plan, times: &Grid) -> String {
    format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>QueryDyno, run {0}</title><style>body {{ font-family: sans-serif }} td {{ text-align: right; padding: 0 1em }}</style><main><h1>Run {0}</h1>{1}</main></html>\n",
        plan.run_id,
        times.html()
    )
}

/// What is known here of a run: its plan, and what its machines wrote.
fn folder(run_id: &str) -> Result<PathBuf> {
    ensure!(super::names::is_run_id(run_id), "'{run_id}' is no run");
    Ok(paths::home().join("cloud").join(run_id))
}

/// The same, made where it is not there.
fn scratch(run_id: &str) -> Result<PathBuf> {
    let folder = folder(run_id)?;
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    Ok(folder)
}

/// Two commands that follow one run would start its machines twice. The system's lock goes with the process, however that ends.
fn alone(run_id: &str) -> Result<File> {
    let path = scratch(run_id)?.join(".lock");
    let open = File::options().create(true).truncate(false).write(true).open(&path);
    let file = open.with_context(|| format!("cannot open {}", path.display()))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            bail!("another command on this machine follows the run {run_id}: end it first")
        }
        Err(TryLockError::Error(error)) => Err(error).with_context(|| format!("cannot lock {}", path.display())),
    }
}

/// Asks on a terminal; without one nobody has agreed.
///
/// # Errors
/// Where nobody can be asked.
pub(super) fn agrees(question: &str) -> Result<bool> {
    if !io::stdin().is_terminal() {
        bail!("nobody to ask: give --yes");
    }
    eprint!("{question} [y/N] ");
    io::stderr().flush()?;
    let mut answer = String::new();
    io::stdin().read_line(&mut answer)?;
    interrupt::check()?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}
