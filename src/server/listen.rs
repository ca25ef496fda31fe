//! The socket: connections up to a limit, headers within a time, and an end that lets requests finish.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use rustix::process::{Resource, getrlimit, setrlimit};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::Semaphore;
use tower::ServiceExt as _;

use super::app::App;

/// How long the headers of a request may take, and a connection may be idle.
const HEADERS: Duration = Duration::from_secs(10);
/// All headers together.
const HEADER_BYTES: usize = 64 << 10;
/// How long requests have to finish at the end.
const FINISHING: Duration = Duration::from_secs(10);
/// Files that are open beside connections: the history, the journal, programs.
const FILES: u64 = 128;
/// Connections that wait to be taken, as far as the system allows.
const WAITING: u32 = 4096;
/// What who comes too much is told, without reading what they ask.
const FULL: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nRetry-After: 5\r\nConnection: close\r\n\r\n";

/// The address that a request came from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Peer(pub(super) SocketAddr);

/// Raises the limit of open files as far as the system lets us; how many connections there may be at a time.
pub(super) fn connections(wanted: u32) -> usize {
    let mut limit = getrlimit(Resource::Nofile);
    let enough = u64::from(wanted) + FILES;
    if limit.current.is_some_and(|current| current < enough) {
        limit.current = Some(limit.maximum.map_or(enough, |most| most.min(enough)));
        let _ = setrlimit(Resource::Nofile, limit);
    }
    let files = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    let most = files.saturating_sub(FILES).max(1).min(wanted.into());
    usize::try_from(most).unwrap_or(1)
}

/// Listens on an address, with room for those who come at once: whom there is no room for would try again after a second.
///
/// # Errors
/// When another program has the port, or the address is no one of this machine.
pub(super) fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(WAITING)
}

/// Serves until `stop`, then until the requests that are under way have ended.
pub(super) async fn serve(
    app: Arc<App>,
    listener: TcpListener,
    router: Router,
    most: usize,
    stop: impl Future<Output = ()>,
) {
    let permits = Arc::new(Semaphore::new(most));
    let graceful = GracefulShutdown::new();
    let mut stop = std::pin::pin!(stop);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut stop => break,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // One that was gone before it was taken, or no file is left: neither ends the server.
                log::warn!("no connection: {error}");
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        let Ok(permit) = Arc::clone(&permits).try_acquire_owned() else {
            app.counters.refused.fetch_add(1, Ordering::Relaxed);
            let _ = stream.try_write(FULL);
            continue;
        };
        let _ = stream.set_nodelay(true);
        let (app, router) = (Arc::clone(&app), router.clone());
        let connection = graceful.watch(connection(stream, peer, router));
        tokio::spawn(async move {
            app.counters.connections.fetch_add(1, Ordering::Relaxed);
            // What is wrong with a connection is its other side's business.
            let _ = connection.await;
            app.counters.connections.fetch_sub(1, Ordering::Relaxed);
            drop(permit);
        });
    }
    drop(listener);
    if tokio::time::timeout(FINISHING, graceful.shutdown()).await.is_err() {
        log::warn!("some requests were not finished");
    }
}

fn connection(
    stream: TcpStream,
    peer: SocketAddr,
    router: Router,
) -> http1::Connection<
    TokioIo<TcpStream>,
    impl hyper::service::HttpService<hyper::body::Incoming, ResBody = Body, Error = Infallible, Future: Send> + Send,
> {
    let service = service_fn(move |request: Request<hyper::body::Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(Peer(peer));
        router.clone().oneshot(request)
    });
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADERS)
        .max_buf_size(HEADER_BYTES)
        .serve_connection(TokioIo::new(stream), service)
}
