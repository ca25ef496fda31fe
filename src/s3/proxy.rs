//! A [`Proxy`] on loopback between an engine and a server that speaks HTTP: it counts, and charges what a [`Network`] says.
//!
//! A client signs its requests for the host that it asks, and the signature covers the header `Host`. So the proxy is the endpoint that
//! the client is told, and passes every header on as it is: the server computes the signature over the same `Host`, and finds it right.
//! That takes paths with the bucket in them, and plain HTTP: who asks a server that knows itself by its name, or by TLS, asks it directly.
//! Each connection of a client has one of its own to the server, so that connections are what the client opens.

use std::convert::Infallible;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context as _, Result};
use http_body_util::{BodyExt as _, Full, combinators::BoxBody};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::CONTENT_TYPE;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Mutex;
use tokio::time::sleep;

use super::body::Metered;
use super::pace::Pace;
use crate::protocol::network::{Network, Traffic};

type Error = Box<dyn std::error::Error + Send + Sync>;
type Answer = Response<BoxBody<Bytes, Error>>;

/// One that listens.
pub(super) struct Proxy {
    pub(super) port: u16,
    shared: Arc<Shared>,
}

/// What all connections have in common.
struct Shared {
    server: String,
    network: Network,
    total: Option<Arc<Pace>>,
    requests: AtomicU64,
    connections: AtomicU64,
    received: Arc<AtomicU64>,
    sent: Arc<AtomicU64>,
    errors: AtomicU64,
    unreachable: AtomicU64,
    spoiled: Arc<AtomicU64>,
}

impl Proxy {
    /// Listens on a free port of this machine.
    ///
    /// # Errors
    /// When there is none.
    pub(super) async fn start(server: String, network: Network) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.context("no port of this machine is free")?;
        let port = listener.local_addr()?.port();
        let shared = Arc::new(Shared {
            server,
            total: network.total_rate.map(|rate| Arc::new(Pace::new(rate))),
            network,
            requests: AtomicU64::default(),
            connections: AtomicU64::default(),
            received: Arc::default(),
            sent: Arc::default(),
            errors: AtomicU64::default(),
            unreachable: AtomicU64::default(),
            spoiled: Arc::default(),
        });
        tokio::spawn(accept(listener, Arc::clone(&shared)));
        Ok(Self { port, shared })
    }

    pub(super) fn traffic(&self) -> Traffic {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let Shared { requests, connections, received, sent, errors, unreachable, spoiled, .. } = &*self.shared;
        Traffic {
            requests: count(requests),
            connections: count(connections),
            bytes_received: count(received),
            bytes_sent: count(sent),
            errors: count(errors),
            unreachable: count(unreachable),
            spoiled: count(spoiled),
        }
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    loop {
        // Too many open files, or a client that is gone already: the next may come through.
        let Ok((client, _)) = listener.accept().await else { continue };
        let _ = client.set_nodelay(true);
        shared.connections.fetch_add(1, Ordering::Relaxed);
        tokio::spawn(serve(client, Arc::clone(&shared)));
    }
}

/// One connection of a client.
async fn serve(client: TcpStream, shared: Arc<Shared>) {
    sleep(shared.network.rtt).await;
    let pace = shared.network.rate.map(|rate| Arc::new(Pace::new(rate)));
    let connection = Arc::new(Connection {
        paces: shared.total.iter().cloned().chain(pace).collect(),
        shared,
        server: Mutex::default(),
    });
    let service = service_fn(|request| {
        let connection = Arc::clone(&connection);
        async move { Ok::<_, Infallible>(connection.answer(request).await) }
    });
    // A client that goes away in the middle is its own affair.
    let _ = http1::Builder::new().timer(TokioTimer::new()).serve_connection(TokioIo::new(client), service).await;
}

struct Connection {
    shared: Arc<Shared>,
    paces: Vec<Arc<Pace>>,
    /// The one to the server, once there is one.
    server: Mutex<Option<SendRequest<Metered>>>,
}

impl Connection {
    async fn answer(&self, request: Request<Incoming>) -> Answer {
        let Shared { network, .. } = &*self.shared;
        let number = self.shared.requests.fetch_add(1, Ordering::Relaxed);
        if let Some((busy, of)) = network.unavailable.filter(|(busy, of)| number % u64::from(*of) < u64::from(*busy)) {
            self.shared.spoiled.fetch_add(1, Ordering::Relaxed);
            sleep(network.first_byte).await;
            let why = format!("the network was set to fail {busy} of {of} requests");
            return told(request.method(), StatusCode::SERVICE_UNAVAILABLE, "SlowDown", &why);
        }
        let method = request.method().clone();
        let came = self.forward(request).await;
        sleep(network.first_byte).await;
        match came {
            Ok(response) => {
                if response.status().is_client_error() || response.status().is_server_error() {
                    self.shared.errors.fetch_add(1, Ordering::Relaxed);
                }
                let cut = network.cut.map(|cut| cut.0);
                response.map(|body| {
                    let metered = Metered::new(body, Arc::clone(&self.shared.received), self.paces.clone());
                    metered.cut_after(cut, Arc::clone(&self.shared.spoiled)).boxed()
                })
            }
            Err(error) => {
                self.shared.unreachable.fetch_add(1, Ordering::Relaxed);
                let why = format!("no server answers at {}: {error}", self.shared.server);
                told(&method, StatusCode::BAD_GATEWAY, "BadGateway", &why)
            }
        }
    }

    /// Passes a request on as it is. The next one of a client comes when this one is answered.
    async fn forward(&self, request: Request<Incoming>) -> Result<Response<Incoming>, Error> {
        let mut server = self.server.lock().await;
        let mut sender = match server.take().filter(|sender| !sender.is_closed()) {
            Some(sender) => sender,
            None => self.connect().await?,
        };
        if sender.ready().await.is_err() {
            sender = self.connect().await?;
        }
        let body = |inner| Metered::new(inner, Arc::clone(&self.shared.sent), self.paces.clone());
        let response = sender.send_request(request.map(body)).await?;
        *server = Some(sender);
        Ok(response)
    }

    async fn connect(&self) -> Result<SendRequest<Metered>, Error> {
        let stream = TcpStream::connect(&self.shared.server).await?;
        let _ = stream.set_nodelay(true);
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        // Its end shows in the sender.
        tokio::spawn(connection);
        Ok(sender)
    }
}

/// An answer of our own, as a store would give it.
fn told(method: &Method, status: StatusCode, code: &str, why: &str) -> Answer {
    let text =
        format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?><Error><Code>{code}</Code><Message>{why}</Message></Error>");
    let text = if *method == Method::HEAD { String::new() } else { text };
    let body = Full::new(Bytes::from(text)).map_err(|never| match never {}).boxed();
    let mut answer = Response::new(body);
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, hyper::header::HeaderValue::from_static("application/xml"));
    answer
}
