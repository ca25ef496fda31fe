//! The server's pages in a real browser: nothing goes wrong at any width, in light and dark; choices are in the address; a keyboard gets
//! everywhere; axe-core finds nothing serious. Needs the programs of the history and of the server, and a Chromium; axe-core comes from npm.

mod common;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use common::browser::Browser;
use common::history::History;
use common::server::{Server, record};
use common::text;
use querydyno::host::checksum::sha256_of_file;
use serde_json::{Value, json};

/// As phones, tablets and desks have them.
const WIDTHS: [u32; 3] = [400, 1000, 1600];

/// A history, its server, and a browser that looks at it.
struct Site {
    server: Server,
    browser: Browser,
    _history: History,
}

impl Site {
    fn of(history: Option<History>) -> Option<Self> {
        let history = history?;
        let browser = Browser::start()?;
        let server = Server::start(history.folder.path(), &[], &[])?;
        Some(Self { server, browser, _history: history })
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.server.address)
    }

    fn open(&mut self, path: &str) {
        let url = self.url(path);
        self.browser.open(&url);
    }

    fn address(&mut self) -> String {
        self.browser.ask("location.pathname + location.search").as_str().unwrap().to_owned()
    }

    /// The address of every kind of page, with something on it.
    fn pages(&self) -> Vec<String> {
        let first = |path: &str, name: &str| {
            let rows = self.server.get(path).json();
            rows["rows"][0][name].as_str().unwrap_or_else(|| panic!("{path}: {rows}")).to_owned()
        };
        let of = |provenance: &str| first(&format!("/api/v1/results?provenance={provenance}"), "record");
        let measured = first("/api/v1/results?outcome=failed", "record");
        let series = first("/api/v1/series?filter=duckdb/q6", "series");
        let mut pages: Vec<String> = ["/", "/matrix", "/query?query=q6", "/compare", "/compatibility", "/runs", "/api"]
            .map(str::to_owned)
            .into();
        pages.push(format!("/series?key={series}"));
        pages.push(format!("/result?record={}", of("simulated")));
        pages.push(format!("/result?record={measured}"));
        pages.push("/matrix?metric=peak_memory&scale=sf0.01".to_owned());
        pages
    }
}

/// What a page has to be like at a width; none where it is.
fn wrong(site: &mut Site, path: &str, width: u32, is_dark: bool) -> Vec<String> {
    site.browser.show(width, is_dark);
    site.open(path);
    if path.starts_with("/series") {
        site.browser.until("!!document.querySelector('.chart canvas')");
    }
    let own = site.url("/");
    let mut wrong: Vec<String> =
        site.browser.complaints().into_iter().map(|complaint| format!("says {complaint}")).collect();
    let foreign = |url: &String| !url.starts_with(&own) && !url.starts_with("data:");
    wrong.extend(site.browser.fetched().into_iter().filter(foreign).map(|url| format!("fetches {url}")));
    let seen = site.browser.ask(
        "(() => {
            const root = document.documentElement, wide = root.clientWidth;
            const [red, green, blue] = getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number);
            const out = [...document.querySelectorAll('main *')].filter((element) => {
                if (element.closest('.wide, pre, figure, .chart, .skip')) return false;
                const { left, right, width } = element.getBoundingClientRect();
                return width > 0 && (right > wide + 1 || left < -1);
            });
            return {
                over: root.scrollWidth - wide, light: red + green + blue > 3 * 128,
                title: document.title, heads: document.querySelectorAll('h1').length,
                out: out.map((element) => element.outerHTML.slice(0, 120)),
            };
        })()",
    );
    if seen["over"].as_i64() > Some(0) {
        wrong.push(format!("is {} pixels too wide", seen["over"]));
    }
    wrong.extend(seen["out"].as_array().unwrap().iter().map(|element| format!("cuts off {element}")));
    if seen["light"] == is_dark {
        wrong.push("has the other colours".to_owned());
    }
    if seen["heads"] != 1 || !seen["title"].as_str().unwrap().ends_with("QueryDyno") {
        wrong.push(format!("has not one heading and a title: {seen}"));
    }
    wrong
}

