//! The server as a program: who may write, what is refused, what a kill loses (nothing), and `history` commands while it runs. Needs the
//! programs of the history and of the server (`cargo xtask build history server`).

mod common;

use std::fs;
use std::io::Write as _;
use std::thread::sleep;
use std::time::{Duration, Instant};

use common::history::{History, STAGE};
use common::server::{self, Server, answer, record};
use common::text;

const TOKEN: &str = "0123456789abcdef0123456789abcdef";

fn bytes(value: &serde_json::Value) -> Vec<u8> {
    value.to_string().into_bytes()
}

#[test]
fn serve_refuses_another_address_without_a_token_that_cannot_be_guessed() {
    let Some(history) = History::empty() else { return };
    let Some(mut command) = server::command(history.folder.path(), &["--host", "0.0.0.0", "--port", "0"]) else {
        return;
    };
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", text(&output));
    assert!(text(&output).contains("QUERYDYNO_TOKEN"), "{}", text(&output));
    let output = command.env("QUERYDYNO_TOKEN", "short-secret").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(!text(&output).contains("short-secret"), "{}", text(&output));
    assert!(!history.file().exists());
}

#[test]
fn writes_take_the_token_alone_and_reads_take_none() {
    let Some(history) = History::empty() else { return };
    let Some(server) = Server::start(history.folder.path(), &[], &[("QUERYDYNO_TOKEN", TOKEN)]) else { return };
    let body = bytes(&record("r-1", 1));
    let post = |authorization: &str| {
        server.ask("POST", "/api/v1/results", &format!("Content-Type: application/json\n{authorization}"), &body)
    };
    for wrong in [
        "",
        "Authorization: Bearer 0123456789abcdef0123456789abcdee",
        "Authorization: Bearer",
        "Authorization: Basic 0123456789abcdef0123456789abcdef",
    ] {
        let refused = post(wrong);
        assert_eq!((refused.status, refused.problem().as_str()), (401, "no-token"), "{wrong}");
        assert!(refused.head.to_lowercase().contains("www-authenticate: bearer"), "{}", refused.head);
    }
    assert_eq!(server.results(), 0);
    let stored = post(&format!("Authorization: Bearer {TOKEN}"));
    assert_eq!(stored.status, 201, "{}", stored.text());
    assert_eq!(stored.json()["results"][0]["state"], "stored");
    assert_eq!(server.results(), 1);
    assert_eq!(server.end(), Some(0));
}

#[test]
fn requests_of_other_pages_and_hosts_change_nothing() {
    let Some(history) = History::empty() else { return };
    let Some(server) = Server::start(history.folder.path(), &["--cors", "https://dash.example.org"], &[]) else {
        return;
    };
    let refused = server.ask("GET", "/", "Host: rebound.example.org", b"");
    assert_eq!((refused.status, refused.problem().as_str()), (403, "wrong-origin"));
    for host in ["127.0.0.1.example.org", "example.org:8000", "10.0.0.1"] {
        assert_eq!(server.ask("GET", "/health", &format!("Host: {host}"), b"").status, 403, "{host}");
    }
    // The last is the name of a proxy that --cors names.
    for host in ["localhost", "localhost:8000", "127.0.0.1", "[::1]:8000", "dash.example.org"] {
        assert_eq!(server.ask("GET", "/health", &format!("Host: {host}"), b"").status, 200, "{host}");
    }
    let body = bytes(&record("r-1", 1));
    // Whoever can reach the proxy may read, and writes with a token only, which this server has not.
    let through = "Content-Type: application/json\nHost: dash.example.org";
    let refused = server.ask("POST", "/api/v1/results", through, &body);
    assert_eq!((refused.status, refused.problem().as_str()), (401, "no-token"));
    let from = |origin: &str| {
        server.ask("POST", "/api/v1/results", &format!("Content-Type: application/json\nOrigin: {origin}"), &body)
    };
    assert_eq!(from("https://evil.example.org").status, 403);
    assert_eq!(server.results(), 0);
    let listed = from("https://dash.example.org");
    assert_eq!(listed.status, 201);
    assert!(listed.head.to_lowercase().contains("access-control-allow-origin: https://dash.example.org"));
    // What a form of another page can send has another type.
    assert_eq!(server.ask("POST", "/api/v1/results", "Content-Type: text/plain", &body).status, 415);
}

