-- Since version 8: how fast networks with zeros run (docs/measuring.md).

-- Of each layer of a cell; dense_... is the same layer by kernels that skip no zeros, timed in turn.
-- The fastest runs are what speed-ups are of: others on the machine only ever lengthen one.
ALTER TABLE layer_time ADD COLUMN nonzero_macs INTEGER;   -- MACs with a weight that is not zero
ALTER TABLE layer_time ADD COLUMN products INTEGER;       -- multiplications as the kernel does them
ALTER TABLE layer_time ADD COLUMN dense_macs INTEGER;     -- MACs, and
ALTER TABLE layer_time ADD COLUMN dense_products INTEGER; -- multiplications, by that dense kernel
ALTER TABLE layer_time ADD COLUMN least_ms REAL;          -- of the fastest run
ALTER TABLE layer_time ADD COLUMN dense_least_ms REAL;    -- NULL where no weight is zero
ALTER TABLE layer_time ADD COLUMN packed_bytes INTEGER;   -- of the weights
ALTER TABLE layer_time ADD COLUMN loads REAL;             -- input vectors loaded a multiply-add
ALTER TABLE layer_time ADD COLUMN imbalance REAL;         -- products of the busiest thread over the mean

DROP VIEW v_layer;
DROP VIEW v_layer_plan;
CREATE VIEW v_layer_plan AS
SELECT cell, fusion, position, layer, op, tensor_layer, kernel, ms,
       ms / nullif(sum(ms) OVER (PARTITION BY attempt, fusion), 0) AS share, macs, nonzero, bytes,
       nonzero_macs, products, dense_macs, dense_products, least_ms, dense_least_ms,
       packed_bytes, loads, imbalance,
       CASE WHEN tensor_layer THEN 1.0 * dense_macs / nonzero_macs END AS mac_ratio,
       CASE WHEN tensor_layer THEN 1.0 * dense_products / products END AS product_ratio,
       CASE WHEN tensor_layer
            THEN 1.0 * dense_products / min(dense_products, nonzero_macs) END AS theoretical,
       CASE WHEN tensor_layer THEN dense_least_ms / least_ms END AS realized,
       CASE WHEN tensor_layer
            THEN dense_least_ms / least_ms * min(dense_products, nonzero_macs) / dense_products
       END AS attained
FROM current_attempt JOIN layer_time USING (attempt);

-- The plan that the samples were taken with.
CREATE VIEW v_layer AS
SELECT plan.cell, plan.position, plan.layer, plan.op, plan.tensor_layer, plan.kernel, plan.ms,
       plan.share, plan.macs, plan.nonzero, plan.bytes, plan.nonzero_macs, plan.products,
       plan.dense_macs, plan.dense_products, plan.least_ms, plan.dense_least_ms,
       plan.packed_bytes, plan.loads, plan.imbalance, plan.mac_ratio, plan.product_ratio, plan.theoretical, plan.realized, plan.attained
FROM v_layer_plan AS plan JOIN cell ON cell.id = plan.cell AND cell.fusion = plan.fusion;

-- What makes a row of bench one of a pruned network: 'condense bench --scheme'. Our engine is then
-- there several times: 'condense' as it is; 'condense-unordered' without reordering of output
-- channels; 'condense-dense' with kernels that skip no zeros; 'condense-direct' likewise, without
-- Winograd.
CREATE TABLE bench_mask (
    bench INTEGER PRIMARY KEY REFERENCES bench (id),
    scheme TEXT NOT NULL,
    rate_asked REAL NOT NULL,      -- weights of tensor layers before over after
    rate REAL NOT NULL,            -- that came of it
    weights INTEGER NOT NULL,
    nonzero INTEGER NOT NULL,
    nonzero_macs INTEGER NOT NULL, -- of the whole batch
    cache_gbytes REAL NOT NULL     -- read from the second-level cache in a second, measured then
) STRICT;

-- What our own engines' plans took.
CREATE TABLE bench_plan (
    bench INTEGER NOT NULL,
    position INTEGER NOT NULL,
    plan_ms REAL NOT NULL,         -- planning and packing
    packed_bytes INTEGER NOT NULL,
    arena_bytes INTEGER NOT NULL,
    scratch_bytes INTEGER NOT NULL,
    peak_memory_bytes INTEGER,     -- of planning and two runs, in a process of its own
    peak_memory_reason TEXT,
    PRIMARY KEY (bench, position),
    FOREIGN KEY (bench, position) REFERENCES bench_engine (bench, position),
    CHECK (peak_memory_bytes IS NOT NULL OR peak_memory_reason IS NOT NULL)
) STRICT, WITHOUT ROWID;

