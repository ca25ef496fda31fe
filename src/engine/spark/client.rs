//! A session of a server that speaks Spark Connect: plans, results as Arrow, settings, and errors that say what to do next.
//!
//! Every call has a deadline; a plan that reaches it is interrupted on the server.

use std::collections::BTreeMap;
use std::future::Future;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow, bail, ensure};
use arrow::array::RecordBatch;
use arrow::buffer::Buffer;
use arrow_ipc::reader::StreamDecoder;
use proto::analyze_plan_request::explain::ExplainMode;
use proto::analyze_plan_request::{self as analyze, Analyze};
use proto::analyze_plan_response::Result as Analyzed;
use proto::config_request::operation::OpType;
use proto::config_request::{self as config, Operation};
use proto::execute_plan_response::ResponseType;
use proto::interrupt_request::{Interrupt, InterruptType};
use proto::spark_connect_service_client::SparkConnectServiceClient;
use spark_connect_proto as proto;
use tokio::runtime::Runtime;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request, Status};

use super::address::{Address, Kind, Service};
use super::received::{Received, ServerSession};
use super::{explain, s3};
use crate::engine::server::{broke, not_there, too_slow};
use crate::engine::{Phases, Result, Unsupported};
use crate::protocol::messages::STILL_RUNS;
use crate::protocol::s3::Secret;

/// A connection that takes longer is none.
const CONNECT: Duration = Duration::from_secs(10);
/// How long a server may take to say that it interrupts a plan: the host waits no longer than a moment.
const INTERRUPT: Duration = Duration::from_millis(700);
/// How long it may take to end a session.
const FAREWELL: Duration = Duration::from_secs(2);
/// A batch of a server is some megabytes; this is what the protocol's client may be sent at most.
const LARGEST_MESSAGE: usize = 1 << 30;
/// What a server is told of who asks.
const CLIENT: &str = concat!("querydyno/", env!("CARGO_PKG_VERSION"));
/// What errors hold that say that Spark cannot do this by its nature (`[UNSUPPORTED_FEATURE.X]`, types of Parquet files): the cell is
/// unsupported then, not failed.
const NATURE: [&str; 2] = ["[UNSUPPORTED_", "PARQUET_TYPE_"];

/// What to do about tables that the machines of a cluster do not reach.
pub(super) const SHARED: &str = "tables have to lie under the same path on each of its machines, such as a shared folder, QUERYDYNO_DATA=/shared/folder";
/// What errors hold where the machine that reads a file does not have that path.
const UNREACHED: [&str; 4] =
    ["[PATH_NOT_FOUND]", "FAILED_READ_FILE.FILE_NOT_EXIST", "FileNotFoundException", "No such file or directory"];

/// A session. Not `Debug`, which would show the token.
pub(super) struct Client {
    runtime: Runtime,
    stub: SparkConnectServiceClient<Channel>,
    address: Address,
    service: &'static Service,
    session: String,
    server_session: ServerSession,
    authorization: Option<MetadataValue<Ascii>>,
    /// Whether the last call was answered at all: one that is silent is not waited for again.
    answers: bool,
    /// How many plans were sent: each is named by its number.
    sent: u64,
    /// What a call may take.
    pub(super) deadline: Duration,
}

/// A result: its batches, of which there is one at least.
#[derive(Debug)]
pub struct Output {
    pub(super) batches: Vec<RecordBatch>,
}

impl Client {
    /// Connects; the server makes the session when it is first asked for something.
    pub(super) fn connect(address: Address, service: &'static Service, deadline: Duration) -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let endpoint = Endpoint::from_shared(address.url())?.connect_timeout(CONNECT).tcp_nodelay(true);
        let channel = runtime.block_on(endpoint.connect()).map_err(|error| {
            let why = format!(" ({})", innermost(&error));
            not_there(&address.shown(), &why, service.name, service.engine.variable())
        })?;
        let authorization = address.token.as_ref().map(|token| format!("Bearer {token}").parse()).transpose();
        let authorization = authorization.ok().context("the token has letters that cannot be sent")?;
        let stub = SparkConnectServiceClient::new(channel).max_decoding_message_size(LARGEST_MESSAGE);
        Ok(Self {
            runtime,
            stub,
            address,
            service,
            session: uuid(0),
            server_session: ServerSession::default(),
            authorization,
            answers: true,
            sent: 0,
            deadline,
        })
    }

