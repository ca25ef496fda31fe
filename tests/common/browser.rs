//! Chromium, driven by the `DevTools` protocol over a pipe: the main type is [`Browser`]. It needs no crate. Those that there are compile the
//! whole protocol for minutes, of which a dozen commands are used here, and a driver of its own version beside the browser.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

/// What browsers of this family are called; `TEST_CHROMIUM` names another.
const NAMES: [&str; 5] =
    ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chromium-headless-shell"];
/// How long anything may take.
const PATIENCE: Duration = Duration::from_mins(1);

/// A browser with one page.
pub struct Browser {
    child: Child,
    to: ChildStdin,
    from: Receiver<Value>,
    session: Option<String>,
    last: u64,
    /// What it has told without being asked.
    told: Vec<Value>,
    _profile: TempDir,
}

/// Where it is; says so where there is none.
fn program() -> Option<PathBuf> {
    let named = std::env::var_os("TEST_CHROMIUM").map(PathBuf::from);
    let path = std::env::var_os("PATH").unwrap_or_default();
    let all = || NAMES.iter().flat_map(|name| std::env::split_paths(&path).map(move |folder| folder.join(name)));
    let found = named.or_else(|| all().find(|file| file.is_file()));
    if found.is_none() {
        let _ = writeln!(
            std::io::stderr(),
            "LEFT OUT: tests in a browser: there is no chromium in PATH, nor TEST_CHROMIUM"
        );
    }
    found
}

impl Browser {
    /// Starts one; none where there is none to be had.
    pub fn start() -> Option<Self> {
        let program = program()?;
        let profile = TempDir::new().unwrap();
        // The pipe is the files 3 and 4 of the browser.
        let mut child = Command::new("sh")
            .args(["-c", "exec \"$@\" 3<&0 4>&1 </dev/null >/dev/null 2>&1", "sh"])
            .arg(program)
            // It opens nothing but pages of ours; the sandbox is not to be had in many containers.
            .args(["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"])
            .args(["--disable-background-networking", "--disable-component-update", "--hide-scrollbars"])
            .arg("--remote-debugging-pipe")
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .arg("about:blank")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (to, out) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let (heard, from) = channel();
        thread::spawn(move || {
            for message in BufReader::new(out).split(0).map_while(Result::ok) {
                if heard.send(serde_json::from_slice(&message).unwrap()).is_err() {
                    break;
                }
            }
        });
        let mut this = Self { child, to, from, session: None, last: 0, told: Vec::new(), _profile: profile };
        let targets = this.command("Target.getTargets", &json!({}));
        let mut all = targets["targetInfos"].as_array().unwrap().iter();
        let page = all.find(|target| target["type"] == "page").unwrap()["targetId"].clone();
        let attached = this.command("Target.attachToTarget", &json!({ "targetId": page, "flatten": true }));
        this.session = Some(attached["sessionId"].as_str().unwrap().to_owned());
        for domain in ["Page", "Runtime", "Log", "Network"] {
            this.command(&format!("{domain}.enable"), &json!({}));
        }
        Some(this)
    }

    /// A command of the protocol, and what it gives.
    pub fn command(&mut self, method: &str, parameters: &Value) -> Value {
        self.try_command(method, parameters).unwrap_or_else(|error| panic!("{method} {parameters}: {error}"))
    }

    fn try_command(&mut self, method: &str, parameters: &Value) -> Result<Value, Value> {
        self.last += 1;
        let mut message = json!({ "id": self.last, "method": method, "params": parameters });
        if let Some(session) = &self.session {
            message["sessionId"] = session.as_str().into();
        }
        self.to.write_all(format!("{message}\0").as_bytes()).unwrap();
        loop {
            let mut message = self.hear(PATIENCE).unwrap_or_else(|| panic!("no answer to {method}"));
            if message["id"] == self.last {
                let error = message["error"].take();
                return if error.is_null() { Ok(message["result"].take()) } else { Err(error) };
            }
            self.told.push(message);
        }
    }

    fn hear(&self, patience: Duration) -> Option<Value> {
        match self.from.recv_timeout(patience) {
            Ok(message) => Some(message),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => panic!("the browser is gone"),
        }
    }

