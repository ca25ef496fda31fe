#!/usr/bin/env bash
# The whole API against its own document: tests/api.sh [OPTIONS OF SCHEMATHESIS]
#
# The server's program has to be built (cargo xtask build server), and the history of QUERYDYNO_HOME is written to. schemathesis comes from
# PyPI (pipx install schemathesis). Exit code 1: a 5xx, a status that is not documented, or a breach of a schema.
set -euo pipefail
cd "$(dirname "$0")/.."
program=${CARGO_TARGET_DIR:-target}/release/querydyno-server
log=$(mktemp)
# Requests come faster than those of people do.
"$program" --port 0 --rate 1000000 >"$log" &
server=$!
trap 'kill $server 2>/dev/null || true; wait $server 2>/dev/null || true; rm -f "$log"' EXIT
until [ -s "$log" ]; do
    kill -0 $server
    sleep 0.2
done
url=$(cut -d ' ' -f 1 "$log")
config=$PWD/tests/schemathesis.toml
# It keeps notes where it runs.
cd "$(mktemp -d)"
schemathesis --config-file "$config" run "$url/openapi.json" --continue-on-failure "$@"
curl -sf "$url/health" >/dev/null
