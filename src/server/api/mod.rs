//! The API: the table of all that can be asked, [`endpoints`]. The router and the OpenAPI document are made of it, so that neither says
//! what the other does not.

mod asked;
mod changing;
mod events;
pub(super) mod openapi;
mod record;
mod results;
mod runs;
mod series;
mod sides;
mod sql;
mod views;

use super::ask::Endpoint;

/// All that the API has.
pub(super) fn endpoints() -> Vec<Endpoint> {
    let mut all = results::endpoints();
    all.extend(series::endpoints());
    all.extend(sides::endpoints());
    all.extend(views::endpoints());
    all.extend(changing::endpoints());
    all.extend(sql::endpoints());
    all.extend(runs::endpoints());
    all.extend(events::endpoints());
    all
}