-- The layers of these plans, timed in turn.
CREATE TABLE bench_layer (
    bench INTEGER NOT NULL,
    position INTEGER NOT NULL,
    number INTEGER NOT NULL,       -- in the order of execution
    layer TEXT NOT NULL,
    op TEXT NOT NULL,
    kernel TEXT NOT NULL,
    way TEXT,                      -- NULL where there is nothing to choose
    channels INTEGER NOT NULL,     -- of the output of one picture
    height INTEGER NOT NULL,
    width INTEGER NOT NULL,
    ms REAL NOT NULL,              -- median
    least_ms REAL NOT NULL,        -- of the fastest run
    macs INTEGER NOT NULL,
    nonzero INTEGER NOT NULL,
    nonzero_macs INTEGER NOT NULL,
    products INTEGER NOT NULL,
    dense_products INTEGER NOT NULL,
    packed_bytes INTEGER NOT NULL,
    activation_bytes INTEGER NOT NULL,
    loads REAL,                    -- NULL: not known
    imbalance REAL,
    bound TEXT NOT NULL,           -- 'compute', 'cache', 'memory' or 'overhead'
    limit_ms REAL NOT NULL,        -- the least time that the first three allow
    PRIMARY KEY (bench, position, number),
    FOREIGN KEY (bench, position) REFERENCES bench_engine (bench, position)
) STRICT, WITHOUT ROWID;

-- As before, of networks as they are.
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
WHERE bench.id IN (SELECT max(id) FROM bench WHERE id NOT IN (SELECT bench FROM bench_mask)
                   GROUP BY model, scale, threads, batch);

-- The last measurement of each network, scale, scheme, rate, number of threads and batch: a row an
-- engine. speedup is its mean time over ours, over paired rounds; where noise leaves its interval open
-- above, speedup_high is NULL.
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
                   GROUP BY model, scale, scheme, rate_asked, threads, batch);

-- One row each: ours beside our own other ways and the fastest of the other engines.
CREATE VIEW v_execution AS
SELECT ours.bench, ours.model, ours.scale, ours.scheme, ours.rate_asked, ours.rate,
       1.0 * mask.nonzero / mask.weights AS density, ours.weights, ours.threads, ours.batch, ours.isa,
       ours.samples, 1.0 * bench.macs / mask.nonzero_macs AS mac_ratio, ours.median_ms,
       dense.median_ms AS dense_ms, dense.speedup, dense.speedup_low, dense.speedup_high,
       direct.median_ms AS direct_ms, direct.speedup AS direct_speedup,
       direct.speedup_low AS direct_low, direct.speedup_high AS direct_high,
       unordered.median_ms AS unordered_ms, unordered.speedup AS order_speedup,
       best.engine AS reference, best.median_ms AS reference_ms,
       best.speedup AS reference_speedup, best.speedup_low AS reference_low,
       best.speedup_high AS reference_high, ours.plan_ms, ours.packed_bytes,
       dense.packed_bytes AS dense_packed_bytes, ours.peak_memory_bytes,
       dense.peak_memory_bytes AS dense_peak_memory_bytes, ours.peak_memory_reason,
       bench.peak_gflops, mask.cache_gbytes, bench.memory_gbytes, bench.started_utc
FROM v_execution_engine AS ours
JOIN bench ON bench.id = ours.bench
JOIN bench_mask AS mask ON mask.bench = ours.bench
LEFT JOIN v_execution_engine AS dense
       ON dense.bench = ours.bench AND dense.engine = 'condense-dense'
LEFT JOIN v_execution_engine AS direct
       ON direct.bench = ours.bench AND direct.engine = 'condense-direct'
LEFT JOIN v_execution_engine AS unordered
       ON unordered.bench = ours.bench AND unordered.engine = 'condense-unordered'
LEFT JOIN v_execution_engine AS best ON best.bench = ours.bench AND best.position =
    (SELECT position FROM v_execution_engine AS other
      WHERE other.bench = ours.bench AND NOT other.own AND other.median_ms IS NOT NULL
      ORDER BY other.median_ms LIMIT 1)
WHERE ours.position = 0;

