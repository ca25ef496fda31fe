//! A request of HTTP as a server between a client and another server reads it: [`Asked`]. One request a connection, with a body of a known
//! length.

use std::io::{self, BufRead as _, BufReader, Read as _, Write, copy};
use std::net::TcpStream;

/// What a client asks.
pub struct Asked {
    /// Method, path and version.
    pub first: String,
    /// The other lines of its head, but for those that are about the connection.
    head: String,
    pub body: Vec<u8>,
}

impl Asked {
    /// Of the next request; none where the client has gone.
    pub fn read(client: &mut TcpStream) -> io::Result<Option<Self>> {
        let mut reader = BufReader::new(client.try_clone()?);
        let (mut first, mut head, mut length, mut waits) = (String::new(), String::new(), 0, false);
        reader.read_line(&mut first)?;
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line)? == 0 {
                return Ok(None);
            }
            let lower = line.to_ascii_lowercase();
            if let Some(bytes) = lower.strip_prefix("content-length:") {
                length = bytes.trim().parse().unwrap();
            }
            assert!(!lower.starts_with("transfer-encoding:"), "bodies of a known length only are read");
            if line == "\r\n" {
                break;
            }
            waits |= lower.starts_with("expect:");
            if !lower.starts_with("connection:") && !lower.starts_with("expect:") {
                head += &line;
            }
        }
        if waits {
            client.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body)?;
        Ok(Some(Self { first, head, body }))
    }

    /// Asks the server at a port for it.
    pub fn forward(&self, port: u16, to: &mut dyn Write) -> io::Result<()> {
        let mut server = TcpStream::connect(("127.0.0.1", port))?;
        write!(server, "{}{}Connection: close\r\n\r\n", self.first, self.head)?;
        server.write_all(&self.body)?;
        copy(&mut server, to).map(drop)
    }
}