#[test]
fn bodies_are_limited_in_size_and_time() {
    let Some(history) = History::empty() else { return };
    let Some(server) = Server::start(history.folder.path(), &["--max-body", "1", "--max-time", "2"], &[]) else {
        return;
    };
    let large = server.post("/api/v1/results", &vec![b' '; 2 << 20]);
    assert_eq!((large.status, large.problem().as_str()), (413, "too-large"));
    let head = format!(
        "POST /api/v1/results HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\nContent-Length: 1000\r\nConnection: close\r\n\r\n{{",
        server.address
    );
    let mut slow = server.connect();
    let began = Instant::now();
    slow.write_all(head.as_bytes()).unwrap();
    let late = answer(&mut slow).unwrap();
    assert_eq!((late.status, late.problem().as_str()), (408, "too-slow"));
    assert!((Duration::from_secs(1)..Duration::from_secs(10)).contains(&began.elapsed()), "{:?}", began.elapsed());
    assert_eq!(server.get("/health").status, 200);
    assert_eq!(server.results(), 0);
}

#[test]
fn sql_selects_and_does_nothing_else() {
    let Some(history) = History::new() else { return };
    let secret = history.folder.path().join("secret.txt");
    fs::write(&secret, "nobody's business").unwrap();
    let Some(server) = Server::start(history.folder.path(), &["--sql-rows", "100", "--sql-time", "1"], &[]) else {
        return;
    };
    let results = server.results();
    assert!(results > 0);
    let path = secret.display();
    for refused in [
        "DELETE FROM results".to_owned(),
        "SELECT 1; DELETE FROM results".to_owned(),
        "SELECT 1) ; COMMIT; DELETE FROM results; SELECT * FROM (SELECT 1".to_owned(),
        "WITH gone AS (DELETE FROM results RETURNING *) FROM gone".to_owned(),
        "COMMIT".to_owned(),
        "INSERT INTO annotations SELECT * FROM annotations".to_owned(),
        "CREATE TABLE x AS SELECT 1".to_owned(),
        "DROP VIEW latest".to_owned(),
        "SET threads = 1".to_owned(),
        "CHECKPOINT".to_owned(),
        "FROM checkpoint()".to_owned(),
        format!("FROM read_text('{path}')"),
        format!("FROM read_csv('{path}')"),
        format!("FROM '{path}'"),
        "FROM glob('/etc/*')".to_owned(),
        format!("COPY (SELECT 1) TO '{path}'"),
        format!("ATTACH '{path}.duckdb' AS other"),
        "INSTALL httpfs".to_owned(),
        "EXPLAIN ANALYZE DELETE FROM results".to_owned(),
        "SELEC".to_owned(),
        String::new(),
    ] {
        let answer = server.sql(&refused);
        assert_eq!(answer.status, 400, "{refused}: {}", answer.text());
        assert!(!answer.text().contains("nobody's business"), "{refused}");
    }
    assert_eq!(server.results(), results);
    assert_eq!(fs::read_to_string(&secret).unwrap(), "nobody's business");
    let long = server.sql("SELECT count(*) FROM range(100000000000)");
    assert_eq!((long.status, long.problem().as_str()), (422, "too-expensive"));
    let many = server.sql("SELECT * FROM range(1000) -- a comment at its end");
    assert_eq!(many.json()["rows"].as_array().unwrap().len(), 100);
    assert_eq!(many.json()["cut"], true);
    assert_eq!(server.sql("FROM latest;").status, 200);
}

