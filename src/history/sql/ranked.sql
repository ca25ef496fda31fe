-- Migration 4: what was interrupted says nothing of an engine, and a network is a condition.

-- The newest result of each cell on each class of machine. What says nothing of the engine, since it was interrupted, skipped or had no
-- tables, takes the place of no result before it; the report has the same rule.
CREATE OR REPLACE VIEW latest AS
SELECT * FROM measurements WHERE inspects IS NULL
QUALIFY row_number() OVER (
    PARTITION BY cell, suite, machine_class, parallel, provenance
    ORDER BY outcome != 'measured' AND coalesce(failure = 'interrupted', outcome = 'skipped' OR data_sha256 IS NULL),
             started_at DESC, result
) = 1;

-- What each engine does with each query, by its newest result that was not interrupted, and since which of its versions.
CREATE OR REPLACE VIEW compatibility AS
WITH told AS (
    SELECT engine_name, suite, query, engine_version, started_at, coalesce(reason, verdict_detail) AS reason, CASE
        WHEN verdict IN ('wrong', 'disputed') THEN verdict
        WHEN outcome = 'measured' AND verified THEN 'works'
        WHEN outcome = 'measured' THEN 'unchecked'
        WHEN failure = 'unsupported' THEN 'unsupported'
        ELSE outcome END AS status
    FROM measurements
    WHERE provenance = 'measured' AND outcome != 'skipped' AND failure IS DISTINCT FROM 'interrupted' OR failure = 'unsupported'
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

-- What the way to tables on S3 was set to cost, a condition as any other. It is the end of a variant and so of a cell, as
-- `Network::compact` writes it.
CREATE MACRO network_of(cell) AS
    nullif(regexp_extract(cell, '-((rtt|first|rate|total|busy|cut)[0-9][^-/]*(-(rtt|first|rate|total|busy|cut)[0-9][^-/]*)*)$', 1), '');

CREATE OR REPLACE VIEW best_engine_per_query AS
WITH alike AS (
    SELECT machine_class, suite, query, scale, format, cache, threads, memory_limit_bytes, parallel, network_of(cell) AS network,
           provenance, data_sha256, concat_ws(' ', engine_name, engine_version, mode) AS engine, time_ns, peak_memory_bytes, record
    FROM latest WHERE comparable
)
SELECT machine_class, suite, query, scale, format, cache, threads, memory_limit_bytes, parallel, network, provenance,
       arg_min(engine, time_ns) AS engine, min(time_ns) / 1e6 AS time_ms,
       arg_min(peak_memory_bytes, time_ns) / 1048576 AS peak_memory_mib,
       min(time_ns, 2)[2] / min(time_ns) AS times_faster_than_next, count(*) AS engines, arg_min(record, time_ns) AS record
FROM alike
GROUP BY machine_class, suite, query, scale, format, cache, threads, memory_limit_bytes, parallel, network, provenance, data_sha256;