    /// Where it is.
    pub(super) fn address(&self) -> &Address {
        &self.address
    }

    /// Its name.
    pub(super) fn session(&self) -> &str {
        &self.session
    }

    /// What is asked for.
    pub(super) fn service(&self) -> &'static Service {
        self.service
    }

    /// The server's version, `4.0.1`; `None` of one that does not tell it.
    pub(super) fn version(&mut self) -> Result<Option<String>> {
        match self.analyze(Analyze::SparkVersion(analyze::SparkVersion {}))? {
            Some(Analyzed::SparkVersion(told)) => Ok(Some(told.version)),
            None => Ok(None),
            Some(other) => bail!("the server told its version as {other:?}"),
        }
    }

    /// The plan of a query as the server tells it; `None` of one that does not tell it.
    pub(super) fn explain(&mut self, plan: proto::Plan) -> Result<Option<String>> {
        let explain = analyze::Explain { plan: Some(plan), explain_mode: ExplainMode::Simple.into() };
        match self.analyze(Analyze::Explain(explain))? {
            Some(Analyzed::Explain(told)) => Ok(Some(s3::shown(&self.session, &told.explain_string))),
            None => Ok(None),
            Some(other) => bail!("the server told a plan as {other:?}"),
        }
    }

    /// Refuses what the server would answer from memory: data that one session caches is used for the plans of all, and as it was then.
    ///
    /// # Errors
    /// When that is so, or the server does not plan it.
    pub(super) fn refuse_cached(&mut self, what: &str, plan: proto::Plan) -> Result<()> {
        let told = if self.service.engine == Kind::Spark { self.explain(plan)? } else { None };
        ensure!(
            !told.as_deref().is_some_and(explain::is_cached),
            "the server at {} keeps {what} in memory for some session (CACHE TABLE, or cache() of a DataFrame) and answers everybody from \
             there: neither time nor rows would be those of the files; end it with CLEAR CACHE, or use a server of your own (cargo xtask \
             services up {})",
            self.address.shown(),
            self.service.name
        );
        Ok(())
    }

    /// Settings that somebody set, on the server or in this session.
    pub(super) fn settings(&mut self) -> Result<BTreeMap<String, String>> {
        let told = self.configure(OpType::GetAll(config::GetAll { prefix: None }))?;
        Ok(told.into_iter().filter_map(|pair| Some((pair.key, pair.value?))).collect())
    }

    /// A setting as it is in this session; `None` where it has no such setting.
    pub(super) fn setting(&mut self, name: &str) -> Result<Option<String>> {
        let told = self.configure(OpType::GetOption(config::GetOption { keys: vec![name.to_owned()] }))?;
        Ok(told.into_iter().find(|pair| pair.key == name).and_then(|pair| pair.value))
    }

    /// Sets it for this session.
    pub(super) fn set(&mut self, name: &str, value: &str) -> Result<()> {
        self.set_as(name, value, value)
    }

    /// Likewise, and says it to nobody else.
    pub(super) fn set_secret(&mut self, name: &str, value: &Secret) -> Result<()> {
        self.set_as(name, value.reveal(), "***")
    }

    fn set_as(&mut self, name: &str, value: &str, shown: &str) -> Result<()> {
        let pair = proto::KeyValue { key: name.to_owned(), value: Some(value.to_owned()) };
        self.configure(OpType::Set(config::Set { pairs: vec![pair], silent: None }))
            .map(drop)
            .with_context(|| format!("{} does not take the setting {name} = {shown}", self.service.engine.title()))
    }

    /// Runs a plan up to the last row of its result, each batch decoded as it comes.
    pub(super) fn run(&mut self, plan: proto::Plan) -> Result<Output> {
        self.execute(plan, || ())
    }

    /// The same, with the time up to the first batch and the time of getting the rest.
    pub(super) fn run_in_phases(&mut self, plan: proto::Plan) -> Result<(Output, Phases)> {
        let mut first = None;
        let start = Instant::now();
        let output = self.execute(plan, || {
            first.get_or_insert_with(Instant::now);
        })?;
        let end = Instant::now();
        let first = first.unwrap_or(end);
        Ok((output, Phases::of(None, Some(first - start), Some(end - first))))
    }

    /// Runs a command, which has no rows.
    pub(super) fn command(&mut self, plan: proto::Plan) -> Result<()> {
        self.execute(plan, || ()).map(drop)
    }

    fn execute(&mut self, plan: proto::Plan, mut arrived: impl FnMut()) -> Result<Output> {
        self.sent += 1;
        let operation = uuid(self.sent);
        let request = self.request(proto::ExecutePlanRequest {
            session_id: self.session.clone(),
            user_context: Some(self.user()),
            operation_id: Some(operation.clone()),
            plan: Some(plan),
            client_type: Some(CLIENT.to_owned()),
            ..proto::ExecutePlanRequest::default()
        });
        let mut stub = self.stub.clone();
        let mut batches = Vec::new();
        let mut received = Received::default();
        let server_session = &mut self.server_session;
        let run = async {
            let mut responses = stub.execute_plan(request).await?.into_inner();
            while let Some(response) = responses.message().await? {
                server_session.told(&response.server_side_session_id).map_err(internal)?;
                if let Some(ResponseType::ArrowBatch(batch)) = response.response_type {
                    arrived();
                    let before = batches.len();
                    decode(batch.data.into(), &mut batches).map_err(internal)?;
                    let came = batches[before..].iter().map(RecordBatch::num_rows).sum();
                    received.message(batch.start_offset, batch.row_count, came).map_err(internal)?;
                }
            }
            Ok(())
        };
        let deadline = self.deadline;
        match self.runtime.block_on(async { tokio::time::timeout(deadline, run).await }) {
            Ok(Ok(())) => Ok(Output { batches }),
            Ok(Err(status)) => Err(self.told(&status, received.rows())),
            Err(_) => {
                let told = self.interrupt(operation);
                Err(too_slow(&self.address.shown(), deadline, &told))
            }
        }
    }

    /// Tells the server to stop a plan, and says what became of that.
    fn interrupt(&mut self, operation: String) -> String {
        let request = self.request(proto::InterruptRequest {
            session_id: self.session.clone(),
            user_context: Some(self.user()),
            interrupt_type: InterruptType::OperationId.into(),
            interrupt: Some(Interrupt::OperationId(operation)),
            client_type: Some(CLIENT.to_owned()),
            ..proto::InterruptRequest::default()
        });
        let mut stub = self.stub.clone();
        let call = async { tokio::time::timeout(INTERRUPT, stub.interrupt(request)).await };
        match self.runtime.block_on(call) {
            Ok(Ok(_)) => "and was told to stop the query".to_owned(),
            Ok(Err(status)) => format!("and cannot be told to stop the query ({}): {STILL_RUNS}", status.message()),
            Err(_) => {
                self.answers = false;
                format!("nor when it was told to stop the query: {STILL_RUNS}")
            }
        }
    }

    /// `None` where the server answers with nothing, as Thunderduck does to what it has not got.
    fn analyze(&mut self, what: Analyze) -> Result<Option<Analyzed>> {
        let request = self.request(proto::AnalyzePlanRequest {
            session_id: self.session.clone(),
            user_context: Some(self.user()),
            client_type: Some(CLIENT.to_owned()),
            analyze: Some(what),
            ..proto::AnalyzePlanRequest::default()
        });
        let mut stub = self.stub.clone();
        let response = self.call(async move { Box::pin(stub.analyze_plan(request)).await })?.into_inner();
        self.server_session.told(&response.server_side_session_id)?;
        Ok(response.result)
    }

    fn configure(&mut self, operation: OpType) -> Result<Vec<proto::KeyValue>> {
        let request = self.request(proto::ConfigRequest {
            session_id: self.session.clone(),
            user_context: Some(self.user()),
            client_type: Some(CLIENT.to_owned()),
            operation: Some(Operation { op_type: Some(operation) }),
            ..proto::ConfigRequest::default()
        });
        let mut stub = self.stub.clone();
        let response = self.call(async move { stub.config(request).await })?.into_inner();
        self.server_session.told(&response.server_side_session_id)?;
        Ok(response.pairs)
    }

    /// A call whose answer is one message.
    fn call<T>(&mut self, call: impl Future<Output = std::result::Result<T, Status>>) -> Result<T> {
        let deadline = self.deadline;
        if let Ok(answer) = self.runtime.block_on(async { tokio::time::timeout(deadline, call).await }) {
            answer.map_err(|status| self.told(&status, 0))
        } else {
            self.answers = false;
            Err(too_slow(&self.address.shown(), deadline, "when asked about itself"))
        }
    }

    fn user(&self) -> proto::UserContext {
        let user = self.address.user.clone();
        proto::UserContext { user_id: user.clone(), user_name: user, extensions: Vec::new() }
    }

    fn request<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        if let Some(authorization) = &self.authorization {
            request.metadata_mut().insert("authorization", authorization.clone());
        }
        request
    }

    /// An error for who reads it; `rows` had arrived before it.
    fn told(&self, status: &Status, rows: u64) -> anyhow::Error {
        let title = self.service.engine.title();
        // Behind it stands the plan that could not be made, over many lines.
        let message = status.message().split(";\n").next().unwrap_or_default().trim();
        let text = if message.is_empty() { status.code().description() } else { message };
        let text: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.starts_with("at ")).collect();
        let text = s3::shown(&self.session, &text.join(" "));
        // What comes from the connection and not from the server has a source.
        if std::error::Error::source(status).is_some() || status.code() == Code::Unavailable {
            let when = if rows == 0 { String::new() } else { format!(" after {rows} rows of a result") };
            return broke(&self.address.shown(), &when, &innermost(status));
        }
        match status.code() {
            Code::Unimplemented => Unsupported(format!("{title}: {text}")).into(),
            Code::Unauthenticated | Code::PermissionDenied => anyhow!(
                "the server at {} does not let {} in: {text}; set {} to sc://host:port/;token=...",
                self.address.shown(),
                self.address.user,
                self.service.engine.variable()
            ),
            _ if UNREACHED.iter().any(|words| text.contains(words)) => anyhow!(
                "the server at {} or a worker of its cluster does not reach a file ({SHARED}): {title}: {text}",
                self.address.shown()
            ),
            _ if NATURE.iter().any(|nature| text.contains(nature)) => Unsupported(format!("{title}: {text}")).into(),
            _ => anyhow!("{title}: {text}"),
        }
    }
}

