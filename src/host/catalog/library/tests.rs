//! A small wheel from a server of our own: fetched, broken off, wrong, and by two at once.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use super::*;

const OBJECT: &str = "_duckdb.so";
const FILE_NAME: &str = "duckdb-9-py3.whl";

/// What the server does with the file.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Manner {
    Whole,
    /// Breaks off in the middle of each answer but goes on where it is asked to.
    Halves,
    /// Breaks off at the same place, and never goes on.
    Stuck,
    /// Has the package, and not the file.
    Missing,
}

/// A package index on this machine, for as long as the process lives.
struct Index {
    url: String,
    /// The ranges that were asked for, by each request for the file.
    asked: Arc<Mutex<Vec<Option<usize>>>>,
    pages: Arc<AtomicUsize>,
}

impl Index {
    fn start(content: Vec<u8>, manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://127.0.0.1:{}/simple", listener.local_addr().unwrap().port());
        let (asked, pages) = (Arc::<Mutex<Vec<_>>>::default(), Arc::<AtomicUsize>::default());
        let (seen, counted) = (Arc::clone(&asked), Arc::clone(&pages));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let _ = answer(stream, &content, manner, &seen, &counted);
            }
        });
        Self { url, asked, pages }
    }

    fn pip(&self) -> Pip {
        Pip { indexes: vec![self.url.clone()], ..Pip::default() }
    }
}

fn answer(
    mut stream: TcpStream,
    content: &[u8],
    manner: Manner,
    asked: &Mutex<Vec<Option<usize>>>,
    pages: &AtomicUsize,
) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let request = lines.next().transpose()?.unwrap_or_default();
    let mut from = None;
    for line in lines {
        let line = line?.to_lowercase();
        if line.is_empty() {
            break;
        }
        from = line.strip_prefix("range: bytes=").map_or(from, |rest| rest.trim_end_matches('-').parse().ok());
    }
    if request.contains("/simple/duckdb/ ") {
        pages.fetch_add(1, Ordering::SeqCst);
        let page = format!("<html><body><a href=\"../../files/{FILE_NAME}#sha256=0\">{FILE_NAME}</a></body></html>");
        return write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{page}", page.len());
    }
    if manner == Manner::Missing || !request.contains(&format!("/files/{FILE_NAME} ")) {
        return write!(stream, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    }
    asked.lock().unwrap().push(from);
    let start = from.unwrap_or(0);
    let rest = content.get(start..).unwrap_or_default();
    let status = if from.is_some() { "206 Partial Content" } else { "200 OK" };
    let range = from.map(|from| format!("Content-Range: bytes {from}-{}/{}\r\n", content.len() - 1, content.len()));
    let range = range.unwrap_or_default();
    write!(stream, "HTTP/1.1 {status}\r\nContent-Length: {}\r\n{range}Connection: close\r\n\r\n", rest.len())?;
    stream.write_all(match manner {
        Manner::Halves if start == 0 => &rest[..rest.len() / 2],
        Manner::Stuck if start == 0 => &rest[..7],
        Manner::Stuck => &[],
        _ => rest,
    })
}

/// A library that names one of Python's functions, as the C compiler makes it.
fn object() -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let (from, to) = (folder.path().join("of.c"), folder.path().join("of.so"));
    fs::write(&from, "int Py_Called(void); int duckdb_own(void) { return Py_Called(); }").unwrap();
    assert!(Command::new("cc").args(["-shared", "-fPIC", "-o"]).arg(&to).arg(&from).status().unwrap().success());
    fs::read(to).unwrap()
}