fn check_widths(site: &mut Site, pages: &[String]) {
    let mut all = Vec::new();
    for path in pages {
        for (width, is_dark) in WIDTHS.iter().flat_map(|width| [(*width, false), (*width, true)]) {
            let wrong = wrong(site, path, width, is_dark);
            all.extend(wrong.into_iter().map(|wrong| format!("{path} at {width}, dark {is_dark}: {wrong}")));
        }
    }
    assert!(all.is_empty(), "{}", all.join("\n"));
}

#[test]
fn every_page_fits_and_says_nothing_at_each_width_in_light_and_dark() {
    let Some(mut site) = Site::of(History::new()) else { return };
    let pages = site.pages();
    check_widths(&mut site, &pages);
    // It would be seen.
    site.browser.ask(
        "document.querySelector('main').innerHTML += '<div style=\"width:3000px\">wide</div>'; console.error('said')",
    );
    assert!(site.browser.complaints()[0].contains("said"));
    let seen = site.browser.ask("document.documentElement.scrollWidth");
    assert!(seen.as_u64() > Some(2500), "{seen}");
}

#[test]
fn pages_of_nothing_say_so() {
    let Some(mut site) = Site::of(History::empty()) else { return };
    let pages = ["/", "/matrix", "/compare", "/compatibility", "/runs"].map(str::to_owned);
    check_widths(&mut site, &pages);
    for page in &pages[..2] {
        site.open(page);
        let says = site.browser.ask("document.querySelector('main').innerText");
        assert!(says.as_str().unwrap().contains("cargo bench"), "{page}: {says}");
    }
    // What there is not is told by a page too; that it is an error is all the console says.
    site.open("/result?record=nothing:1");
    let complaints = site.browser.complaints();
    assert!(complaints.len() == 1 && complaints[0].contains("404"), "{complaints:?}");
    assert!(site.browser.ask("document.querySelector('main a').href").as_str().unwrap().ends_with('/'));
}

/// The columns of the matrix but its first.
const COLUMNS: &str = "[...document.querySelectorAll('main table thead th')].slice(1).map((th) => th.textContent)";
/// The engines that are checked.
const CHECKED: &str = "[...document.querySelectorAll('fieldset input:checked')].map((input) => input.name.slice(2))";

#[test]
fn choices_are_in_the_address_and_back_goes_back() {
    let Some(mut site) = Site::of(History::new()) else { return };
    site.browser.show(1000, false);
    let start = "/matrix?scale=sf0.01";
    site.open(start);
    let all = site.browser.ask(COLUMNS);
    let all: Vec<String> = serde_json::from_value(all).unwrap();
    assert!(all.len() >= 3, "{all:?}");
    // By the keyboard, as the mouse does the same.
    let mut chosen = Vec::new();
    for engine in [&all[2], &all[0]] {
        chosen.push(engine.clone());
        let input = format!("document.querySelector('fieldset input[name=\"e.{engine}\"]')");
        site.browser.ask(&format!("{input}.focus()"));
        site.browser.press(" ");
        site.browser.loaded();
        site.browser.until(&format!("document.readyState === 'complete' && {input}?.checked === true"));
        let wanted: Vec<&String> = all.iter().filter(|engine| chosen.contains(engine)).collect();
        assert_eq!(site.browser.ask(COLUMNS), json!(wanted));
        assert_eq!(site.browser.ask(CHECKED), json!(wanted));
    }
    let both = site.address();
    assert!(both.matches("e.").count() == 2 && both.contains("scale=sf0.01"), "{both}");
    // What is held against what is another content under another address.
    let select = "document.querySelector('select[name=baseline]')";
    site.browser.ask(&format!(
        "{select}.value = {}; {select}.dispatchEvent(new Event('change', {{ bubbles: true }}))",
        json!(all[0])
    ));
    site.browser.loaded();
    let held = site.address();
    assert!(held.contains("baseline="), "{held}");
    // Back shows each as it was, with what is checked.
    for columns in [2, 1, all.len()] {
        site.browser.ask("history.back()");
        site.browser.until(&format!("document.readyState === 'complete' && ({COLUMNS}).length === {columns} && !location.search.includes('baseline=')"));
        let checked = if columns == all.len() { 0 } else { columns };
        site.browser.until(&format!("({CHECKED}).length === {checked}"));
    }
    assert_eq!(site.address(), start);
    // A link shows the same.
    site.open(&both);
    assert_eq!(site.browser.ask(CHECKED).as_array().unwrap().len(), 2);
    site.open(&held);
    assert_eq!(site.browser.ask(&format!("{select}.value")), json!(all[0]));
    assert!(site.browser.complaints().is_empty());
    // Without a script there is a button.
    site.browser.command("Emulation.setScriptExecutionDisabled", &json!({ "value": true }));
    site.open(start);
    site.browser.command("Emulation.setScriptExecutionDisabled", &json!({ "value": false }));
    assert_eq!(site.browser.ask("document.querySelectorAll('noscript button').length"), 1);
}

