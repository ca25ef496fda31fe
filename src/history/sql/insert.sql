-- Takes what was staged into the tables. A result that is there, or was deleted on purpose, is not taken in again.
INSERT INTO machines FROM staged_machines ON CONFLICT DO NOTHING;
INSERT INTO engines FROM staged_engines ON CONFLICT DO NOTHING;
INSERT INTO tasks FROM staged_tasks ON CONFLICT DO NOTHING;
INSERT INTO datasets FROM staged_datasets ON CONFLICT DO NOTHING;
INSERT INTO plans FROM staged_plans ON CONFLICT DO NOTHING;
DELETE FROM staged_results WHERE result IN (FROM deleted_results SELECT result);
DELETE FROM staged_results WHERE result IN (SELECT r.result FROM results r JOIN staged_results s USING (result));
INSERT INTO runs FROM staged_runs SEMI JOIN staged_results USING (run) ON CONFLICT (run) DO UPDATE SET
    started_at = least(started_at, excluded.started_at), last_cell_at = greatest(last_cell_at, excluded.last_cell_at);
INSERT INTO metrics FROM staged_metrics WHERE result IN (SELECT result FROM staged_results);
UPDATE staged_results SET checksum = c.checksum FROM ({checksums}) c WHERE staged_results.result = c.result;
{totals}
INSERT INTO results FROM staged_results ON CONFLICT DO NOTHING;