/// A zip archive of one file.
pub(super) fn zip_of(name: &str, content: &[u8], deflated: bool) -> Vec<u8> {
    let packed = if deflated { miniz_oxide::deflate::compress_to_vec(content, 6) } else { content.to_vec() };
    let mut middle = vec![20, 0, 0, 0, if deflated { 8 } else { 0 }, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    for length in [packed.len(), content.len()] {
        middle.extend(u32::try_from(length).unwrap().to_le_bytes());
    }
    middle.extend(u16::try_from(name.len()).unwrap().to_le_bytes());
    middle.extend([0, 0]);
    let mut archive = [zip::LOCAL, &middle, name.as_bytes(), &packed].concat();
    let list = u32::try_from(archive.len()).unwrap();
    archive.extend([zip::LISTED, &[20, 0], &middle, &[0; 14], name.as_bytes()].concat());
    let listed = u32::try_from(archive.len()).unwrap() - list;
    archive.extend([zip::END, &[0, 0, 0, 0, 1, 0, 1, 0], &listed.to_le_bytes(), &list.to_le_bytes(), &[0, 0]].concat());
    archive
}

fn pinned(archive: &[u8]) -> (Pinned, Wheel) {
    let wheel = Wheel {
        file: FILE_NAME.to_owned(),
        bytes: archive.len() as u64,
        sha256: sha256(archive),
        object: OBJECT.to_owned(),
    };
    let wheels = BTreeMap::new();
    (Pinned { package: "duckdb".to_owned(), version: "9".to_owned(), source_cpu_minutes: 1, wheels }, wheel)
}

/// What is left in the folder but for the lock and what is being made.
fn left(home: &Path) -> Vec<String> {
    let names = fs::read_dir(home).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.filter(|name| name != ".lock" && name != "making").collect();
    names.sort();
    names
}

#[test]
fn fetched_is_unpacked_untouched_with_its_stand_ins_and_fetched_once() {
    let home = tempfile::tempdir().unwrap();
    let object = object();
    let archive = zip_of(OBJECT, &object, true);
    let index = Index::start(archive.clone(), Manner::Whole);
    let (pinned, wheel) = pinned(&archive);
    let library = pinned.fetched_by(&wheel, home.path(), || index.pip()).unwrap();
    assert_eq!(fs::read(library.folder.join(FILE)).unwrap(), object);
    assert!(library.stub.as_ref().unwrap().is_file());
    assert!(library.facts.source.contains(FILE_NAME) && library.facts.source.contains(&wheel.sha256));
    let again = pinned.fetched_by(&wheel, home.path(), || panic!("nothing is to be fetched")).unwrap();
    assert_eq!(again, library);
    assert_eq!(*index.asked.lock().unwrap(), [None]);
    assert_eq!(left(home.path()), [format!("duckdb-9-{}", &wheel.sha256[..8])]);
    let making = fs::read_dir(home.path().join("making")).unwrap().count();
    assert_eq!(making, 0);
}

#[test]
fn fetched_goes_on_after_a_download_that_broke_off() {
    let home = tempfile::tempdir().unwrap();
    let archive = zip_of(OBJECT, &object(), true);
    let index = Index::start(archive.clone(), Manner::Halves);
    let (pinned, wheel) = pinned(&archive);
    pinned.fetched_by(&wheel, home.path(), || index.pip()).unwrap();
    assert_eq!(*index.asked.lock().unwrap(), [None, Some(archive.len() / 2)]);
}

#[test]
fn fetched_goes_on_after_what_an_interrupted_run_left() {
    let home = tempfile::tempdir().unwrap();
    let archive = zip_of(OBJECT, &object(), true);
    let index = Index::start(archive.clone(), Manner::Whole);
    let (pinned, wheel) = pinned(&archive);
    fs::write(home.path().join(format!("{FILE_NAME}.part")), &archive[..100]).unwrap();
    pinned.fetched_by(&wheel, home.path(), || index.pip()).unwrap();
    assert_eq!(*index.asked.lock().unwrap(), [Some(100)]);
}

#[test]
fn fetched_begins_anew_where_what_was_left_is_of_another_file() {
    let home = tempfile::tempdir().unwrap();
    let archive = zip_of(OBJECT, &object(), true);
    let index = Index::start(archive.clone(), Manner::Whole);
    let (pinned, wheel) = pinned(&archive);
    fs::write(home.path().join(format!("{FILE_NAME}.part")), [7; 100]).unwrap();
    pinned.fetched_by(&wheel, home.path(), || index.pip()).unwrap();
    assert_eq!(*index.asked.lock().unwrap(), [Some(100), None]);
}

#[test]
fn fetched_says_that_a_download_broke_off_and_keeps_what_came() {
    let home = tempfile::tempdir().unwrap();
    let archive = zip_of(OBJECT, &object(), true);
    let index = Index::start(archive.clone(), Manner::Stuck);
    let (pinned, wheel) = pinned(&archive);
    let error = pinned.fetched_by(&wheel, home.path(), || index.pip()).unwrap_err();
    let said = format!("{error:#}");
    assert!(said.contains("broke off after 7 B") && said.contains("it goes on from there"), "{said}");
    assert!(!error.is::<NotToBeHad>() && !said.contains('\n'), "{said}");
    assert_eq!(left(home.path()), [format!("{FILE_NAME}.part")]);
}

#[test]
fn fetched_refuses_another_file_of_the_same_size_and_keeps_nothing() {
    let home = tempfile::tempdir().unwrap();
    let archive = zip_of(OBJECT, &object(), true);
    let (pinned, wheel) = pinned(&archive);
    let mut other = archive;
    other[50] ^= 1;
    let index = Index::start(other.clone(), Manner::Whole);
    let error = pinned.fetched_by(&wheel, home.path(), || index.pip()).unwrap_err();
    let said = format!("{error:#}");
    for part in [&format!("/files/{FILE_NAME} is not what engines.toml names"), &sha256(&other), &wheel.sha256] {
        assert!(said.contains(part), "{said}");
    }
    assert!(!error.is::<NotToBeHad>(), "a wrong file is no reason to go on without it");
    assert_eq!(left(home.path()), Vec::<String>::new());
}

#[test]
fn fetched_tells_what_is_not_to_be_had_from_what_is_wrong() {
    let home = tempfile::tempdir().unwrap();
    let archive = zip_of(OBJECT, &object(), true);
    let (pinned, wheel) = pinned(&archive);
    let missing = Index::start(archive.clone(), Manner::Missing).pip();
    let unknown = Pip { indexes: vec![missing.indexes[0].replace("simple", "nowhere")], ..Pip::default() };
    // A port that nobody listens at.
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let offline = Pip { indexes: vec![format!("http://me:word@127.0.0.1:{free}/simple")], ..Pip::default() };
    for pip in [missing, unknown, offline, Pip::default()] {
        let error = pinned.fetched_by(&wheel, home.path(), || pip.clone()).unwrap_err();
        let said = format!("{error:#}");
        assert!(error.is::<NotToBeHad>(), "{said}");
        assert!(!said.contains("word") && !said.contains('\n'), "{said}");
    }
    assert_eq!(left(home.path()), Vec::<String>::new());
}

#[test]
fn fetched_takes_a_folder_that_pip_is_told_of_before_any_index() {
    let home = tempfile::tempdir().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let archive = zip_of(OBJECT, &object(), false);
    let (pinned, wheel) = pinned(&archive);
    fs::write(folder.path().join(FILE_NAME), &archive).unwrap();
    let pip = Pip { folders: vec![folder.path().to_owned()], ..Pip::default() };
    pinned.fetched_by(&wheel, home.path(), || pip.clone()).unwrap();
    assert!(folder.path().join(FILE_NAME).is_file());
    fs::write(folder.path().join(FILE_NAME), b"another").unwrap();
    let other = tempfile::tempdir().unwrap();
    let said = format!("{:#}", pinned.fetched_by(&wheel, other.path(), || pip).unwrap_err());
    assert!(said.contains("is another file than engines.toml names: it has 7 bytes"), "{said}");
}

#[test]
fn fetched_by_two_at_once_is_fetched_by_one() {
    let home = tempfile::tempdir().unwrap();
    let archive = zip_of(OBJECT, &object(), true);
    let index = Index::start(archive.clone(), Manner::Whole);
    let (pinned, wheel) = pinned(&archive);
    // Each opens the lock's file for itself, as two processes do.
    let fetch = || pinned.fetched_by(&wheel, home.path(), || index.pip()).unwrap();
    let (one, other) = std::thread::scope(|scope| {
        let (one, other) = (scope.spawn(fetch), scope.spawn(fetch));
        (one.join().unwrap(), other.join().unwrap())
    });
    assert_eq!(one, other);
    assert_eq!((index.pages.load(Ordering::SeqCst), index.asked.lock().unwrap().len()), (1, 1));
}

#[test]
fn fetched_leaves_no_folder_when_there_is_no_room() {
    let home = tempfile::tempdir().unwrap();
    let archive = zip_of(OBJECT, &object(), true);
    let (pinned, wheel) = pinned(&archive);
    let huge = Wheel { bytes: u64::MAX / COPIES, ..wheel };
    let said = format!("{:#}", pinned.fetched_by(&huge, home.path(), Pip::default).unwrap_err());
    assert!(said.contains("free some space, or set CARGO_TARGET_DIR") && !said.contains('\n'), "{said}");
    assert_eq!(left(home.path()), Vec::<String>::new());
}

#[test]
fn put_beside_links_the_library_and_follows_it_when_it_is_another() {
    let home = tempfile::tempdir().unwrap();
    let programs = tempfile::tempdir().unwrap();
    let made = |content: &[u8], name: &str| {
        let folder = home.path().join(name);
        place::make(&folder, content, "a test".to_owned()).unwrap();
        Library::in_folder(&folder, home.path()).unwrap()
    };
    let first = made(&object(), "first");
    first.put_beside(programs.path()).unwrap();
    let beside = programs.path().join(FILE);
    let as_of = |path: &Path| fs::metadata(path).unwrap().modified().unwrap();
    assert_eq!(as_of(&beside), as_of(&home.path().join("first").join(FILE)));
    assert_eq!(left(programs.path()), [FILE, stub::FILE]);
    let mut changed = object();
    changed.extend([0; 16]);
    made(&changed, "second").put_beside(programs.path()).unwrap();
    assert_eq!(fs::read(&beside).unwrap(), changed);
}

#[test]
fn in_folder_says_what_is_missing() {
    let home = tempfile::tempdir().unwrap();
    let said = format!("{:#}", Library::in_folder(home.path(), home.path()).unwrap_err());
    assert!(said.contains(FOLDER) && said.contains("libduckdb.so cannot be read"), "{said}");
    let script = home.path().join(FILE);
    fs::write(&script, "GROUP ( elsewhere )").unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    let said = format!("{:#}", Library::in_folder(home.path(), home.path()).unwrap_err());
    assert!(said.contains("is no shared library"), "{said}");
}

#[test]
fn origin_is_what_the_user_says_and_a_machine_without_a_wheel_compiles() {
    let (mut pinned, wheel) = pinned(b"any");
    assert_eq!(pinned.origin(Some(DuckDbFrom::Wheel)), Origin::Source);
    pinned.wheels.insert(env::consts::ARCH.to_owned(), wheel.clone());
    assert_eq!(pinned.origin(Some(DuckDbFrom::Wheel)), Origin::Wheel(&wheel));
    assert_eq!(pinned.origin(Some(DuckDbFrom::Source)), Origin::Source);
}

#[test]
fn arguments_name_the_folder_once_and_the_stand_ins_by_their_path() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("a,b");
    place::make(&folder, &object(), "a test".to_owned()).unwrap();
    let facts = Library::in_folder(&folder, home.path()).unwrap().facts;
    let library = Library { stub: Some(folder.join(stub::FILE)), folder: folder.clone(), facts };
    let arguments = library.arguments();
    let count = |wanted: &Path| {
        let wanted = format!("link-arg={}", wanted.display());
        arguments.iter().filter(|argument| argument.to_string_lossy() == wanted).count()
    };
    assert_eq!((count(&folder), count(&folder.join(stub::FILE))), (1, 1));
    assert_eq!(count(Path::new("$ORIGIN")), 1);
}
