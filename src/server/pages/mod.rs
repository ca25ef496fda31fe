//! The pages.

use std::sync::Arc;

use axum::Router;

use super::app::App;

/// All pages.
pub(super) fn routes(_app: &Arc<App>) -> Router {
    Router::new()
}
