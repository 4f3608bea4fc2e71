
-- Since version 2: our engine against others (docs/references.md). One row for each network and
-- number of threads of a call of 'condense bench --record'.
CREATE TABLE bench (
    id INTEGER PRIMARY KEY,
    environment INTEGER NOT NULL REFERENCES environment (id),
    started_utc TEXT NOT NULL,
    model TEXT NOT NULL,
    scale TEXT NOT NULL,
    weights TEXT NOT NULL,       -- file name, or 'random'
    threads INTEGER NOT NULL CHECK (threads > 0),
    batch INTEGER NOT NULL CHECK (batch > 0),
    isa TEXT NOT NULL,           -- of our kernels
    seed INTEGER NOT NULL,       -- of order and input
    macs INTEGER NOT NULL,       -- of the whole batch, every convolution counted as direct
    peak_gflops REAL NOT NULL,   -- fused multiply-adds, two operations each, measured then
    memory_gbytes REAL NOT NULL  -- read from memory in a second, measured then
) STRICT;

CREATE TABLE bench_engine (
    bench INTEGER NOT NULL REFERENCES bench (id),
    position INTEGER NOT NULL,   -- 0: ours
    engine TEXT NOT NULL,
    version TEXT,
    samples INTEGER NOT NULL,
    median_ms REAL,
    mean_ms REAL,
    ci95_low_ms REAL,
    ci95_high_ms REAL,
    min_ms REAL,
    mean_ratio REAL,             -- our mean time over its own, over paired rounds
    mean_ratio_low REAL,         -- its 95 % interval
    mean_ratio_high REAL,
    difference REAL,             -- largest difference of an output from ours, over our largest
    reason TEXT,                 -- why it was not timed
    PRIMARY KEY (bench, position),
    CHECK (median_ms IS NOT NULL OR reason IS NOT NULL)
) STRICT, WITHOUT ROWID;

CREATE TABLE bench_sample (
    bench INTEGER NOT NULL,
    position INTEGER NOT NULL,
    round INTEGER NOT NULL,
    duration_ns INTEGER NOT NULL CHECK (duration_ns >= 0),
    PRIMARY KEY (bench, position, round),
    FOREIGN KEY (bench, position) REFERENCES bench_engine (bench, position)
) STRICT, WITHOUT ROWID;

-- The last measurement of each network, scale, number of threads and batch: a row an engine.
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
WHERE bench.id IN (SELECT max(id) FROM bench GROUP BY model, scale, threads, batch);

-- Ours beside the fastest of the others.
CREATE VIEW v_bench_best AS
SELECT ours.bench, ours.model, ours.scale, ours.weights, ours.threads, ours.batch,
       ours.median_ms, ours.share_of_peak, best.engine AS reference,
       best.median_ms AS reference_ms, best.ratio, ours.macs,
       (SELECT count(median_ms) FROM v_bench AS other
         WHERE other.bench = ours.bench AND other.position) AS "references"
FROM v_bench AS ours
LEFT JOIN v_bench AS best ON best.bench = ours.bench AND best.position =
    (SELECT position FROM v_bench AS other WHERE other.bench = ours.bench AND other.position
        AND other.median_ms IS NOT NULL ORDER BY other.median_ms LIMIT 1)
WHERE ours.position = 0;
