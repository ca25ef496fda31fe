//! A body on its way through the proxy: counted, held back as the network is slow, and cut where that was asked for.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};
use tokio::time::Sleep;

use super::pace::Pace;

/// Below this a timer would be later than no timer.
const SHORTEST: Duration = Duration::from_millis(1);

type Error = Box<dyn std::error::Error + Send + Sync>;

/// A body that is metered.
pub(super) struct Metered {
    inner: Incoming,
    count: Arc<AtomicU64>,
    paces: Vec<Arc<Pace>>,
    /// What came and is not there yet by the network's own time.
    held: Option<(Pin<Box<Sleep>>, Frame<Bytes>)>,
    /// Bytes after which it breaks off.
    cut: Option<u64>,
    passed: u64,
    /// Counts that it was cut.
    spoiled: Arc<AtomicU64>,
}

impl Metered {
    pub(super) fn new(inner: Incoming, count: Arc<AtomicU64>, paces: Vec<Arc<Pace>>) -> Self {
        Self { inner, count, paces, held: None, cut: None, passed: 0, spoiled: Arc::default() }
    }

    /// The same that breaks off after so many bytes.
    pub(super) fn cut_after(self, cut: Option<u64>, spoiled: Arc<AtomicU64>) -> Self {
        Self { cut, spoiled, ..self }
    }
}

impl Body for Metered {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        if let Some((sleep, _)) = &mut self.held {
            ready!(sleep.as_mut().poll(cx));
            return Poll::Ready(self.held.take().map(|(_, frame)| Ok(frame)));
        }
        let Some(frame) = ready!(Pin::new(&mut self.inner).poll_frame(cx)) else { return Poll::Ready(None) };
        let mut frame = frame?;
        let mut bytes = frame.data_ref().map_or(0, |data| data.len() as u64);
        if let Some(cut) = self.cut.filter(|cut| self.passed + bytes > *cut) {
            let left = cut - self.passed;
            if left == 0 {
                self.spoiled.fetch_add(1, Ordering::Relaxed);
                return Poll::Ready(Some(Err("the connection was cut, as QUERYDYNO_NETWORK says".into())));
            }
            let part = usize::try_from(left).unwrap_or(usize::MAX);
            frame = frame.map_data(|data| data.slice(..part));
            bytes = left;
        }
        self.passed += bytes;
        self.count.fetch_add(bytes, Ordering::Relaxed);
        let now = Instant::now();
        let arrives = self.paces.iter().map(|pace| pace.sent(bytes, now)).max().unwrap_or(now);
        if arrives.saturating_duration_since(now) < SHORTEST {
            return Poll::Ready(Some(Ok(frame)));
        }
        let mut sleep = Box::pin(tokio::time::sleep_until(arrives.into()));
        if sleep.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Some(Ok(frame)));
        }
        self.held = Some((sleep, frame));
        Poll::Pending
    }

    fn is_end_stream(&self) -> bool {
        self.held.is_none() && self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let held = self.held.as_ref().and_then(|(_, frame)| frame.data_ref()).map_or(0, Bytes::len) as u64;
        let inner = self.inner.size_hint();
        let mut hint = SizeHint::new();
        hint.set_lower(inner.lower() + held);
        if let Some(upper) = inner.upper() {
            hint.set_upper(upper + held);
        }
        hint
    }
}
