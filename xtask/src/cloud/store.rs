//! Where a run keeps everything: [`Store`], a place on S3 or a folder. Both have the same keys.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use querydyno::host::files::write_whole;

use super::aws::{self, Aws};
use super::call::Call;
use super::plan::{Backend, Plan};

/// Objects by keys.
#[derive(Debug, Clone)]
pub(super) enum Store {
    S3 { aws: Aws, bucket: String, prefix: String },
    Folder(PathBuf),
}

impl Store {
    pub(super) fn of(plan: &Plan) -> Self {
        match plan.backend {
            Backend::Ec2 => Self::S3 {
                aws: Aws { region: plan.region.clone() },
                bucket: plan.bucket.clone(),
                prefix: plan.prefix.clone(),
            },
            Backend::Local => Self::Folder(plan.prefix.clone().into()),
        }
    }

    /// Copies a file there.
    ///
    /// # Errors
    /// When it cannot be read or written.
    pub(super) fn put(&self, file: &Path, key: &str) -> Result<()> {
        match self {
            Self::S3 { aws, bucket, prefix } => aws.call(&put(file, bucket, prefix, key)).map(drop),
            Self::Folder(folder) => {
                let place = folder.join(key);
                if let Some(parent) = place.parent() {
                    fs::create_dir_all(parent)?;
                }
                let part = place.with_added_extension("part");
                fs::copy(file, &part)
                    .and_then(|_| fs::rename(&part, &place))
                    .with_context(|| format!("cannot write {}", place.display()))
            }
        }
    }

    /// Writes a text there.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) fn put_text(&self, text: &str, key: &str, scratch: &Path) -> Result<()> {
        let file = scratch.join(key.rsplit('/').next().unwrap_or(key));
        write_whole(&file, text.as_bytes())?;
        self.put(&file, key)
    }

    /// Whether it is there.
    ///
    /// # Errors
    /// When nobody can tell.
    pub(super) fn has(&self, key: &str) -> Result<bool> {
        match self {
            Self::S3 { aws, bucket, prefix } => {
                let call = Call::new("s3api", "head-object", "whether it is there")
                    .arg("--bucket", bucket)
                    .arg("--key", format!("{prefix}/{key}"));
                match aws.call(&call) {
                    Ok(_) => Ok(true),
                    Err(error) if matches!(aws::code(&error), Some("404" | "NoSuchKey")) => Ok(false),
                    Err(error) => Err(error),
                }
            }
            Self::Folder(folder) => Ok(folder.join(key).exists()),
        }
    }

    /// Brings everything below a key here, into a folder that may have some of it.
    ///
    /// # Errors
    /// When it cannot be read or written.
    pub(super) fn mirror(&self, key: &str, to: &Path) -> Result<()> {
        fs::create_dir_all(to)?;
        match self {
            Self::S3 { aws, bucket, prefix } => aws.call(&mirror(bucket, prefix, key, to)).map(drop),
            Self::Folder(folder) => copy(&folder.join(key), to),
        }
    }
}

pub(super) fn put(file: &Path, bucket: &str, prefix: &str, key: &str) -> Call {
    Call::new("s3", "cp", "into the store")
        .flag("--only-show-errors")
        .flag(&file.display().to_string())
        .flag(&format!("s3://{bucket}/{prefix}/{key}"))
}

/// By size alone would miss a state that is rewritten; the time on S3 is that of writing.
pub(super) fn mirror(bucket: &str, prefix: &str, key: &str, to: &Path) -> Call {
    Call::new("s3", "sync", "what machines have written")
        .flag("--only-show-errors")
        .flag("--exact-timestamps")
        .flag(&format!("s3://{bucket}/{prefix}/{key}"))
        .flag(&to.display().to_string())
}

/// Files and folders, in place of what is there. A `.part` is being written and gets another name at any moment: it is no part of the store.
fn copy(from: &Path, to: &Path) -> Result<()> {
    for entry in fs::read_dir(from).into_iter().flatten().flatten() {
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if from.is_dir() {
            fs::create_dir_all(&to)?;
            copy(&from, &to)?;
        } else if from.extension().is_none_or(|extension| extension != "part") {
            fs::copy(&from, &to).with_context(|| format!("cannot copy {}", from.display()))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::super::script::SCRIPT;
    use super::*;

    #[test]
    fn a_file_that_a_machine_is_writing_is_not_brought_here() {
        let here = std::env::temp_dir().join(format!("querydyno-store-{}", std::process::id()));
        fs::create_dir_all(&here).unwrap();
        let (file, folder, to) = (here.join("file"), here.join("store"), here.join("to"));
        fs::write(&file, "whole").unwrap();
        let functions = SCRIPT.split("\n\n").find(|part| part.starts_with("# The store:")).unwrap();
        let put = |before: &str| {
            let text = format!("{functions}\n{before}\nput \"$FILE\" runs/r/m/DONE");
            let mut bash = Command::new("bash");
            assert!(bash.args(["-c", &text]).env("FILE", &file).env("QD_STORE", &folder).status().unwrap().success());
        };
        let brought = || {
            Store::Folder(folder.clone()).mirror("runs/r", &to).unwrap();
            fs::read_to_string(to.join("m/DONE")).ok()
        };
        put("mv() { :; }");
        assert_eq!(brought(), None);
        assert_eq!(fs::read_dir(to.join("m")).unwrap().count(), 0);
        put("");
        assert_eq!(brought().as_deref(), Some("whole"));
        assert_eq!(fs::read_dir(to.join("m")).unwrap().count(), 1);
        fs::remove_dir_all(&here).unwrap();
    }
}