/// All that can be done on a page, numbered.
const CONTROLS: &str = "[...document.querySelectorAll('a[href], button, select, input, summary, [tabindex]')]
    .filter((element) => element.type !== 'hidden' && (element.checkVisibility() || element.matches('.skip')))
    .map((element, place) => element.dataset.place = place).length";
/// Which of it has the focus, and whether that is seen.
const FOCUSED: &str = "(() => {
    const element = document.activeElement, style = getComputedStyle(element);
    const { width, height, left } = element.getBoundingClientRect();
    const seen = style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2 && width > 0 && height > 0 && left >= -1;
    return [element.dataset.place === undefined ? null : Number(element.dataset.place), seen, element.outerHTML.slice(0, 120)];
})()";

#[test]
fn a_keyboard_gets_to_every_control_and_it_is_seen_where() {
    let Some(mut site) = Site::of(History::new()) else { return };
    site.browser.show(1000, false);
    for path in site.pages() {
        site.open(&path);
        let count = site.browser.ask(CONTROLS).as_u64().unwrap();
        assert!(count > 7, "{path}: {count}");
        let mut reached = std::collections::BTreeSet::new();
        // In the order of the page, each once.
        for wanted in 0..count {
            site.browser.press("Tab");
            let focused = site.browser.ask(FOCUSED);
            let Some(place) = focused[0].as_u64() else { panic!("{path}: the focus is lost at {wanted}: {focused}") };
            assert_eq!(place, wanted, "{path}: {focused}");
            assert_eq!(focused[1], true, "{path}: nobody sees that it is at {focused}");
            reached.insert(place);
        }
        assert_eq!(reached.len() as u64, count, "{path}");
    }
    // The first leads past the ways around.
    site.open("/");
    site.browser.press("Tab");
    site.browser.press("Enter");
    assert_eq!(site.browser.ask("location.hash"), "#main");
    // Enter opens what is folded up.
    site.open("/api");
    site.browser.ask("document.querySelector('summary').focus()");
    site.browser.press("Enter");
    site.browser.until("document.querySelector('details').open");
}

#[test]
fn a_page_says_that_the_history_has_changed() {
    let Some(mut site) = Site::of(History::new()) else { return };
    site.browser.show(1000, false);
    site.open("/runs");
    let made = site.browser.ask("document.querySelector('footer.made').innerText");
    assert!(made.as_str().unwrap().starts_with("As of 20"), "{made}");
    let mut new = record("r-new", 1);
    new["started_at"] = "2026-11-28T12:00:00.000Z".into();
    assert_eq!(site.server.post("/api/v1/results", new.to_string().as_bytes()).status, 201);
    let began = Instant::now();
    site.browser.until("document.querySelector('#news').innerText.includes('has changed')");
    // Until the new one is made, the link shows the one before.
    while !site.browser.ask("document.querySelector('main').innerText").as_str().unwrap().contains("r-new") {
        assert!(began.elapsed() < Duration::from_secs(30), "the new run does not appear");
        std::thread::sleep(Duration::from_millis(200));
        site.browser.until("!!document.querySelector('#news a')");
        site.browser.ask("document.querySelector('#news a').click()");
        site.browser.loaded();
    }
    site.browser.until("document.querySelector('#news').innerText === ''");
    assert!(site.browser.complaints().is_empty());
}