    /// How wide the page is, in CSS pixels, and whether the system is dark.
    pub fn show(&mut self, width: u32, is_dark: bool) {
        let size = json!({ "width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500 });
        self.command("Emulation.setDeviceMetricsOverride", &size);
        let scheme = json!({ "name": "prefers-color-scheme", "value": if is_dark { "dark" } else { "light" } });
        self.command("Emulation.setEmulatedMedia", &json!({ "media": "", "features": [scheme] }));
    }

    /// Opens an address, and waits until all of the page is there.
    pub fn open(&mut self, url: &str) {
        self.told.retain(|message| message["method"] != "Page.loadEventFired");
        let opened = self.command("Page.navigate", &json!({ "url": url }));
        assert!(opened["errorText"].is_null(), "{url}: {opened}");
        self.loaded();
    }

    /// Waits until a page has been loaded that was not before.
    pub fn loaded(&mut self) {
        let deadline = Instant::now() + PATIENCE;
        let is_over = |message: &Value| message["method"] == "Page.loadEventFired";
        while !self.told.iter().any(is_over) {
            let left = deadline.saturating_duration_since(Instant::now());
            let message = self.hear(left).expect("the page is not loaded");
            self.told.push(message);
        }
        self.told.retain(|message| !is_over(message));
    }

    /// What an expression is worth in the page, once its promise is kept.
    pub fn ask(&mut self, expression: &str) -> Value {
        let asked = json!({ "expression": expression, "awaitPromise": true, "returnByValue": true });
        let mut answer = self.command("Runtime.evaluate", &asked);
        assert!(answer["exceptionDetails"].is_null(), "{expression}: {}", answer["exceptionDetails"]);
        answer["result"]["value"].take()
    }

    /// Waits until an expression is true. While another page is on its way there is nobody to ask.
    pub fn until(&mut self, expression: &str) {
        let began = Instant::now();
        loop {
            let asked = json!({ "expression": expression, "returnByValue": true });
            let answer = self.try_command("Runtime.evaluate", &asked);
            if answer.as_ref().is_ok_and(|answer| answer["result"]["value"] == true) {
                return;
            }
            assert!(began.elapsed() < PATIENCE, "it does not become true: {expression}: {answer:?}");
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// Presses a key.
    pub fn press(&mut self, key: &str) {
        let (code, text) = match key {
            "Tab" => (9, ""),
            "Enter" => (13, "\r"),
            " " => (32, " "),
            _ => panic!("what is the code of {key}?"),
        };
        let mut event =
            json!({ "type": "keyDown", "key": key, "code": key, "windowsVirtualKeyCode": code, "text": text });
        self.command("Input.dispatchKeyEvent", &event);
        event["type"] = "keyUp".into();
        self.command("Input.dispatchKeyEvent", &event);
    }

    /// What went wrong since it was asked last: errors and warnings of the console, and exceptions that nobody caught.
    pub fn complaints(&mut self) -> Vec<String> {
        // What is on its way by now is here after this.
        self.ask("1");
        let is_bad = |message: &Value| match message["method"].as_str() {
            Some("Runtime.exceptionThrown") => true,
            Some("Runtime.consoleAPICalled") => message["params"]["type"] != "log",
            Some("Log.entryAdded") => message["params"]["entry"]["level"] != "verbose",
            _ => false,
        };
        let (bad, others): (Vec<Value>, Vec<Value>) = std::mem::take(&mut self.told).into_iter().partition(is_bad);
        self.told = others;
        bad.iter().map(|message| message["params"].to_string()).collect()
    }

    /// The addresses that were fetched since it was asked last.
    pub fn fetched(&mut self) -> Vec<String> {
        let is_one = |message: &Value| message["method"] == "Network.requestWillBeSent";
        let (fetched, others): (Vec<Value>, Vec<Value>) = std::mem::take(&mut self.told).into_iter().partition(is_one);
        self.told = others;
        fetched.iter().map(|message| message["params"]["request"]["url"].as_str().unwrap().to_owned()).collect()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
