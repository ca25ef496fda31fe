//! Script engines: `src/engine/python/<name>/engine.py`, or a user's own file, each with a Python environment that holds
//! exactly one version of the engine. Environments lie in the target folder and are made on first use, by uv where it
//! is there, else by venv and pip; both take their own configuration (an index, a proxy) from where they always do.
//!
//! `cargo xtask build polars-wheel@2.0.0` makes one ahead of a run.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::{command, installer};
use crate::host::checkout::Checkout;
use crate::host::lock::Lock;
use crate::host::session::Program;

/// What the protocol module needs, and the newest engines ask for.
const OLDEST_PYTHON: (u32, u32) = (3, 11);
/// Where what `python -m venv` needs comes from.
pub(crate) const INSTALL_VENV: &str = "Debian and Ubuntu have what is missing in the package python3-venv";

/// A Python file and the packages it runs with.
#[derive(Debug, Clone)]
pub struct Script {
    /// The engine's name, which also names its environment.
    pub name: String,
    /// The file that speaks the protocol.
    pub file: PathBuf,
    /// The package that is the engine, and its version; none when it is one of the requirements.
    pub package: Option<(String, String)>,
    /// Further packages, each with its version: `pyarrow==26.0.1`.
    pub requirements: Vec<String>,
    /// What the package is called in `import`, where that is not its name with `_` for `-`.
    pub module: Option<String>,
    /// The interpreter that the environment is made with.
    pub python: String,
    /// Whose protocol module it takes, and whose target folder holds the environment.
    pub checkout: Checkout,
}

impl Script {
    /// The file of an engine of the table.
    pub(super) fn listed(name: &str, checkout: &Checkout) -> PathBuf {
        scripts(checkout).join(name).join("engine.py")
    }

    /// The program, whether or not its environment is there.
    pub(super) fn program(&self) -> Program {
        let env = [
            ("PYTHONPATH", scripts(&self.checkout).join("module").to_string_lossy().into_owned()),
            // The source folder stays as it is, and packages of the user's own stay outside.
            ("PYTHONDONTWRITEBYTECODE", "1".to_owned()),
            ("PYTHONNOUSERSITE", "1".to_owned()),
        ];
        Program {
            path: self.environment().join("bin/python"),
            args: vec![self.file.to_string_lossy().into_owned()],
            env: env.map(|(name, value)| (name.to_owned(), value)).into(),
            ..Program::default()
        }
    }

    /// Whether the environment is there with all that is listed.
    pub(super) fn ready(&self) -> bool {
        let made_of = fs::read_to_string(self.marker()).unwrap_or_default();
        made_of == self.made_of() && self.program().path.exists()
    }

    /// Makes the environment if it is missing or made of something else; silent when it is there.
    ///
    /// # Errors
    /// Without Python, or when a package cannot be installed.
    pub(super) fn make(&self) -> Result<Program> {
        let folder = self.environment();
        if self.ready() {
            return Ok(self.program());
        }
        let all = self.checkout.own("python");
        fs::create_dir_all(&all).with_context(|| format!("cannot make {}", all.display()))?;
        let _lock = Lock::wait(&all, "installs packages")?;
        if !self.ready() {
            let (python, advice) = (&self.python, python_advice());
            let version = command::version_of(python).with_context(|| format!("there is no {python}: {advice}"))?;
            ensure!(new_enough(&version), "{python} is {version}, which is too old: {advice}");
            if folder.exists() {
                // What an unfinished or other environment left there must not be found by this one.
                fs::remove_dir_all(&folder).with_context(|| format!("cannot remove {}", folder.display()))?;
            }
            if let Err(error) = self.install(&folder) {
                // Nothing half made is left; the installer's error is worth more than one of removing.
                let _ = fs::remove_dir_all(&folder);
                return Err(error);
            }
            fs::write(self.marker(), self.made_of())?;
        }
        Ok(self.program())
    }

    fn install(&self, folder: &Path) -> Result<()> {
        let requirements = self.requirements();
        let packages: Vec<&str> = requirements.lines().collect();
        let all = packages.join(" ");
        let shown = if all.is_empty() { "no packages" } else { &all };
        log::info!("making the Python environment {}, once: {shown}", folder.display());
        let python = folder.join("bin/python");
        let (mut venv, mut install);
        if command::version_of("uv").is_some() {
            (venv, install) = (Command::new("uv"), Command::new("uv"));
            venv.args(["venv", "--quiet", "--allow-existing", "--python", &self.python]);
            install.args(["pip", "install", "--python"]).arg(&python);
        } else {
            (venv, install) = (Command::new(&self.python), Command::new(&python));
            venv.args(["-m", "venv"]).args(packages.is_empty().then_some("--without-pip"));
            install.args(["-I", "-m", "pip", "install", "--disable-pip-version-check", "--no-input"]);
        }
        venv.arg(folder);
        let made = command::succeeds(installer::clean(&mut venv))?;
        ensure!(made, "{} makes no virtual environment; {INSTALL_VENV}", self.python);
        if packages.is_empty() {
            return Ok(());
        }
        ensure!(
            command::succeeds(installer::clean(install.args(&packages)))?,
            "cannot install {all}; the installer's messages above say why. It needs a package index, and the version must exist for {}",
            command::version_of(&self.python).unwrap_or_default()
        );
        // An installer that was sent elsewhere, by a pip.conf for one, ends well too.
        installer::check(&python, self.module().as_deref(), &packages).with_context(|| {
            format!(
                "the installer ended well, but the environment {} does not hold {all}, so it was removed; see where a pip.conf or uv.toml of yours sends packages",
                folder.display()
            )
        })
    }

    /// What has to be importable; of a user's script only its packages are known.
    fn module(&self) -> Option<String> {
        self.module.clone().or_else(|| self.package.as_ref().map(|(name, _)| name.replace('-', "_")))
    }

    fn requirements(&self) -> String {
        let engine = self.package.iter().map(|(name, version)| format!("{name}=={version}"));
        engine.chain(self.requirements.iter().cloned()).map(|requirement| requirement + "\n").collect()
    }

    /// What the marker of a whole environment says.
    fn made_of(&self) -> String {
        format!("{}# for {}\n", self.requirements(), self.python)
    }

    fn environment(&self) -> PathBuf {
        let version = self.package.as_ref().map(|(_, version)| format!("@{version}"));
        self.checkout.own("python").join(format!("{}{}", self.name, version.unwrap_or_default()))
    }

    /// Written last: what an environment without it holds is not known.
    fn marker(&self) -> PathBuf {
        self.environment().join("querydyno-requirements.txt")
    }
}

/// Whether script engines run with it, by what it says of its version: `Python 3.11.7`.
pub(crate) fn new_enough(version: &str) -> bool {
    let mut numbers = version.trim_start_matches("Python ").split('.').map_while(|part| part.parse::<u32>().ok());
    (numbers.next().unwrap_or_default(), numbers.next().unwrap_or_default()) >= OLDEST_PYTHON
}

/// What to do without a Python that is new enough.
pub(crate) fn python_advice() -> String {
    let (major, minor) = OLDEST_PYTHON;
    format!(
        "install Python {major}.{minor} or newer (Debian, Ubuntu: apt-get install python3-venv), or name one with QUERYDYNO_PYTHON"
    )
}

fn scripts(checkout: &Checkout) -> PathBuf {
    checkout.root.join("src/engine/python")
}