#[test]
fn paper_has_no_controls_and_light_colours() {
    let Some(mut site) = Site::of(History::new()) else { return };
    site.browser.show(1000, true);
    site.open("/matrix");
    let dark = json!([{ "name": "prefers-color-scheme", "value": "dark" }]);
    site.browser.command("Emulation.setEmulatedMedia", &json!({ "media": "print", "features": dark }));
    let seen = site.browser.ask(
        "(() => {
            const style = (selector) => getComputedStyle(document.querySelector(selector));
            return [style('header.top').display, style('form').display, style('body').backgroundColor, style('.wide').overflowX];
        })()",
    );
    assert_eq!(seen, json!(["none", "none", "rgb(255, 255, 255)", "visible"]));
}

/// axe-core, MPL-2.0, by its version and the checksum of what is run of it.
const AXE: (&str, &str) = ("axe-core@4.14.1", "29348999450cdf2849a8e70b7912fc2da85a849da39c0d0d5394f51d4a9ed95c");

/// Its script, fetched once with npm; none where that cannot be.
fn axe() -> Option<PathBuf> {
    let (package, sha256) = AXE;
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(package);
    let script = folder.join("package/axe.min.js");
    if !script.is_file() {
        std::fs::create_dir_all(&folder).unwrap();
        let left_out = |why: &str| {
            let _ = writeln!(std::io::stderr(), "LEFT OUT: {package} looks at no page: {why}");
            None
        };
        let packed = Command::new("npm").args(["pack", "--silent", package]).current_dir(&folder).output();
        let Ok(packed) = packed else { return left_out("there is no npm") };
        if !packed.status.success() {
            return left_out(&text(&packed));
        }
        let file = String::from_utf8_lossy(&packed.stdout).trim().to_owned();
        let unpacked = Command::new("tar").args(["xzf", &file]).current_dir(&folder).status();
        assert!(unpacked.unwrap().success(), "{file}");
    }
    assert_eq!(sha256_of_file(&script).unwrap(), sha256, "{} is not what it was", script.display());
    Some(script)
}

/// What axe-core has against the page that is shown: serious and critical.
fn violations(browser: &mut Browser) -> Vec<Value> {
    let run =
        "axe.run().then((found) => found.violations.filter(({ impact }) => ['serious', 'critical'].includes(impact))
        .map(({ id, help, nodes }) => ({ id, help, nodes: nodes.slice(0, 5).map(({ html }) => html.slice(0, 200)) })))";
    serde_json::from_value(browser.ask(run)).unwrap()
}

#[test]
fn axe_finds_nothing_serious_on_any_page() {
    let Some(mut site) = Site::of(History::new()) else { return };
    let Some(script) = axe() else { return };
    let script = std::fs::read_to_string(script).unwrap();
    let mut all = Vec::new();
    let mut pages = site.pages();
    pages.push("/result?record=nothing:1".to_owned());
    for (width, is_dark) in [(400, false), (400, true), (1600, false), (1600, true)] {
        site.browser.show(width, is_dark);
        for path in &pages {
            site.open(path);
            site.browser.ask(&format!("{script}; 1"));
            let found = violations(&mut site.browser);
            all.extend(found.into_iter().map(|found| format!("{path} at {width}, dark {is_dark}: {found}")));
        }
    }
    assert!(all.is_empty(), "{}", all.join("\n"));
    // It would find something.
    site.browser.ask("document.querySelector('main').innerHTML += '<button></button><p style=\"color:#888;background:#999\">pale</p>'");
    let planted = violations(&mut site.browser);
    let ids: Vec<&str> = planted.iter().map(|found| found["id"].as_str().unwrap()).collect();
    assert!(ids.contains(&"button-name") && ids.contains(&"color-contrast"), "{ids:?}");
}
