-- Since version 9: networks of 8-bit integers beside others (docs/int8.md).

-- Of the numbers that our engine computes with. Engines called '...-int8' run the same integers,
-- 'floats' is our own on the floats that they stand for.
ALTER TABLE bench ADD COLUMN bits INTEGER NOT NULL DEFAULT 32 CHECK (bits IN (8, 32));
UPDATE bench SET bits = 8
 WHERE isa IN ('avx512_vnni', 'neon_dot') OR id IN (SELECT bench FROM bench_engine WHERE engine = 'floats');

-- As before, of floats.
DROP VIEW v_bench;
CREATE VIEW v_bench AS
SELECT bench.id AS bench, model, scale, weights, threads, batch, isa, engine.engine,
       engine.version, engine.samples, engine.median_ms, engine.mean_ms, engine.ci95_low_ms,
       engine.ci95_high_ms, engine.min_ms,
       CASE WHEN engine.position THEN ours.median_ms / engine.median_ms END AS ratio,
       engine.mean_ratio, engine.mean_ratio_low, engine.mean_ratio_high,
       2e-6 * macs / engine.median_ms / peak_gflops AS share_of_peak, engine.difference,
       engine.reason, engine.position, macs, peak_gflops, memory_gbytes, started_utc
FROM bench
JOIN bench_engine AS engine ON engine.bench = bench.id
JOIN bench_engine AS ours ON ours.bench = bench.id AND ours.position = 0
WHERE bench.id IN (SELECT max(id) FROM bench
                    WHERE bits = 32 AND id NOT IN (SELECT bench FROM bench_mask)
                    GROUP BY model, scale, threads, batch);

DROP VIEW v_execution_engine;
CREATE VIEW v_execution_engine AS
SELECT bench.id AS bench, model, scale, scheme, rate_asked, rate, bench.weights, threads, batch, isa,
       engine.engine, engine.engine GLOB 'condense*' AS own, engine.version, engine.samples,
       engine.median_ms, engine.mean_ms, engine.ci95_low_ms, engine.ci95_high_ms,
       1 / engine.mean_ratio AS speedup, 1 / engine.mean_ratio_high AS speedup_low,
       CASE WHEN engine.mean_ratio_low > 0 THEN 1 / engine.mean_ratio_low END AS speedup_high, engine.difference, engine.reason,
       engine.position, plan_ms, packed_bytes, arena_bytes, scratch_bytes, peak_memory_bytes,
       peak_memory_reason
FROM bench
JOIN bench_mask ON bench_mask.bench = bench.id
JOIN bench_engine AS engine ON engine.bench = bench.id
LEFT JOIN bench_plan AS plan ON plan.bench = bench.id AND plan.position = engine.position
WHERE bench.id IN (SELECT max(bench.id) FROM bench JOIN bench_mask ON bench_mask.bench = bench.id
                    WHERE bits = 32
                    GROUP BY model, scale, scheme, rate_asked, threads, batch);

-- The last measurement of integers of each network, scale, scheme and rate ('none' and 1 where weights
-- were not pruned for it), number of threads and batch: a row an engine. speedup is its mean time over
-- ours, over paired rounds; where noise leaves its interval open above, speedup_high is NULL.
CREATE VIEW v_int8_engine AS
SELECT bench.id AS bench, model, scale, coalesce(scheme, 'none') AS scheme,
       coalesce(rate_asked, 1.0) AS rate_asked, coalesce(rate, 1.0) AS rate, bench.weights, threads, batch,
       isa, engine.engine, engine.engine GLOB 'condense*' OR engine.engine = 'floats' AS own,
       engine.version, engine.samples, engine.median_ms, engine.mean_ms, engine.ci95_low_ms,
       engine.ci95_high_ms, engine.min_ms,
       CASE WHEN engine.position THEN ours.median_ms / engine.median_ms END AS ratio,
       engine.mean_ratio, engine.mean_ratio_low, engine.mean_ratio_high,
       1 / engine.mean_ratio AS speedup, 1 / engine.mean_ratio_high AS speedup_low,
       CASE WHEN engine.mean_ratio_low > 0 THEN 1 / engine.mean_ratio_low END AS speedup_high,
       engine.difference, engine.reason, engine.position, macs, peak_gflops, memory_gbytes,
       started_utc
FROM bench
LEFT JOIN bench_mask ON bench_mask.bench = bench.id
JOIN bench_engine AS engine ON engine.bench = bench.id
JOIN bench_engine AS ours ON ours.bench = bench.id AND ours.position = 0
WHERE bits = 8 AND bench.id IN
      (SELECT max(bench.id) FROM bench LEFT JOIN bench_mask ON bench_mask.bench = bench.id
        WHERE bits = 8 GROUP BY model, scale, scheme, rate_asked, threads, batch);

-- One row each: ours beside our own floats, our dense integers where weights were pruned, and the
-- fastest of the other engines that run integers.
CREATE VIEW v_int8 AS
SELECT ours.bench, ours.model, ours.scale, ours.scheme, ours.rate_asked, ours.rate, ours.weights,
       ours.threads, ours.batch, ours.isa, ours.samples, ours.median_ms,
       floats.median_ms AS floats_ms, floats.speedup, floats.speedup_low, floats.speedup_high,
       dense.median_ms AS dense_ms, dense.speedup AS dense_speedup,
       dense.speedup_low AS dense_low, dense.speedup_high AS dense_high,
       best.engine AS reference, best.median_ms AS reference_ms, best.ratio, best.mean_ratio,
       best.mean_ratio_low, best.mean_ratio_high, ours.macs, ours.started_utc
FROM v_int8_engine AS ours
LEFT JOIN v_int8_engine AS floats ON floats.bench = ours.bench AND floats.engine = 'floats'
LEFT JOIN v_int8_engine AS dense ON dense.bench = ours.bench AND dense.engine = 'condense-dense'
LEFT JOIN v_int8_engine AS best ON best.bench = ours.bench AND best.position =
    (SELECT position FROM v_int8_engine AS other
      WHERE other.bench = ours.bench AND other.engine GLOB '*-int8' AND other.median_ms IS NOT NULL
      ORDER BY other.median_ms LIMIT 1)
WHERE ours.position = 0;
