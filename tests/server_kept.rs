//! Pages while results come in: what was made is given at once, the new one is made beside, and nobody is given what is too old. Needs the
//! programs of the history and of the server; what is kept of pages is tested by itself.

mod common;

#[path = "../src/server/cached.rs"]
#[allow(dead_code, reason = "the server uses what is not tested here")]
mod cached;

use std::thread;
use std::time::{Duration, Instant};

use common::history::History;
use common::server::{Server, record};

fn footer(page: &str) -> &str {
    page.split("<footer").nth(1).expect("a footer")
}

#[test]
fn a_result_that_is_handed_in_is_on_the_pages_soon_and_nobody_waits_for_it() {
    let Some(history) = History::new() else { return };
    let Some(server) = Server::start(history.folder.path(), &[], &[]) else { return };
    let pages = ["/", "/matrix", "/runs", "/compatibility"];
    let before: Vec<String> = pages.iter().map(|page| server.get(page).text()).collect();
    let body = record("r-new", 1).to_string();
    assert_eq!(server.post("/api/v1/results", body.as_bytes()).status, 201);
    let began = Instant::now();
    for (page, before) in pages.iter().zip(&before) {
        // What is given meanwhile says of what version it is.
        while footer(&server.get(page).text()) == footer(before) {
            assert!(began.elapsed() < Duration::from_secs(20), "{page} stays as it was");
            thread::sleep(Duration::from_millis(50));
        }
    }
    assert!(server.get("/runs").text().contains("r-new"));
    // Nothing has changed since: it is the same for all who ask, and nothing for who has it.
    let first = server.get("/runs");
    let etag = first.head.lines().find_map(|line| line.strip_prefix("etag: ")).expect("an etag").to_owned();
    assert_eq!(server.get("/runs").body, first.body);
    let again = server.ask("GET", "/runs", &format!("If-None-Match: {etag}"), b"");
    assert_eq!((again.status, again.body.len()), (304, 0));
    let packed = server.ask("GET", "/runs", "Accept-Encoding: gzip", b"");
    assert!(packed.head.contains("content-encoding: gzip") && packed.body.starts_with(&[0x1f, 0x8b]));
    assert!(packed.body.len() < first.body.len());
}

#[test]
fn a_page_that_many_ask_for_at_once_is_one() {
    let Some(history) = History::new() else { return };
    let Some(server) = Server::start(history.folder.path(), &[], &[]) else { return };
    let page = "/query?query=q6&scale=sf0.01";
    let all: Vec<String> = thread::scope(|scope| {
        let asked: Vec<_> = (0..16).map(|_| scope.spawn(|| server.get(page).text())).collect();
        asked.into_iter().map(|asked| asked.join().unwrap()).collect()
    });
    assert!(all[0].contains("q6 of"), "{}", all[0]);
    assert!(all.iter().all(|page| *page == all[0]));
}
