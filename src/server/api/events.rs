//! What becomes of the history, as it happens.

use std::time::Duration;

use axum::body::Bytes;
use axum::http::Method;
use futures::stream::{self, StreamExt as _};

use crate::server::ask::{Endpoint, Gives, Reply};

/// How often it is looked whether the history has changed.
const POLL: Duration = Duration::from_millis(500);
/// A connection that says nothing is closed by what stands between.
const ALIVE: u32 = 30;

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![Endpoint {
        method: Method::GET,
        path: "/api/v1/events",
        name: "events",
        summary: "Follow the history",
        detail: "`{\"version\": 7}` at once and after each change: a bench has handed in results, somebody has said something.",
        parameters: &[],
        body: None,
        gives: Gives::Events,
        problems: &[],
        writes: false,
        run: |app, _| {
            let (app, told, silent) = (app.clone(), 0, 0);
            let versions = stream::unfold((app, told, silent), |(app, told, mut silent)| async move {
                loop {
                    let version = app.owner.version();
                    if version != told {
                        let shown = Bytes::from(format!("data: {{\"version\": {version}}}\n\n"));
                        return Some((Ok(shown), (app, version, 0)));
                    }
                    if app.is_stopping() {
                        return None;
                    }
                    if silent >= ALIVE {
                        return Some((Ok(Bytes::from_static(b": still here\n\n")), (app, told, 0)));
                    }
                    silent += 1;
                    tokio::time::sleep(POLL).await;
                }
            });
            Ok(Reply::Events(versions.boxed()))
        },
    }]
}