#[test]
fn paths_lead_nowhere_else() {
    let Some(history) = History::new() else { return };
    let Some(server) = Server::start(history.folder.path(), &[], &[]) else { return };
    for path in [
        "/assets/../../../../etc/passwd",
        "/assets/..%2f..%2f..%2fetc%2fpasswd",
        "/api/v1/results/..%2f..%2f..%2fetc%2fpasswd",
        "/api/v1/results/..%2Frecords%2F20261121T120000Z-4711:1",
        "/result?record=../../../etc/passwd:1",
        "/query?suite=../../../../etc&query=passwd",
    ] {
        let answer = server.get(path);
        assert_eq!(answer.status, 404, "{path}: {}", answer.text());
        assert!(!answer.text().contains("root:"), "{path}");
    }
    for run in ["../../outside", "..", "a/b", "", "a\nb"] {
        let answer = server.post("/api/v1/results", &bytes(&record(run, 1)));
        assert_eq!((answer.status, answer.problem().as_str()), (422, "invalid-record"), "{run}");
    }
    let mut nameless = record("r-1", 1);
    nameless.as_object_mut().unwrap().remove("run_id");
    assert_eq!(server.post("/api/v1/results", &bytes(&nameless)).status, 422);
    assert_eq!(server.post("/api/v1/results", b"{\"schema\": 99}").status, 422);
    assert_eq!(server.post("/api/v1/results", b"no json").status, 422);
    assert!(
        fs::read_dir(history.records())
            .unwrap()
            .flatten()
            .all(|file| !file.file_name().to_string_lossy().starts_with("uploaded-"))
    );
}

#[test]
fn store_keeps_a_result_once_and_answers_a_key_alike() {
    let Some(history) = History::empty() else { return };
    let Some(server) = Server::start(history.folder.path(), &[], &[]) else { return };
    let keyed = |key: &str, body: &[u8]| {
        server.ask("POST", "/api/v1/results", &format!("Content-Type: application/json\nIdempotency-Key: {key}"), body)
    };
    let (one, other) = (bytes(&record("r-1", 1)), bytes(&record("r-1", 2)));
    let first = keyed("a", &one);
    assert_eq!(first.status, 201, "{}", first.text());
    assert_eq!(keyed("a", &one).text(), first.text());
    let used = keyed("a", &other);
    assert_eq!((used.status, used.problem().as_str()), (422, "key-used"));
    let again = server.post("/api/v1/results", &one).json();
    assert_eq!((&again["stored"], &again["results"][0]["state"]), (&0.into(), &"known".into()));
    // All of a batch or none.
    let batch = serde_json::json!([record("r-1", 2), record("../r", 3)]);
    assert_eq!(server.post("/api/v1/results/batch", &bytes(&batch)).status, 422);
    assert_eq!(server.results(), 1);
    let batch = serde_json::json!([record("r-1", 2), record("r-1", 3), record("r-1", 3), record("r-1", 1)]);
    let stored = server.post("/api/v1/results/batch", &bytes(&batch)).json();
    assert_eq!(server.results(), 3, "{stored}");
    let name = stored["results"][0]["record"].as_str().unwrap().to_owned();
    assert_eq!(server.get(&format!("/api/v1/results/{name}")).status, 200);
    assert_eq!(server.get(&format!("/result?record={name}")).status, 200);
    // A list is a list.
    for wrong in ["", "{}", "[", "[]", "[1]", "[{}]", "[nonsense]"] {
        let answer = server.post("/api/v1/results/batch", wrong.as_bytes());
        assert_eq!((answer.status, answer.problem().as_str()), (422, "invalid-record"), "{wrong}");
    }
    for wrong in ["[RECORD,]", "[,RECORD]", "[RECORD RECORD]", "[RECORD] RECORD", "[RECORD", "[RECORD]]"] {
        let body = wrong.replace("RECORD", &record("r-1", 9).to_string());
        assert_eq!(server.post("/api/v1/results/batch", body.as_bytes()).status, 422, "{wrong}");
    }
    assert_eq!(server.results(), 3);
    // A key means the same to the next server, though a kill has cut off the last line of their file.
    assert_eq!(server.end(), Some(0));
    let keys = history.folder.path().join("history.duckdb.keys.jsonl");
    let text = fs::read_to_string(&keys).unwrap();
    fs::write(&keys, format!("{text}{}", &text[..20])).unwrap();
    let server = Server::start(history.folder.path(), &[], &[]).unwrap();
    let answer = server.ask("POST", "/api/v1/results", "Content-Type: application/json\nIdempotency-Key: a", &one);
    assert_eq!(answer.text(), first.text());
    assert_eq!(server.results(), 3);
}

