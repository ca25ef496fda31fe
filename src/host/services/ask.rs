//! Whether a server on this machine answers, in the least that its protocol has. A port that is open says less: one whose server was
//! stopped by a signal is open too.

use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::time::Duration;

use serde_json::Value;

/// Time for one try to connect.
const CONNECT: Duration = Duration::from_millis(500);
/// Time for each answer.
const PATIENCE: Duration = Duration::from_secs(2);
/// More than any answer that is asked for here.
const LONGEST: u64 = 4 << 20;

pub(super) fn connect(port: u16) -> io::Result<TcpStream> {
    let stream = TcpStream::connect_timeout(&(Ipv4Addr::LOCALHOST, port).into(), CONNECT)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    Ok(stream)
}

/// Whether somebody takes a connection.
pub(super) fn takes_connections(port: u16) -> bool {
    connect(port).is_ok()
}

/// Whether the server speaks HTTP/2, as one of gRPC does: it answers the preface with its settings.
pub(super) fn speaks_http2(port: u16) -> bool {
    /// With a frame of no settings.
    const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
    const SETTINGS: u8 = 4;
    let greeting = || {
        let mut stream = connect(port)?;
        stream.write_all(PREFACE)?;
        // Three bytes of length, one of type, one of flags, four of a stream.
        let mut frame = [0; 9];
        stream.read_exact(&mut frame)?;
        io::Result::Ok(frame[3])
    };
    greeting().is_ok_and(|kind| kind == SETTINGS)
}

/// What the server answers a GET, or a POST of this text, if that is JSON.
pub(super) fn json(port: u16, path: &str, posted: Option<&str>) -> Option<Value> {
    let answer = answer(port, path, posted).ok()?;
    let body = answer.windows(4).position(|end| end == b"\r\n\r\n")? + 4;
    serde_json::from_slice(&answer[body..]).ok()
}

/// Whether the server answers a GET with the status 200.
pub(super) fn is_ok(port: u16, path: &str) -> bool {
    answer(port, path, None).is_ok_and(|answer| answer.get(8..12) == Some(b" 200"))
}

fn answer(port: u16, path: &str, posted: Option<&str>) -> io::Result<Vec<u8>> {
    let mut stream = connect(port)?;
    // Of version 1.0 the answer ends with the connection.
    let head = format!("{path} HTTP/1.0\r\nHost: 127.0.0.1:{port}\r\nX-Trino-User: querydyno\r\n");
    let request = match posted {
        Some(text) => format!("POST {head}Content-Length: {}\r\n\r\n{text}", text.len()),
        None => format!("GET {head}\r\n"),
    };
    stream.write_all(request.as_bytes())?;
    let mut answer = Vec::new();
    stream.take(LONGEST).read_to_end(&mut answer)?;
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::thread;

    use super::*;

    /// A server of one connection that says this, whatever it is asked.
    fn saying(text: &'static [u8]) -> u16 {
        let socket = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = socket.local_addr().unwrap().port();
        thread::spawn(move || {
            let (mut client, _) = socket.accept().unwrap();
            // All that is asked: what is left unread would reset the connection.
            let mut asked = [0; 4096];
            let _ = client.read(&mut asked).unwrap();
            client.write_all(text).unwrap();
        });
        port
    }

    #[test]
    fn speaks_http2_is_false_for_a_silent_open_port() {
        let silent = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = silent.local_addr().unwrap().port();
        assert!(takes_connections(port) && !speaks_http2(port));
        assert!(!speaks_http2(saying(b"HTTP/1.1 400 Bad Request\r\n\r\n")));
        assert!(speaks_http2(saying(b"\0\0\0\x04\0\0\0\0\0")));
    }

    #[test]
    fn json_is_read_behind_the_head() {
        let port = saying(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{\"starting\":false}");
        assert_eq!(json(port, "/v1/info", None).unwrap()["starting"], false);
        assert_eq!(json(saying(b"HTTP/1.1 503 No\r\n\r\nnot yet"), "/", None), None);
    }
}
