//! The ports that services answer on: a taken one keeps a service from starting.

use std::collections::BTreeSet;

use super::Finding;
use crate::host::services::ports::listeners;

/// What listens where, unless told otherwise.
const SERVICES: [(u16, &str); 6] = [
    (9030, "StarRocks"),
    (3307, "MariaDB"),
    (9000, "S3"),
    (8080, "Trino"),
    (15002, "Spark Connect"),
    (9083, "Hive Metastore"),
];

pub(super) fn look() -> Finding {
    match listeners() {
        Some(listeners) => judge(&listeners.iter().map(|listener| listener.port).collect()),
        None => {
            Finding::caution("ports", "/proc/net/tcp cannot be read", "whether services can be started is not known")
        }
    }
}

fn judge(listening: &BTreeSet<u16>) -> Finding {
    const NAME: &str = "ports";
    let named = |services: &[(u16, &str)]| {
        services.iter().map(|(port, service)| format!("{port} ({service})")).collect::<Vec<_>>().join(", ")
    };
    let (taken, free): (Vec<_>, Vec<_>) = SERVICES.into_iter().partition(|(port, _)| listening.contains(port));
    let Some((first, _)) = taken.first() else {
        return Finding::good(NAME, format!("free: {}", named(&free)), "services can start");
    };
    let seen = format!("taken: {}", named(&taken));
    let means = "another program listens there, or the service itself: a second one cannot be started";
    Finding::caution(NAME, seen, means).remedy(format!("see which: ss -ltnp 'sport = :{first}'"))
}

#[cfg(test)]
mod tests {
    use super::super::State;
    use super::*;

    #[test]
    fn a_taken_port_is_named_with_its_service() {
        let taken = judge(&[8080, 22].into());
        assert_eq!((taken.state, taken.seen.as_str()), (State::Caution, "taken: 8080 (Trino)"));
        assert!(taken.remedy.unwrap().contains(":8080"));
        assert_eq!(judge(&[22].into()).state, State::Good);
    }
}