#[test]
fn a_kill_in_the_middle_of_a_write_loses_nothing() {
    for stage in ["staged", "inserted", "noted", "committed"] {
        let Some(history) = History::empty() else { return };
        let kill = format!("{stage} kill");
        let Some(server) = Server::start(history.folder.path(), &[], &[(STAGE, &kill)]) else { return };
        let body = bytes(&record("r-1", 1));
        let none =
            server.try_ask("POST", "/api/v1/results", "Content-Type: application/json\nIdempotency-Key: a", &body);
        assert!(none.is_none(), "{stage}: {none:?}");
        drop(server);
        // What is left of it is nobody's lock, and commands do without it.
        assert_eq!(history.count("results"), 1, "{stage}");
        let server = Server::start(history.folder.path(), &[], &[]).unwrap();
        assert_eq!(server.results(), 1, "{stage}");
        let again = server.ask("POST", "/api/v1/results", "Content-Type: application/json\nIdempotency-Key: a", &body);
        assert_eq!((again.status, &again.json()["results"][0]["state"]), (201, &"known".into()), "{stage}");
        assert_eq!(server.results(), 1, "{stage}");
        drop(server);
        history.ok(&["check", "--records"]);
    }
}

#[test]
fn the_journal_is_taken_in_at_once() {
    let Some(history) = History::new() else { return };
    let Some(server) = Server::start(history.folder.path(), &[], &[]) else { return };
    let before = server.results();
    history.add("20261127T120000Z-1", &format!("{}\n", record("20261127T120000Z-1-0", 1)));
    let took = server.until(before + 1);
    assert!(took < Duration::from_secs(5), "{took:?}");
    // And what is appended, as a bench does, with the beginning of a line that is not whole yet.
    let mut file = fs::OpenOptions::new().append(true).open(history.journal("20261127T120000Z-1")).unwrap();
    let next = record("20261127T120000Z-1-0", 2).to_string();
    file.write_all(format!("{next}\n{}", &next[..100]).as_bytes()).unwrap();
    server.until(before + 2);
    sleep(Duration::from_millis(600));
    assert_eq!(server.results(), before + 2);
    let page = server.get("/");
    assert_eq!(page.status, 200);
}

