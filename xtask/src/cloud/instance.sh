#!/usr/bin/env bash
# What a machine of a run does, from its start to its end: `cargo xtask cloud run` sends it as user-data behind a head that sets the QD_
# variables, and `--backend local` runs the same text. It holds no secret: on EC2 the instance's role may reach the store.
#
# In the store (a place on S3, or a folder):
#   bundles/SHA256.tar.gz             programs, by their checksum
#   data/SUITE/SCALE/                 tables, MANIFEST last
#   answers/SUITE/SCALE/              references that were made on a machine of a run, where somebody asked for them
#   runs/RUN/NAME/                    of this machine: STATE, log.txt, records/*.jsonl, at the end DONE, FAILED or INTERRUPTED
set -euo pipefail
: "${QD_RUN:?}" "${QD_ENGINE:?}" "${QD_NAME:?}" "${QD_ATTEMPT:?}" "${QD_BACKEND:?}" "${QD_STORE:?}" "${QD_WORK:?}" "${QD_PARTS:?}"
: "${QD_SUITES:?}" "${QD_SCALE:?}" "${QD_RUNS:?}" "${QD_MAX_MINUTES:?}" "${QD_MAKER:?}" "${QD_WAIT_SECONDS:?}" "${QD_KEEP:?}"
: "${QD_SERVICE?}" "${QD_PACKAGES?}" "${QD_QUERIES?}" "${QD_ANSWERS?}" "${QD_SERVICE_MEMORY?}"

# Before all else: whatever hangs, this machine ends. Its shutdown behaviour is to terminate.
if [ "$QD_BACKEND" = ec2 ]; then shutdown -h "+$QD_MAX_MINUTES"; fi

began=$(date +%s)
mine=runs/$QD_RUN/$QD_NAME
stage=start
mkdir -p "$QD_WORK"
log=$(mktemp)
# The log outlives a signal that reaches all of us: how this ended is written last.
exec > >(trap '' HUP INT TERM; exec tee -a "$log") 2>&1

say() { printf '%s %s\n' "$(date -u +%FT%TZ)" "$*"; }

# Networks fail and S3 says SlowDown: again, each time later.
again() {
    local try
    for try in 1 2 3 4 5 6; do
        if "$@"; then return 0; fi
        say "try $try of 6 failed: $*"
        sleep $((2 ** try / 2))
    done
    return 1
}

