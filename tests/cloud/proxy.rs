//! A proxy before moto, which answers some requests as AWS does when it is busy, and passes on all others.
//!
//! It keeps a bucket's policy for itself: moto heeds no conditions, so ours, which denies what comes without TLS, would deny everything.

use std::io::Write;
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use super::common::request::Asked;

/// What it refuses: requests with all of these words, so many times.
#[derive(Debug, Clone)]
pub struct Rule {
    pub words: Vec<String>,
    pub times: usize,
    pub status: u16,
    pub code: &'static str,
}

/// It ends with the process.
pub struct Proxy {
    pub port: u16,
    rules: Arc<Mutex<Vec<Rule>>>,
    policy: Arc<Mutex<Option<String>>>,
}

impl Proxy {
    pub fn before(server: u16, rules: Vec<Rule>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let rules = Arc::new(Mutex::new(rules));
        let kept = Arc::clone(&rules);
        let policy = Arc::new(Mutex::new(None));
        let kept_policy = Arc::clone(&policy);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let (rules, policy) = (Arc::clone(&kept), Arc::clone(&kept_policy));
                // A client that goes away is no business of the test's.
                thread::spawn(move || answer(client, server, &rules, &policy).ok());
            }
        });
        Self { port, rules, policy }
    }

    /// Rules that have not yet refused as often as they were to.
    pub fn open(&self) -> Vec<Rule> {
        self.rules.lock().unwrap().iter().filter(|rule| rule.times > 0).cloned().collect()
    }

    /// The policy that a bucket was given.
    pub fn policy(&self) -> Option<String> {
        self.policy.lock().unwrap().clone()
    }

    pub fn add(&self, rule: Rule) {
        self.rules.lock().unwrap().push(rule);
    }
}

/// One request a connection.
fn answer(
    mut client: TcpStream,
    server: u16,
    rules: &Mutex<Vec<Rule>>,
    policy: &Mutex<Option<String>>,
) -> std::io::Result<()> {
    let Some(asked) = Asked::read(&mut client)? else { return Ok(()) };
    let first = &asked.first;
    let refused = {
        let text = first.clone() + &String::from_utf8_lossy(&asked.body);
        let mut rules = rules.lock().unwrap();
        let rule = rules.iter_mut().find(|rule| rule.times > 0 && rule.words.iter().all(|word| text.contains(word)));
        rule.map(|rule| {
            rule.times -= 1;
            rule.clone()
        })
    };
    if let Some(Rule { status, code, .. }) = refused {
        let error = format!("<Error><Code>{code}</Code><Message>as the test wants it</Message></Error>");
        // EC2 has its errors in a list, S3 and IAM one alone.
        let text =
            if first.starts_with("POST") { format!("<Response><Errors>{error}</Errors></Response>") } else { error };
        write!(client, "HTTP/1.1 {status} No\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{text}", text.len())?;
    } else if first.starts_with("PUT ") && first.contains("?policy") {
        *policy.lock().unwrap() = Some(String::from_utf8_lossy(&asked.body).into_owned());
        write!(client, "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")?;
    } else {
        asked.forward(server, &mut client)?;
    }
    client.shutdown(Shutdown::Both)
}