#[test]
fn history_commands_ask_the_server() {
    let Some(history) = History::new() else { return };
    let alone = history.content();
    let stats = history.ok(&["sql", "FROM latest ORDER BY ALL", "--format", "json"]);
    let Some(server) = Server::start(history.folder.path(), &[], &[]) else { return };
    assert_eq!(history.content(), alone);
    assert_eq!(history.ok(&["sql", "FROM latest ORDER BY ALL", "--format", "json"]), stats);
    assert!(history.ok(&["take-in", "--at-once"]).starts_with("0 new results"));
    let file = history.folder.path().join("rows.csv");
    let mut command = history.command(&["list", "--format", "csv", "--output", "rows.csv"]);
    assert!(command.current_dir(history.folder.path()).status().unwrap().success());
    assert!(fs::read_to_string(file).unwrap().starts_with("record,"));
    // Exit codes and errors are those of the command.
    assert!(history.fails(&["show", "nothing:1"]).contains("no result 'nothing:1'"));
    history.refuses(&["list", "nonsense/q1"]);
    history.ok(&["annotate", "duckdb/q1", "said while it runs", "--kind", "workaround"]);
    let told = server.get("/api/v1/annotations").json();
    assert_eq!(told["rows"][0]["text"], "said while it runs");
    // SQL that does more than select, and what needs the file itself, gets the file for as long.
    assert!(history.ok(&["sql", "EXPLAIN SELECT 1"]).contains("physical_plan"));
    assert!(history.run(&["sql", "DELETE FROM results"]).status.code() == Some(1));
    history.ok(&["optimize"]);
    history.ok(&["backup", history.folder.path().join("backup.duckdb").to_str().unwrap()]);
    history.ok(&["check"]);
    assert_eq!(server.get("/api/v1/annotations").json()["rows"][0]["text"], "said while it runs");
    assert_eq!(server.get("/health").status, 200);
    let found = history.folder.path().join("history.duckdb.server.json");
    let mode = std::os::unix::fs::PermissionsExt::mode(&fs::metadata(&found).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(server.end(), Some(0));
    assert!(!found.exists());
    assert!(history.content().contains("said while it runs"));
}

#[test]
fn rows_come_in_the_form_that_is_asked_for() {
    let Some(history) = History::new() else { return };
    let Some(server) = Server::start(history.folder.path(), &[], &[]) else { return };
    let of = |accept: &str| server.ask("GET", "/api/v1/results?limit=2", &format!("Accept: {accept}"), b"");
    let json = of("application/json").json();
    assert_eq!(json["rows"].as_array().unwrap().len(), 2);
    let next = json["next"].as_str().unwrap();
    assert_ne!(server.get(next).json()["rows"][0]["record"], json["rows"][0]["record"]);
    assert_eq!(of("text/csv").text().lines().count(), 3);
    assert_eq!(&of("application/vnd.apache.arrow.stream").body[..4], [0xff; 4]);
    assert_eq!(of("image/png").problem(), "not-acceptable");
    for (accept, kind) in [
        ("application/json;q=0.5, text/csv", "text/csv"),
        ("text/*, application/json;q=0", "text/csv"),
        ("application/vnd.apache.arrow.stream;q=0.2, */*;q=0.1", "application/vnd.apache.arrow.stream"),
        ("*/*", "application/json"),
    ] {
        assert!(of(accept).head.to_lowercase().contains(&format!("content-type: {kind}")), "{accept}");
    }
    assert_eq!(server.get("/api/v1/results?colour=red").problem(), "invalid-request");
    assert_eq!(server.get("/api/v1/results?limit=0").problem(), "invalid-request");
    assert_eq!(server.ask("PUT", "/api/v1/results", "", b"").problem(), "wrong-method");
    assert_eq!(server.post("/api/v1/runs", b"{\"filter\": \"duckdb/q1\"}").problem(), "runs-not-allowed");
    // Every page of results together is all of them, each once.
    let (mut seen, mut path) = (Vec::new(), "/api/v1/results?limit=2".to_owned());
    loop {
        let page = server.get(&path).json();
        seen.extend(page["rows"].as_array().unwrap().iter().map(|row| row["record"].as_str().unwrap().to_owned()));
        match page["next"].as_str() {
            Some(next) => path = next.to_owned(),
            None => break,
        }
    }
    let all = seen.len() as u64;
    seen.sort();
    seen.dedup();
    assert_eq!((seen.len() as u64, all), (server.results(), server.results()));
    let document = server.get("/openapi.json").json();
    for (path, methods) in document["paths"].as_object().unwrap() {
        let is_list = methods.get("get").is_some() && !path.contains('{') && !path.ends_with("/events");
        if is_list && path != "/api/v1/compare" {
            let rows = server.get(path);
            assert!(rows.status == 200 && rows.json()["rows"].is_array(), "{path}: {}", rows.text());
        }
    }
    let series = server.get("/api/v1/series").json();
    let series = series["rows"][0]["series"].as_str().unwrap().to_owned();
    for path in ["/api/v1/series/KEY", "/api/v1/series/KEY/metrics", "/series?key=KEY"] {
        let answer = server.get(&path.replace("KEY", &series));
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
    }
    for page in [
        "/",
        "/matrix",
        "/compare",
        "/compatibility",
        "/runs",
        "/api",
        "/openapi.json",
        "/metrics",
        "/assets/style.css",
    ] {
        assert_eq!(server.get(page).status, 200, "{page}");
    }
}
