-- Migration 1: the tables. What each is for, with units, is in src/history/mod.rs.
CREATE TABLE machines (
    machine VARCHAR PRIMARY KEY,
    class VARCHAR NOT NULL,
    cpu VARCHAR,
    cores UBIGINT,
    memory_bytes UBIGINT,
    kernel VARCHAR,
    governor VARCHAR,
    virtualised BOOLEAN,
    gpus VARCHAR[],
    name VARCHAR
);

CREATE TABLE engines (
    engine VARCHAR PRIMARY KEY,
    name VARCHAR NOT NULL,
    version VARCHAR,
    kind VARCHAR NOT NULL,
    compiler VARCHAR,
    flags VARCHAR,
    allocator VARCHAR,
    source VARCHAR,
    settings MAP(VARCHAR, VARCHAR),
    program VARCHAR,
    options MAP(VARCHAR, VARCHAR)
);

CREATE TABLE tasks (
    task VARCHAR PRIMARY KEY,
    suite VARCHAR NOT NULL,
    query VARCHAR NOT NULL,
    text_sha256 VARCHAR,
    sql VARCHAR
);

CREATE TABLE datasets (
    dataset VARCHAR PRIMARY KEY,
    suite VARCHAR NOT NULL,
    scale VARCHAR,
    scale_factor DOUBLE,
    format VARCHAR,
    sha256 VARCHAR,
    layout VARCHAR
);

CREATE TABLE plans (
    plan VARCHAR PRIMARY KEY,
    sha256 VARCHAR NOT NULL,
    text VARCHAR NOT NULL
);

CREATE TABLE runs (
    run VARCHAR PRIMARY KEY,
    started_at TIMESTAMP,
    last_cell_at TIMESTAMP,
    command VARCHAR NOT NULL,
    git_commit VARCHAR,
    git_dirty BOOLEAN
);

CREATE TABLE results (
    result UBIGINT PRIMARY KEY,
    run VARCHAR NOT NULL,
    machine VARCHAR NOT NULL,
    engine VARCHAR NOT NULL,
    task VARCHAR NOT NULL,
    dataset VARCHAR NOT NULL,
    cell VARCHAR NOT NULL,
    series VARCHAR,
    started_at TIMESTAMP,
    outcome VARCHAR NOT NULL,
    reason VARCHAR,
    failure VARCHAR,
    stderr VARCHAR,
    verdict VARCHAR,
    verdict_detail VARCHAR,
    verified BOOLEAN NOT NULL,
    answer_rows UBIGINT,
    answer_digest VARCHAR,
    plan VARCHAR,
    variant VARCHAR NOT NULL,
    mode VARCHAR,
    cache VARCHAR,
    threads UBIGINT,
    memory_limit_bytes UBIGINT,
    parallel UBIGINT,
    accept_majority BOOLEAN NOT NULL,
    environment MAP(VARCHAR, VARCHAR),
    inspects VARCHAR,
    input_rows UBIGINT,
    iterations UBIGINT[],
    warm_up_ns UBIGINT[],
    provenance VARCHAR NOT NULL,
    provenance_reason VARCHAR,
    journal_file VARCHAR NOT NULL,
    journal_line UBIGINT NOT NULL
);

-- No key: its index would take more room than the figures. They are written in the transaction that writes their result.
CREATE TABLE metrics (
    result UBIGINT NOT NULL,
    name VARCHAR NOT NULL,
    unit VARCHAR NOT NULL,
    value DOUBLE NOT NULL,
    samples DOUBLE[],
    source VARCHAR,
    taken_at TIMESTAMP
);

CREATE TABLE annotations (
    annotation VARCHAR PRIMARY KEY,
    of VARCHAR NOT NULL,
    target VARCHAR NOT NULL,
    kind VARCHAR NOT NULL,
    text VARCHAR NOT NULL,
    author VARCHAR NOT NULL,
    written_at TIMESTAMP NOT NULL
);

-- No key: a change moves by a few results as more come, so what is the same change is decided when it is asked for.
CREATE TABLE alerts (
    series VARCHAR NOT NULL,
    metric VARCHAR NOT NULL,
    kind VARCHAR NOT NULL,
    result UBIGINT NOT NULL,
    started_at TIMESTAMP,
    earliest UBIGINT NOT NULL,
    earliest_at TIMESTAMP,
    latest UBIGINT NOT NULL,
    latest_at TIMESTAMP,
    ratio DOUBLE NOT NULL,
    ratio_low DOUBLE NOT NULL,
    ratio_high DOUBLE NOT NULL,
    alerted_at TIMESTAMP NOT NULL
);

CREATE TABLE deleted_results (
    result UBIGINT PRIMARY KEY,
    cell VARCHAR NOT NULL,
    reason VARCHAR NOT NULL,
    author VARCHAR NOT NULL,
    deleted_at TIMESTAMP NOT NULL
);

CREATE TABLE journal_files (
    file VARCHAR PRIMARY KEY,
    bytes UBIGINT NOT NULL,
    modified_ns UBIGINT NOT NULL,
    taken_bytes UBIGINT NOT NULL,
    taken_lines UBIGINT NOT NULL,
    checksum VARCHAR NOT NULL,
    reads_schema UBIGINT NOT NULL,
    taken_in_at TIMESTAMP NOT NULL
);

CREATE TABLE journal_left_out (
    file VARCHAR,
    line UBIGINT,
    reason VARCHAR NOT NULL,
    PRIMARY KEY (file, line)
);
