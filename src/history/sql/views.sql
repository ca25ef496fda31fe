-- Migration 2: the views, which are what people ask for. Times are medians over the samples of a result.

-- What somebody has marked: for each result the newest mark of its machine's class, its engine or itself. `measured` takes marks back.
CREATE VIEW marks AS
WITH said AS (
    SELECT of, target, kind, text, author, written_at, string_split(target, ':') AS parts
    FROM annotations WHERE kind IN ('simulated', 'estimated', 'measured')
), of_results AS (
    SELECT r.result, s.* FROM said s JOIN machines m ON s.of = 'machine class' AND s.target = m.class JOIN results r USING (machine)
    UNION ALL
    SELECT r.result, s.* FROM said s JOIN engines e ON s.of = 'engine' AND s.target = e.name JOIN results r USING (engine)
    UNION ALL
    -- By file and line: the name of a result would have to be put together for each of them.
    SELECT r.result, s.* FROM said s
    JOIN journal_files f ON s.of = 'result' AND s.parts[1] = regexp_extract(f.file, '([^/]*?)(\.jsonl)?$', 1)
    JOIN results r ON r.journal_file = f.file AND r.journal_line = try_cast(s.parts[2] AS UBIGINT)
), newest AS (
    SELECT result, max_by(kind, written_at) AS provenance, max_by(text, written_at) AS reason, max_by(of, written_at) AS of,
           max_by(author, written_at) AS author, max(written_at) AS written_at
    FROM of_results GROUP BY result
)
FROM newest WHERE provenance != 'measured';

CREATE VIEW measurements AS
SELECT
    regexp_extract(r.journal_file, '([^/]*?)(\.jsonl)?$', 1) || ':' || r.journal_line AS record,
    r.started_at, r.cell, e.name AS engine_name, e.version AS engine_version, e.program AS engine_program, t.suite, t.query, d.scale, d.scale_factor,
    d.format, r.mode, r.cache, r.threads, r.memory_limit_bytes, r.parallel, r.inspects, r.outcome, r.reason, r.failure,
    r.verdict, r.verdict_detail, r.verified, coalesce(k.provenance, r.provenance) AS provenance,
    CASE WHEN k.result IS NULL THEN r.provenance_reason ELSE k.reason END AS provenance_reason,
    m.class AS machine_class, r.series, time.value AS time_ns, memory.value AS peak_memory_bytes, cpu.value AS cpu_time_ns,
    r.outcome = 'measured' AND r.verified AND r.inspects IS NULL AND time.value IS NOT NULL AS comparable,
    d.sha256 AS data_sha256, t.text_sha256, u.git_commit, u.git_dirty, u.command,
    r.run, r.result, r.machine, r.engine, r.task, r.dataset, r.plan
FROM results r
LEFT JOIN engines e USING (engine)
LEFT JOIN tasks t USING (task)
LEFT JOIN datasets d USING (dataset)
LEFT JOIN machines m USING (machine)
LEFT JOIN runs u USING (run)
LEFT JOIN marks k ON k.result = r.result
LEFT JOIN metrics time ON time.result = r.result AND time.name = 'time'
LEFT JOIN metrics memory ON memory.result = r.result AND memory.name = 'peak_memory'
LEFT JOIN metrics cpu ON cpu.result = r.result AND cpu.name = 'cpu_time';

-- The newest result of each cell on each class of machine, whatever came of it.
CREATE VIEW latest AS
SELECT * FROM measurements WHERE inspects IS NULL
QUALIFY row_number() OVER (
    PARTITION BY cell, suite, machine_class, parallel, provenance ORDER BY started_at DESC, result
) = 1;

-- Who is fastest where all is alike but the engine and its mode. What was not measured has lines of its own.
CREATE VIEW best_engine_per_query AS
WITH alike AS (
    SELECT machine_class, suite, query, scale, format, cache, threads, memory_limit_bytes, parallel, provenance, data_sha256,
           concat_ws(' ', engine_name, engine_version, mode) AS engine, time_ns, peak_memory_bytes, record
    FROM latest WHERE comparable
)
SELECT machine_class, suite, query, scale, format, cache, threads, memory_limit_bytes, parallel, provenance,
       arg_min(engine, time_ns) AS engine, min(time_ns) / 1e6 AS time_ms,
       arg_min(peak_memory_bytes, time_ns) / 1048576 AS peak_memory_mib,
       min(time_ns, 2)[2] / min(time_ns) AS times_faster_than_next, count(*) AS engines, arg_min(record, time_ns) AS record
FROM alike
GROUP BY machine_class, suite, query, scale, format, cache, threads, memory_limit_bytes, parallel, provenance, data_sha256;

