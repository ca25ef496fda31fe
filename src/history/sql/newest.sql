-- What `history newest` gives: of each cell on a class of machines its newest measured result, with all that tells whether it still
-- holds. What was interrupted says nothing, so that a run which was goes on; nor does what somebody has marked as not measured. The
-- class is given.
WITH known AS (
    SELECT r.*, t.suite, t.text_sha256, d.sha256 AS data_sha256, d.layout, e.version AS engine_version, e.program, e.options
    FROM (FROM results ANTI JOIN marks USING (result)) r
    JOIN machines m USING (machine)
    JOIN tasks t USING (task)
    JOIN datasets d USING (dataset)
    JOIN engines e USING (engine)
    WHERE m.class = ? AND r.provenance = 'measured' AND r.inspects IS NULL AND r.failure IS DISTINCT FROM 'interrupted'
), ended AS (
    -- A cell takes until the next one of its run begins. Of the last one, and of those beside others, nobody knows.
    SELECT result, epoch_ms(lead(started_at) OVER (PARTITION BY run ORDER BY started_at, journal_line)) - epoch_ms(started_at) AS wall_ms
    FROM results
), walls AS (
    SELECT k.cell, k.suite, arg_max(e.wall_ms, k.started_at) AS wall_ms
    FROM known k JOIN ended e USING (result)
    WHERE k.outcome = 'measured' AND k.parallel = 1 AND e.wall_ms IS NOT NULL GROUP BY ALL
)
SELECT regexp_extract(k.journal_file, '([^/]*?)(\.jsonl)?$', 1) || ':' || k.journal_line AS record,
       k.cell, k.suite, epoch_ms(k.started_at) AS started_at_ms, k.outcome, k.reason, k.failure, k.verdict, k.verdict_detail,
       k.verified, k.answer_digest, k.engine_version, k.program, k.options, k.text_sha256, k.data_sha256, k.layout,
       k.threads, k.memory_limit_bytes, k.cache, k.mode, k.parallel, k.environment, w.wall_ms
FROM known k
LEFT JOIN walls w ON w.cell = k.cell AND w.suite = k.suite
QUALIFY row_number() OVER (PARTITION BY k.cell, k.suite ORDER BY k.started_at DESC NULLS LAST, k.result) = 1
ORDER BY k.cell, k.suite;