# The store: get KEY FILE, put FILE KEY, has KEY, pull FOLDER-KEY FOLDER, push FOLDER FOLDER-KEY.
on_s3() { case $QD_STORE in s3://*) ;; *) return 1 ;; esac }
get() { if on_s3; then again aws s3 cp --only-show-errors "$QD_STORE/$1" "$2"; else cp -- "$QD_STORE/$1" "$2"; fi; }
put() {
    if on_s3; then
        again aws s3 cp --only-show-errors "$1" "$QD_STORE/$2"
    else
        mkdir -p "$(dirname "$QD_STORE/$2")"
        cp -- "$1" "$QD_STORE/$2.$$.part" && mv -- "$QD_STORE/$2.$$.part" "$QD_STORE/$2"
    fi
}
has() {
    if on_s3; then
        local rest=${QD_STORE#s3://}
        aws s3api head-object --bucket "${rest%%/*}" --key "${rest#*/}/$1" >/dev/null 2>&1
    else
        [ -e "$QD_STORE/$1" ]
    fi
}
pull() { mkdir -p "$2" && if on_s3; then again aws s3 sync --only-show-errors "$QD_STORE/$1" "$2"; else cp -R -- "$QD_STORE/$1/." "$2"; fi; }
push() {
    if on_s3; then
        again aws s3 sync --only-show-errors "$1" "$QD_STORE/$2"
    else
        mkdir -p "$QD_STORE/$2" && cp -R -- "$1/." "$QD_STORE/$2"
    fi
}

# put_text KEY TEXT
put_text() {
    local file
    file=$(mktemp)
    printf '%s\n' "$2" >"$file"
    put "$file" "$1" && rm -f "$file"
}

count() { find "$QUERYDYNO_HOME/records" -name '*.jsonl' -exec cat {} + 2>/dev/null | wc -l; }

# What the driver reads. `attempt` and `stage` are words of this script, so that the JSON needs no escapes.
facts() {
    printf '{"attempt":%s,"stage":"%s","cells":%s,"seconds":%s,"at":"%s"}' \
        "$QD_ATTEMPT" "$stage" "$(count)" "$(($(date +%s) - began))" "$(date -u +%FT%TZ)"
}
tell() { put_text "$mine/STATE" "$(facts)" || say "the state cannot be told"; }
at() {
    stage=$1
    say "$stage"
    tell
}

# Every end comes by here: records and log first, then how it ended, last of all the end of the machine.
finish() {
    local code=$? word=DONE
    trap - EXIT
    trap '' HUP INT TERM
    set +e
    if [ -n "$bench" ] && kill -TERM "$bench" 2>/dev/null; then wait "$bench"; fi
    if [ "$code" -eq 75 ]; then word=INTERRUPTED; elif [ "$code" -ne 0 ]; then word=FAILED; fi
    say "$word in $stage, code $code"
    if [ -n "$server" ]; then "$xtask" services down "$server"; fi
    if [ -d "$QUERYDYNO_HOME/records" ]; then push "$QUERYDYNO_HOME/records" "$mine/records"; fi
    put "$log" "$mine/log.txt"
    put_text "$mine/$word" "$(facts)"
    if [ "$QD_BACKEND" = ec2 ] && [ "$QD_KEEP" = no ]; then shutdown -h now; fi
    exit "$code"
}

# Folders of our own: nothing of whoever owns this machine is read or changed.
own_folders() {
    export HOME=$QD_WORK/home TMPDIR=$QD_WORK/tmp
    export CARGO_MANIFEST_DIR=$QD_WORK/package CARGO_TARGET_DIR=$QD_WORK/target
    export QUERYDYNO_HOME=$QD_WORK/results QUERYDYNO_DATA=$QD_WORK/data
    # Programs come in the bundle. There is no cargo here, and none is needed: what asks for a build is told that all is well.
    export CARGO=true
    xtask=$CARGO_TARGET_DIR/release/xtask
    mkdir -p "$HOME" "$TMPDIR" "$CARGO_MANIFEST_DIR" "$CARGO_TARGET_DIR" "$QUERYDYNO_HOME/records" "$QUERYDYNO_DATA"
}
server=''
bench=''
own_folders
trap finish EXIT
# A shutdown, or somebody who ends this machine: by the same way out, as a failure. A second signal would end `finish` where it begins.
ends() {
    trap '' HUP INT TERM
    exit "$1"
}
trap 'ends 129' HUP
trap 'ends 130' INT
trap 'ends 143' TERM

# An instance store that nobody uses becomes the folder of this run: it is faster than EBS, and is gone with the machine.
use_nvme() {
    local disk
    disk=$(lsblk -dpno NAME,MODEL | awk '/Instance Storage/ { print $1; exit }')
    if [ -z "$disk" ]; then return 0; fi
    say "local disk: $disk"
    mkfs.ext4 -q -E nodiscard "$disk"
    mount -o noatime "$disk" "$QD_WORK"
    own_folders
}

install_packages() {
    local packages
    read -ra packages <<<"python3-venv $QD_PACKAGES"
    export DEBIAN_FRONTEND=noninteractive
    again apt-get update -qq
    again apt-get install -y -qq --no-install-recommends "${packages[@]}"
    if ! command -v aws >/dev/null; then
        python3 -m venv /opt/querydyno-aws
        again /opt/querydyno-aws/bin/pip install --quiet --disable-pip-version-check awscli
        export PATH=$PATH:/opt/querydyno-aws/bin
    fi
}

if [ "$QD_BACKEND" = ec2 ] && [ "$(id -u)" = 0 ]; then
    use_nvme
    install_packages
fi

at bundle
for part in $QD_PARTS; do
    sha256=${part%%:*}
    get "bundles/$sha256.tar.gz" "$QD_WORK/part.tar.gz"
    printf '%s  %s\n' "$sha256" "$QD_WORK/part.tar.gz" | sha256sum --check --quiet
    tar -xzf "$QD_WORK/part.tar.gz" -C "$QD_WORK" --no-same-owner
    rm "$QD_WORK/part.tar.gz"
    say "unpacked ${part#*:}"
done
if ! "$xtask" --version; then
    say "the bundle was built for a newer system than $(getconf GNU_LIBC_VERSION): name an image that has it with --ami"
    exit 1
fi
if [ -f "$QD_WORK/extra/server.jar" ]; then export THUNDERDUCK_JAR=$QD_WORK/extra/server.jar; fi

# Tables are made on one machine of a run and kept, the manifest last. Whoever waits for a machine that failed or says nothing makes them
# too: they are the same, bit by bit.
make_data() {
    local suite=$1 key=$2 folder=$3
    at "data-$suite"
    "$xtask" data "$suite" --scale "$QD_SCALE"
    push "$folder" "$key"
    (cd "$folder" && find . -type f ! -name MANIFEST -exec sha256sum {} +) >"$TMPDIR/MANIFEST"
    put "$TMPDIR/MANIFEST" "$key/MANIFEST"
}
data_of() {
    local suite=$1 key=data/$1/sf$QD_SCALE folder=$QUERYDYNO_DATA/$1/sf$QD_SCALE waited=0
    if [ "$QD_MAKER" = "$QD_NAME" ] && ! has "$key/MANIFEST"; then
        make_data "$suite" "$key" "$folder"
        return
    fi
    at "wait-data-$suite"
    while ! has "$key/MANIFEST"; do
        if has "runs/$QD_RUN/$QD_MAKER/FAILED" || has "runs/$QD_RUN/$QD_MAKER/INTERRUPTED" || [ "$waited" -ge "$QD_WAIT_SECONDS" ]; then
            say "$QD_MAKER does not make the tables: making them here"
            make_data "$suite" "$key" "$folder"
            return
        fi
        sleep 5
        waited=$((waited + 5))
    done
    at "fetch-data-$suite"
    pull "$key" "$folder"
    get "$key/MANIFEST" "$TMPDIR/MANIFEST"
    (cd "$folder" && sha256sum --check --quiet "$TMPDIR/MANIFEST")
    rm -f "$folder/MANIFEST"
}
for suite in $QD_SUITES; do data_of "$suite"; done

# References for a scale of which none are kept in the package. Without them the answers of an engine alone cannot be verified.
for suite in $QD_SUITES; do
    if [ -z "$QD_ANSWERS" ]; then break; fi
    key=answers/$suite/sf$QD_SCALE
    folder=$QUERYDYNO_HOME/answers/$suite/sf$QD_SCALE
    if [ "$QD_MAKER" = "$QD_NAME" ] && ! has "$key/consensus.toml"; then
        at "answers-$suite"
        "$xtask" answers "$suite" --scale "$QD_SCALE" --engines "$QD_ANSWERS" || say "not all answers could be made"
        if [ -d "$folder" ]; then push "$folder" "$key"; fi
    fi
    waited=0
    until has "$key/consensus.toml" || has "runs/$QD_RUN/$QD_MAKER/FAILED" || [ "$waited" -ge "$QD_WAIT_SECONDS" ]; do
        sleep 5
        waited=$((waited + 5))
    done
    if has "$key/consensus.toml"; then pull "$key" "$folder"; fi
done

# A server gets the memory that an embedded engine would take: not all, or the kernel ends it.
if [ -z "$QD_SERVICE_MEMORY" ]; then
    QD_SERVICE_MEMORY=$(awk '/^MemTotal:/ { print int($2 * 0.7 / 1024) "MiB" }' /proc/meminfo)
fi
export QUERYDYNO_SERVICE_MEMORY=$QD_SERVICE_MEMORY
if [ -n "$QD_SERVICE" ]; then
    at service
    server=$QD_SERVICE
    "$xtask" services up "$QD_SERVICE" >"$TMPDIR/service"
    # shellcheck source=/dev/null
    . "$TMPDIR/service"
fi

# EC2 tells two minutes before it takes a spot instance back.
is_interrupted() {
    if [ "$QD_BACKEND" != ec2 ]; then return 1; fi
    local token
    token=$(curl -sf -m 2 -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 60' http://169.254.169.254/latest/api/token) || return 1
    curl -sf -m 2 -o /dev/null -H "X-aws-ec2-metadata-token: $token" http://169.254.169.254/latest/meta-data/spot/instance-action
}

# Records are pushed as they come, one a cell; a sign of life twice a minute.
follow() {
    local seen told now turn=0
    seen=$(count)
    told=$(date +%s)
    while kill -0 "$bench" 2>/dev/null; do
        sleep 1
        turn=$((turn + 1))
        now=$(count)
        if [ "$now" != "$seen" ]; then
            seen=$now
            push "$QUERYDYNO_HOME/records" "$mine/records" || say "records are pushed later"
            tell
            told=$(date +%s)
        elif [ $(($(date +%s) - told)) -ge 30 ]; then
            tell
            put "$log" "$mine/log.txt" || true
            told=$(date +%s)
        fi
        if [ $((turn % 5)) = 0 ] && is_interrupted; then
            say "EC2 takes this spot instance back"
            exit 75
        fi
    done
    wait "$bench"
}

# 1 says that a cell failed, which its record tells: the other cells are worth having.
measure() {
    local code=0
    "$xtask" bench "$1" --engines "$QD_ENGINE" --scale "$QD_SCALE" --runs "$QD_RUNS" </dev/null &
    bench=$!
    follow || code=$?
    bench=''
    if [ "$code" -gt 1 ]; then return "$code"; fi
}
if [ -n "$QD_QUERIES" ]; then
    at measure
    measure "^[^/]+/($QD_QUERIES)/"
else
    for suite in $QD_SUITES; do
        at "measure-$suite"
        measure "$suite"
    done
fi
stage=end