-- One line for all that may be compared over time; what was marked has a line of its own.
CREATE VIEW series AS
SELECT series, arg_max(cell, started_at) AS cell, any_value(machine_class) AS machine_class, provenance,
       count(*) AS results, min(started_at) AS first_at, max(started_at) AS last_at,
       list(DISTINCT engine_version ORDER BY engine_version) AS engine_versions,
       median(time_ns) / 1e6 AS median_ms, min(time_ns) / 1e6 AS min_ms, max(time_ns) / 1e6 AS max_ms,
       arg_max(time_ns, started_at) / 1e6 AS last_ms, median(peak_memory_bytes) / 1048576 AS median_peak_memory_mib
FROM measurements WHERE comparable GROUP BY series, provenance;

-- What failed, was wrong or is disputed, the newest first, and whether the same cell has been verified since.
CREATE VIEW failures AS
SELECT f.record, f.started_at, f.cell, f.engine_version, f.outcome, f.failure, f.verdict, f.provenance,
       coalesce(f.reason, f.verdict_detail) AS reason, f.machine_class, f.git_commit,
       coalesce(f.started_at < ok.last_at, false) AS verified_since
FROM measurements f
LEFT JOIN (
    SELECT cell, suite, machine_class, provenance, max(started_at) AS last_at FROM measurements WHERE comparable GROUP BY ALL
) ok USING (cell, suite, machine_class, provenance)
WHERE f.outcome = 'failed' OR f.verdict IN ('wrong', 'disputed')
ORDER BY f.started_at DESC;

-- What each engine does with each query, by its newest result, and since which of its versions.
CREATE VIEW compatibility AS
WITH told AS (
    SELECT engine_name, suite, query, engine_version, started_at, coalesce(reason, verdict_detail) AS reason, CASE
        WHEN verdict IN ('wrong', 'disputed') THEN verdict
        WHEN outcome = 'measured' AND verified THEN 'works'
        WHEN outcome = 'measured' THEN 'unchecked'
        WHEN failure = 'unsupported' THEN 'unsupported'
        ELSE outcome END AS status
    FROM measurements WHERE provenance = 'measured' AND outcome != 'skipped' OR failure = 'unsupported'
), newest AS (
    SELECT engine_name, suite, query, arg_max(status, started_at) AS status, arg_max(reason, started_at) AS reason,
           max(started_at) AS last_at FROM told GROUP BY ALL
), changed AS (
    SELECT engine_name, suite, query, max(t.started_at) AS at
    FROM told t JOIN newest n USING (engine_name, suite, query) WHERE t.status != n.status GROUP BY ALL
)
SELECT n.engine_name, n.suite, n.query, any_value(n.status) AS status,
       arg_min(t.engine_version, t.started_at) AS since_version, min(t.started_at) AS since, any_value(n.last_at) AS last_at,
       any_value(n.reason) AS reason, any_value(a.text) AS workaround
FROM newest n
JOIN told t ON (t.engine_name, t.suite, t.query) = (n.engine_name, n.suite, n.query)
LEFT JOIN changed c ON (c.engine_name, c.suite, c.query) = (n.engine_name, n.suite, n.query)
LEFT JOIN (
    SELECT target, arg_max(text, written_at) AS text FROM annotations WHERE kind = 'workaround' GROUP BY target
) a ON a.target = n.engine_name || '/' || n.query
WHERE c.at IS NULL OR t.started_at > c.at
GROUP BY n.engine_name, n.suite, n.query;

-- Whether an engine could be started on a machine, run by run; a service is an engine of that kind.
CREATE VIEW availability AS
SELECT m.class AS machine_class, e.name AS engine_name, any_value(e.kind) AS kind, r.run, min(r.started_at) AS at,
       bool_or(e.version IS NOT NULL) AS found, max(e.version) AS engine_version,
       CASE WHEN bool_or(e.version IS NOT NULL) THEN NULL ELSE any_value(r.reason) END AS reason
FROM results r JOIN engines e USING (engine) JOIN machines m USING (machine)
WHERE (r.provenance = 'measured' AND r.result NOT IN (SELECT result FROM marks)) OR r.inspects IS NOT NULL
GROUP BY m.class, e.name, r.run;

-- Where a series has another plan than at the result before it that told one, and what became of the time.
CREATE VIEW plan_changes AS
SELECT record, started_at, cell, engine_version, git_commit, machine_class, series,
       previous.record AS record_before, previous.engine_version AS engine_version_before,
       time_ns / previous.time_ns AS time_ratio, plan, previous.plan AS plan_before
FROM (
    SELECT *, lag({record: record, engine_version: engine_version, time_ns: time_ns, plan: plan}) OVER (
        PARTITION BY series ORDER BY started_at, record
    ) AS previous
    FROM measurements WHERE plan IS NOT NULL AND series IS NOT NULL
)
WHERE plan != previous.plan;