impl Drop for Client {
    /// Gives the session back: a server keeps its views for an hour otherwise. One that does not answer is left alone.
    fn drop(&mut self) {
        if !self.answers {
            return;
        }
        let request = self.request(proto::ReleaseSessionRequest {
            session_id: self.session.clone(),
            user_context: Some(self.user()),
            client_type: Some(CLIENT.to_owned()),
            allow_reconnect: false,
        });
        let mut stub = self.stub.clone();
        let _ = self.runtime.block_on(async { tokio::time::timeout(FAREWELL, stub.release_session(request)).await });
    }
}

/// Decodes one message of a result, a stream of Arrow with its schema, without copying the values.
fn decode(mut data: Buffer, batches: &mut Vec<RecordBatch>) -> Result<()> {
    let mut decoder = StreamDecoder::new();
    while let Some(batch) = decoder.decode(&mut data)? {
        batches.push(batch);
    }
    decoder.finish()?;
    Ok(())
}

/// What is wrong with an answer that came.
#[expect(clippy::needless_pass_by_value, reason = "map_err gives it away")]
fn internal(error: anyhow::Error) -> Status {
    Status::internal(format!("{error:#}"))
}

/// What is at the bottom of an error: the others only say that something below them failed.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}

/// A name that no other session has: of this process, the time and a number.
fn uuid(number: u64) -> String {
    use std::time::{SystemTime, UNIX_EPOCH};
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_nanos());
    let process = u128::from(std::process::id());
    let bits = (now << 56) ^ (process << 24) ^ u128::from(number);
    let text = format!("{bits:032x}");
    format!("{}-{}-4{}-8{}-{}", &text[..8], &text[8..12], &text[13..16], &text[17..20], &text[20..])
}
