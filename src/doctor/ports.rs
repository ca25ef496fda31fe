//! The ports that services answer on: a taken one keeps a service from starting.

use std::collections::BTreeSet;
use std::fs;

use super::Finding;

/// What listens where, unless told otherwise.
const SERVICES: [(u16, &str); 4] =
    [(9030, "StarRocks"), (8080, "Trino"), (15002, "Spark Connect"), (9083, "Hive Metastore")];
/// A listening socket's state in the kernel's table.
const LISTENS: &str = "0A";

pub(super) fn look() -> Finding {
    // Without IPv6 there is no second table.
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"].map(fs::read_to_string);
    if tables[0].is_err() {
        return Finding::caution(
            "ports",
            "/proc/net/tcp cannot be read",
            "whether services can be started is not known",
        );
    }
    judge(&tables.iter().flatten().flat_map(|table| listening(table)).collect())
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

/// Ports with a listener, from the text of `/proc/net/tcp` or `tcp6`.
fn listening(table: &str) -> impl Iterator<Item = u16> {
    table.lines().skip(1).filter_map(|line| {
        let mut fields = line.split_whitespace().skip(1);
        let (local, state) = (fields.next()?, fields.nth(1)?);
        let port = local.rsplit_once(':')?.1;
        (state == LISTENS).then(|| u16::from_str_radix(port, 16).ok())?
    })
}

#[cfg(test)]
mod tests {
    use super::super::State;
    use super::*;

    const TCP: &str = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n   \
        0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 12345 1 0 100 0 0 10 0\n   \
        1: 0100007F:2346 0100007F:D431 01 00000000:00000000 00:00000000 00000000  1000        0 12346 1 0 20 4 30 10 -1\n";
    const TCP6: &str = "  sl  local_address                         remote_address                        st tx_queue\n   \
        0: 00000000000000000000000000000000:3A9A 00000000000000000000000000000000:0000 0A 00000000:00000000\n";

    #[test]
    fn a_listener_takes_a_port_and_a_connection_does_not() {
        assert_eq!(listening(TCP).collect::<Vec<_>>(), [8080]);
        assert_eq!(listening(TCP6).collect::<Vec<_>>(), [15002]);
    }

    #[test]
    fn a_taken_port_is_named_with_its_service() {
        let taken = judge(&[8080, 22].into());
        assert_eq!((taken.state, taken.seen.as_str()), (State::Caution, "taken: 8080 (Trino)"));
        assert!(taken.remedy.unwrap().contains(":8080"));
        assert_eq!(judge(&[22].into()).state, State::Good);
    }
}
