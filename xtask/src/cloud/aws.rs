//! The `aws` CLI, called and understood: [`Aws`] runs a [`Call`], again where that helps, and gives its JSON.
//!
//! Credentials are its own business: the usual chain of `AWS_PROFILE`, variables and files. They are in no argument of ours.

use std::env;
use std::fmt;
use std::io::ErrorKind;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use querydyno::host::files;
use querydyno::host::interrupt;
use serde_json::Value;

use super::call::Call;

const PROGRAM: &str = "aws";
const INSTALL: &str =
    "there is no aws, the AWS CLI: install it from https://aws.amazon.com/cli, or by pip install awscli";
/// Calls of one kind, all in all.
const TRIES: u32 = 6;
/// Before the second one; twice as long before each that follows.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// AWS is busy, or wants to be asked less: it was not the call's fault.
const PASSING: [&str; 14] = [
    "Throttling",
    "ThrottlingException",
    "ThrottledException",
    "RequestLimitExceeded",
    "TooManyRequestsException",
    "RequestThrottled",
    "SlowDown",
    "InternalError",
    "InternalFailure",
    "ServiceUnavailable",
    "Unavailable",
    "RequestTimeout",
    "500",
    "503",
];
/// What the CLI says where it did not come through.
const UNREACHED: [&str; 3] = ["Could not connect to the endpoint URL", "Connection was closed", "Read timeout"];

/// The CLI for one region.
#[derive(Debug, Clone)]
pub(super) struct Aws {
    pub(super) region: String,
}

/// Why AWS refused, by its own word for it.
#[derive(Debug)]
pub(super) struct Refused {
    pub(super) code: String,
    said: String,
    call: String,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "aws {}: {}{}", self.call, self.said, advice(&self.code))
    }
}

impl std::error::Error for Refused {}

impl Refused {
    fn new(call: &Call, stderr: &str) -> Self {
        // `An error occurred (Code) when calling the Operation operation: ...`
        let code = stderr.split_once("An error occurred (").and_then(|(_, rest)| rest.split_once(')'));
        let unreached = UNREACHED.iter().any(|words| stderr.contains(words));
        let code =
            code.map_or_else(|| if unreached { "Unavailable" } else { "" }.to_owned(), |(code, _)| code.to_owned());
        Self { code, said: stderr.trim().to_owned(), call: call.words[..2].join(" ") }
    }

    fn passes(&self) -> bool {
        // A role takes some seconds until EC2 knows it.
        let new_role = self.code == "InvalidParameterValue" && self.said.contains("IAM Instance Profile");
        new_role || PASSING.contains(&self.code.as_str())
    }
}

/// AWS's word for why a call failed, where it said one.
pub(super) fn code(error: &anyhow::Error) -> Option<&str> {
    error.downcast_ref::<Refused>().map(|refused| refused.code.as_str())
}

fn advice(code: &str) -> &'static str {
    match code {
        "UnauthorizedOperation" | "AccessDenied" | "AccessDeniedException" | "403" => {
            "\nWhoever runs this lacks that action: src/docs/cloud_rights.md has the policy that is needed"
        }
        "ExpiredToken" | "ExpiredTokenException" | "InvalidClientTokenId" | "AuthFailure" => {
            "\nThe credentials are not taken: look at AWS_PROFILE, or log in again (aws sso login)"
        }
        "VcpuLimitExceeded" | "MaxSpotInstanceCountExceeded" => {
            "\nThe account may not have that many processors at once: name fewer engines, or ask for more in Service Quotas"
        }
        _ => "",
    }
}

impl Aws {
    /// What the call answers, `null` for nothing.
    ///
    /// # Errors
    /// [`Refused`] with AWS's code; one that passes is tried again first.
    pub(super) fn call(&self, call: &Call) -> Result<Value> {
        let mut pause = FIRST_PAUSE;
        for tried in 1.. {
            interrupt::check()?;
            let refused = match self.once(call)? {
                Ok(answer) => return Ok(answer),
                Err(refused) => refused,
            };
            // Ctrl-C ends the CLI too, which then says nothing.
            interrupt::check()?;
            if tried == TRIES || !refused.passes() {
                return Err(refused.into());
            }
            eprintln!("{}: {}; try {} of {TRIES}", refused.call, refused.code, tried + 1);
            sleep(pause + jitter(pause));
            pause *= 2;
        }
        bail!("never called")
    }

    fn once(&self, call: &Call) -> Result<Result<Value, Refused>> {
        let mut command = Command::new(PROGRAM);
        if !call.words.iter().any(|word| word == "--region") {
            command.args(["--region", &self.region]);
        }
        command
            .args(["--output", "json"])
            .args(&call.words)
            // It would try again by itself, of which nobody would be told.
            .env("AWS_MAX_ATTEMPTS", "1")
            .env("AWS_PAGER", "")
            .stdin(Stdio::null());
        let output = match command.output() {
            Err(error) if error.kind() == ErrorKind::NotFound => bail!("{INSTALL}"),
            output => output.context("cannot start aws")?,
        };
        if !output.status.success() {
            return Ok(Err(Refused::new(call, &String::from_utf8_lossy(&output.stderr))));
        }
        // What copies files says nothing, or what it copies.
        let is_json = output.stdout.first().is_some_and(|byte| matches!(byte, b'{' | b'['));
        Ok(Ok(if is_json {
            serde_json::from_slice(&output.stdout).context("aws printed broken JSON")?
        } else {
            Value::Null
        }))
    }
}

/// What a variable says, if it says anything.
pub(super) fn told(variable: &str) -> Option<String> {
    env::var(variable).ok().filter(|value| !value.is_empty())
}

/// The region by the usual chain.
///
/// # Errors
/// When nobody names one.
pub(super) fn region(flag: Option<&str>) -> Result<String> {
    if let Some(region) = flag.map(str::to_owned).or_else(|| told("AWS_REGION")).or_else(|| told("AWS_DEFAULT_REGION"))
    {
        return Ok(region);
    }
    let asked = Command::new(PROGRAM).args(["configure", "get", "region"]).stdin(Stdio::null()).output();
    let answered = asked.ok().filter(|output| output.status.success());
    let region = answered.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    region
        .filter(|region| !region.is_empty())
        .context("no region: give --region, set AWS_REGION, or name one in your AWS profile")
}

/// Up to half as much again, so that several who were refused at once do not come again at once.
fn jitter(pause: Duration) -> Duration {
    let random = files::random::<1>().map_or(0, |[byte]| byte);
    pause * u32::from(random) / 512
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(stderr: &str) -> Refused {
        Refused::new(&Call::new("ec2", "run-instances", ""), stderr)
    }

    #[test]
    fn refused_knows_what_passes() {
        let of = |code: &str, said: &str| {
            refused(&format!("\nAn error occurred ({code}) when calling the X operation: {said}"))
        };
        assert_eq!(of("RequestLimitExceeded", "slow").code, "RequestLimitExceeded");
        assert!(of("RequestLimitExceeded", "slow").passes());
        assert!(
            of(
                "InvalidParameterValue",
                "Value (x) for parameter iamInstanceProfile.name is invalid. Invalid IAM Instance Profile name"
            )
            .passes()
        );
        assert!(refused("Could not connect to the endpoint URL: \"http://x/\"").passes());
        for lasting in ["InsufficientInstanceCapacity", "UnauthorizedOperation", "InvalidParameterValue"] {
            assert!(!of(lasting, "no").passes(), "{lasting}");
        }
        assert!(of("UnauthorizedOperation", "no").to_string().contains("src/docs/cloud_rights.md"));
    }
}
