-- What `history stats` prints: the file's path and its size in bytes are given.
WITH file AS (SELECT ? AS path, ?::BIGINT AS bytes)
SELECT unnest([
    {what: 'history', value: (SELECT path FROM file)},
    {what: 'size', value: (SELECT format_bytes(bytes) FROM file)},
    {what: 'bytes a result', value: (SELECT (bytes // nullif((SELECT count(*) FROM results), 0))::VARCHAR FROM file)},
    {what: 'schema', value: (SELECT max(version)::VARCHAR FROM migrations)},
    {what: 'results', value: (SELECT count(*)::VARCHAR FROM results)},
    {what: 'measured', value: (SELECT count(*)::VARCHAR FROM results WHERE outcome = 'measured')},
    {what: 'skipped', value: (SELECT count(*)::VARCHAR FROM results WHERE outcome = 'skipped')},
    {what: 'failed', value: (SELECT count(*)::VARCHAR FROM results WHERE outcome = 'failed')},
    {what: 'verified', value: (SELECT count(*)::VARCHAR FROM results WHERE verified)},
    {what: 'simulated, imported or estimated', value: (SELECT count(*)::VARCHAR FROM results WHERE provenance != 'measured' OR result IN (SELECT result FROM marks))},
    {what: 'deleted on purpose', value: (SELECT count(*)::VARCHAR FROM deleted_results)},
    {what: 'figures', value: (SELECT count(*)::VARCHAR FROM metrics)},
    {what: 'samples', value: (SELECT sum(coalesce(len(samples), 1))::VARCHAR FROM metrics)},
    {what: 'series', value: (SELECT count(DISTINCT series)::VARCHAR FROM results)},
    {what: 'runs', value: (SELECT count(*)::VARCHAR FROM runs)},
    {what: 'engines', value: (SELECT string_agg(DISTINCT name, ', ' ORDER BY name) FROM engines)},
    {what: 'queries', value: (SELECT count(DISTINCT (suite, query))::VARCHAR FROM tasks)},
    {what: 'classes of machines', value: (SELECT count(DISTINCT class)::VARCHAR FROM machines)},
    {what: 'first', value: (SELECT min(started_at)::VARCHAR FROM results)},
    {what: 'last', value: (SELECT max(started_at)::VARCHAR FROM results)},
    {what: 'annotations', value: (SELECT count(*)::VARCHAR FROM annotations)},
    {what: 'files of the journal', value: (SELECT count(*)::VARCHAR FROM journal_files)},
    {what: 'lines left out', value: (SELECT count(*)::VARCHAR FROM journal_left_out)}
], recursive := true);
