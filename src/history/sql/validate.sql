-- Results that cannot have been measured as they say, a row for each result and rule. `history validate --help` has the rules in words.
WITH told AS (
    SELECT m.record, m.started_at, m.cell, m.machine_class, m.engine_name, m.run, m.mode, m.inspects, m.outcome, m.time_ns,
           m.cpu_time_ns, m.peak_memory_bytes, c.cores, c.memory_bytes, c.gpus, e.kind, r.iterations,
           coalesce(t.samples, [t.value]) AS samples
    FROM measurements m
    JOIN results r ON r.result = m.result
    JOIN machines c ON c.machine = m.machine
    JOIN engines e ON e.engine = m.engine
    LEFT JOIN metrics t ON t.result = m.result AND t.name = 'time'
    WHERE m.provenance = 'measured'
), timed AS (
    FROM told WHERE outcome = 'measured' AND inspects IS NULL
), low AS (
    -- A sample is the mean of its iterations, and the clock has read all of them in one: whole nanoseconds.
    SELECT record, min(sample * coalesce(count, 1)) AS total_ns FROM (
        SELECT record, unnest(samples) AS sample, unnest(coalesce(iterations, [])) AS count FROM timed WHERE list_min(samples) < 1
    ) WHERE sample IS NOT NULL GROUP BY record
), twins AS (
    SELECT samples, list(record ORDER BY started_at, record) AS records
    FROM timed WHERE len(samples) >= 3 GROUP BY samples HAVING count(*) > 1
), found AS (
    SELECT record, started_at, cell, machine_class, 'absent engine' AS rule,
           concat(engine_name, ' was not found there in run ', run, ': ', coalesce(a.reason, 'no reason is known')) AS why
    FROM timed JOIN availability a USING (machine_class, engine_name, run) WHERE NOT a.found
    UNION ALL
    SELECT record, started_at, cell, machine_class, 'time below the clock''s step',
           concat('a sample of ', total_ns, ' ns in all: the clock has steps of 1 ns')
    FROM timed JOIN low USING (record) WHERE total_ns < 1
    UNION ALL
    -- CPU time of shorter runs is mostly the loop around them. A service's processors need not be this machine's.
    SELECT record, started_at, cell, machine_class, 'more CPU time than processors',
           concat(round(cpu_time_ns / 1e6, 3), ' ms of CPU time in ', round(time_ns / 1e6, 3), ' ms on ', cores, ' processors')
    FROM timed WHERE cpu_time_ns > 1.05 * cores * time_ns AND time_ns >= 1e5 AND kind != 'service'
    UNION ALL
    SELECT record, started_at, cell, machine_class, 'no GPU',
           concat(concat_ws(' ', engine_name, kind, mode), ' runs on a GPU, the machine has none')
    FROM timed
    WHERE regexp_matches(lower(concat_ws(' ', engine_name, kind, mode)), '(^|[^a-z])(gpu|cuda|cudf|rocm|rapids)([^a-z]|$)') AND gpus = []
    UNION ALL
    SELECT record, started_at, cell, machine_class, 'in the future', concat('it started at ', started_at, ' UTC')
    FROM told WHERE started_at > (current_timestamp AT TIME ZONE 'UTC') + INTERVAL 5 MINUTES
    UNION ALL
    -- A fact and no setting: the day of this project's first commit.
    SELECT record, started_at, cell, machine_class, 'before QueryDyno', concat('it started at ', started_at, ' UTC, before 2026-11-20')
    FROM told WHERE started_at < TIMESTAMP '2026-11-20 00:00:00'
    UNION ALL
    SELECT record, started_at, cell, machine_class, 'simulated machine', 'the machine calls itself simulated'
    FROM told WHERE contains(lower(machine_class), 'simulated')
    UNION ALL
    SELECT record, started_at, cell, machine_class, 'samples of another result',
           concat('the same ', len(samples), ' samples as ', CASE WHEN records[1] = record THEN records[2] ELSE records[1] END)
    FROM timed JOIN twins USING (samples)
    UNION ALL
    SELECT record, started_at, cell, machine_class, 'more memory than the machine',
           concat(format_bytes(peak_memory_bytes::BIGINT), ' of ', format_bytes(memory_bytes::BIGINT))
    FROM timed WHERE peak_memory_bytes > memory_bytes
)
SELECT record, cell, rule, why, started_at, machine_class FROM found ORDER BY rule, started_at, record