-- The layers of these: theoretical speed-up (the dense kernel's products over those with a weight that
-- is not zero, at least 1), the realized one, and what of the first is attained; product_ratio is of the
-- products as done; mac_ratio and direct_realized are over the direct convolution.
CREATE VIEW v_execution_layer AS
SELECT ours.bench, model, scale, scheme, rate_asked, threads, batch, ours.number, ours.layer, ours.op,
       ours.kernel, ours.way, ours.channels, ours.height, ours.width, ours.ms,
       ours.least_ms, ours.ms / sum(ours.ms) OVER (PARTITION BY ours.bench) AS share, ours.macs, ours.nonzero,
       ours.nonzero_macs, ours.products, dense.macs AS dense_macs,
       dense.products AS dense_products, ours.packed_bytes, ours.activation_bytes, ours.loads, ours.imbalance, ours.bound, ours.limit_ms,
       dense.kernel AS dense_kernel, dense.least_ms AS dense_least_ms,
       direct.least_ms AS direct_least_ms, unordered.least_ms AS unordered_least_ms, unordered.imbalance AS unordered_imbalance,
       unordered.loads AS unordered_loads,
       1.0 * dense.macs / ours.nonzero_macs AS mac_ratio,
       1.0 * dense.products / ours.products AS product_ratio,
       1.0 * dense.products / min(dense.products, ours.nonzero_macs) AS theoretical,
       dense.least_ms / ours.least_ms AS realized,
       dense.least_ms / ours.least_ms * min(dense.products, ours.nonzero_macs) / dense.products
         AS attained,
       direct.least_ms / ours.least_ms AS direct_realized
FROM v_execution
JOIN bench_layer AS ours ON ours.bench = v_execution.bench AND ours.position = 0
LEFT JOIN bench_engine AS e1 ON e1.bench = ours.bench AND e1.engine = 'condense-dense'
LEFT JOIN bench_engine AS e2 ON e2.bench = ours.bench AND e2.engine = 'condense-direct'
LEFT JOIN bench_engine AS e3 ON e3.bench = ours.bench AND e3.engine = 'condense-unordered'
LEFT JOIN bench_layer AS dense ON dense.bench = ours.bench AND dense.position = e1.position
                              AND dense.layer = ours.layer
LEFT JOIN bench_layer AS direct ON direct.bench = ours.bench AND direct.position = e2.position
                               AND direct.layer = ours.layer
LEFT JOIN bench_layer AS unordered ON unordered.bench = ours.bench
                                  AND unordered.position = e3.position
                                  AND unordered.layer = ours.layer;

-- What the planner chose beside what was there to choose from: 'condense bench --choices'.
CREATE TABLE choice (
    id INTEGER PRIMARY KEY,
    environment INTEGER NOT NULL REFERENCES environment (id),
    started_utc TEXT NOT NULL,
    model TEXT NOT NULL,
    scale TEXT NOT NULL,
    weights TEXT NOT NULL,
    scheme TEXT NOT NULL,          -- 'none': weights as they are
    rate_asked REAL NOT NULL,
    rate REAL NOT NULL,
    threads INTEGER NOT NULL CHECK (threads > 0),
    batch INTEGER NOT NULL CHECK (batch > 0),
    isa TEXT NOT NULL,
    seed INTEGER NOT NULL,         -- of the input
    planned_ms REAL NOT NULL,      -- medians of whole runs, in turn: every layer as planned, and
    best_ms REAL NOT NULL          -- each its fastest way where that is 3 % faster or more
) STRICT;

CREATE TABLE choice_way (
    choice INTEGER NOT NULL REFERENCES choice (id),
    position INTEGER NOT NULL,     -- of the signature in the network
    rank INTEGER NOT NULL,         -- 0: the planner's choice
    signature TEXT NOT NULL,
    layers INTEGER NOT NULL,       -- that have it
    way TEXT NOT NULL,
    ms REAL,                       -- of one layer, its fastest; NULL: the only way, not timed
    PRIMARY KEY (choice, position, rank)
) STRICT, WITHOUT ROWID;

-- The last of each network, scale, scheme, rate, number of threads and batch: a row a signature that
-- has more than one way. excess is the choice's time over the fastest way's.
CREATE VIEW v_choice AS
SELECT choice.id AS choice, model, scale, scheme, rate_asked, rate, threads, batch, isa,
       own.position, own.signature, own.layers, own.way, own.ms,
       best.way AS best_way, best.ms AS best_ms, own.ms / best.ms AS excess,
       (SELECT count(*) FROM choice_way AS w
         WHERE w.choice = choice.id AND w.position = own.position) AS ways,
       planned_ms, choice.best_ms AS best_plan_ms, started_utc
FROM choice
JOIN choice_way AS own ON own.choice = choice.id AND own.rank = 0
JOIN choice_way AS best ON best.choice = choice.id AND best.position = own.position AND best.rank =
    (SELECT rank FROM choice_way AS w
      WHERE w.choice = choice.id AND w.position = own.position AND w.ms IS NOT NULL
      ORDER BY w.ms, w.rank LIMIT 1)
WHERE choice.id IN (SELECT max(id) FROM choice
                    GROUP BY model, scale, scheme, rate_asked, threads, batch);
