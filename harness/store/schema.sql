-- The study's database (docs/schema.md). Tables may change from version to version; the views at the
-- end are what everyone reads. Times: _ns are of the monotonic clock, _utc is a label. What was not
-- measured is NULL and has a reason beside it.

-- One call of the program on one machine with one build.
CREATE TABLE environment (
    id INTEGER PRIMARY KEY,
    hash TEXT NOT NULL,          -- of what does not change from minute to minute: machine and build
    captured_utc TEXT NOT NULL,
    command TEXT NOT NULL
) STRICT;

CREATE TABLE environment_fact (
    environment INTEGER NOT NULL REFERENCES environment (id),
    key TEXT NOT NULL,
    value TEXT,
    reason TEXT,
    PRIMARY KEY (environment, key),
    CHECK (value IS NOT NULL OR reason IS NOT NULL)
) STRICT, WITHOUT ROWID;

CREATE TABLE model (
    hash TEXT PRIMARY KEY,       -- SHA-256 of the canonical text
    name TEXT NOT NULL,
    scale TEXT NOT NULL,
    classes INTEGER NOT NULL CHECK (classes > 0),
    canonical TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE weight_set (
    digest TEXT PRIMARY KEY,     -- SHA-256 of names, shapes and values
    label TEXT NOT NULL          -- file name, or 'random'
) STRICT, WITHOUT ROWID;

CREATE TABLE dataset_split (
    hash TEXT PRIMARY KEY,       -- of the files and the chosen pictures
    dataset TEXT NOT NULL,
    split TEXT NOT NULL,
    images INTEGER NOT NULL CHECK (images > 0),
    classes INTEGER NOT NULL CHECK (classes > 0)
) STRICT, WITHOUT ROWID;

-- What was asked. The identifier is the SHA-256 of the canonical configuration.
CREATE TABLE cell (
    id TEXT PRIMARY KEY CHECK (length(id) = 64),
    config TEXT NOT NULL,        -- canonical JSON: keys sorted, no white space
    name TEXT NOT NULL,          -- for people
    model TEXT NOT NULL,
    scale TEXT NOT NULL,
    model_hash TEXT NOT NULL REFERENCES model (hash),
    weights TEXT NOT NULL REFERENCES weight_set (digest),
    variant TEXT NOT NULL,
    scheme TEXT,
    rate REAL,
    backend TEXT NOT NULL CHECK (backend IN ('cpu', 'gpu')),
    isa TEXT NOT NULL,           -- the level in use, not the one asked for
    fusion INTEGER NOT NULL CHECK (fusion IN (0, 1)),
    device TEXT NOT NULL,        -- a record of experiments/devices
    machine TEXT NOT NULL,       -- which machine of that kind
    emulated INTEGER NOT NULL CHECK (emulated IN (0, 1)),
    threads INTEGER NOT NULL CHECK (threads > 0),
    batch INTEGER NOT NULL CHECK (batch > 0),
    dataset TEXT NOT NULL,
    split TEXT REFERENCES dataset_split (hash)
) STRICT, WITHOUT ROWID;

-- One measurement of a cell. The last one counts; earlier ones are kept.
CREATE TABLE attempt (
    id INTEGER PRIMARY KEY,
    cell TEXT NOT NULL REFERENCES cell (id),
    environment INTEGER NOT NULL REFERENCES environment (id),
    started_utc TEXT NOT NULL,
    started_ns INTEGER NOT NULL, -- samples and blocks count from here
    settings TEXT NOT NULL,      -- how it was measured: canonical JSON
    seed INTEGER NOT NULL,       -- of order and input
    verdict TEXT NOT NULL CHECK
        (verdict IN ('valid', 'noisy', 'throttled', 'drifted', 'invalid-output', 'failed')),
    reason TEXT,                 -- why it is not valid
    CHECK (verdict = 'valid' OR reason IS NOT NULL)
) STRICT;
CREATE INDEX attempt_cell ON attempt (cell, id);

-- Samples are taken in blocks, between two runs of the micro-probe.
CREATE TABLE block (
    attempt INTEGER NOT NULL REFERENCES attempt (id),
    number INTEGER NOT NULL,
    round INTEGER NOT NULL,      -- of the interleaving with the other cells of the group
    begin_ns INTEGER NOT NULL,
    end_ns INTEGER NOT NULL,
    probe_before_ns INTEGER NOT NULL,
    probe_after_ns INTEGER NOT NULL,
    slowed INTEGER NOT NULL CHECK (slowed IN (0, 1)),
    PRIMARY KEY (attempt, number)
) STRICT, WITHOUT ROWID;

-- Every inference that was timed. Warm-ups and samples of slowed blocks are kept and not counted;
-- outliers are labelled and counted.
CREATE TABLE sample (
    attempt INTEGER NOT NULL,
    number INTEGER NOT NULL,
    block INTEGER NOT NULL,
    begin_ns INTEGER NOT NULL,
    duration_ns INTEGER NOT NULL CHECK (duration_ns >= 0),
    warmup INTEGER NOT NULL CHECK (warmup IN (0, 1)),
    outlier INTEGER NOT NULL CHECK (outlier IN (0, 1)),
    PRIMARY KEY (attempt, number),
    FOREIGN KEY (attempt, block) REFERENCES block (attempt, number)
) STRICT, WITHOUT ROWID;

-- Of the counted samples (docs/statistics.md); `condense verify` works it out again.
CREATE TABLE latency (
    attempt INTEGER PRIMARY KEY REFERENCES attempt (id),
    samples INTEGER NOT NULL,
    warmups INTEGER NOT NULL,
    mean_ms REAL NOT NULL,
    ci95_low_ms REAL,
    ci95_high_ms REAL,
    ci95_rel REAL,
    median_ms REAL NOT NULL,
    p90_ms REAL NOT NULL,
    min_ms REAL NOT NULL,
    max_ms REAL NOT NULL,
    stddev_ms REAL,
    lag1 REAL,
    effective_samples INTEGER NOT NULL,
    outliers INTEGER NOT NULL,
    slowed_samples INTEGER NOT NULL,
    stop_reason TEXT NOT NULL
) STRICT;

CREATE TABLE accuracy (
    attempt INTEGER PRIMARY KEY REFERENCES attempt (id),
    images INTEGER,
    top1 REAL CHECK (top1 BETWEEN 0 AND 1),
    top5 REAL CHECK (top5 BETWEEN 0 AND 1),
    precision_macro REAL CHECK (precision_macro BETWEEN 0 AND 1),
    recall_macro REAL CHECK (recall_macro BETWEEN 0 AND 1),
    f1_macro REAL CHECK (f1_macro BETWEEN 0 AND 1),
    outputs_checked INTEGER NOT NULL, -- outputs of timed runs compared with the accuracy run's
    reason TEXT,
    CHECK (top1 IS NOT NULL OR reason IS NOT NULL)
) STRICT;

CREATE TABLE confusion (
    attempt INTEGER NOT NULL REFERENCES attempt (id),
    truth INTEGER NOT NULL,
    predicted INTEGER NOT NULL,
    images INTEGER NOT NULL CHECK (images > 0),
    PRIMARY KEY (attempt, truth, predicted)
) STRICT, WITHOUT ROWID;

CREATE TABLE size (
    attempt INTEGER PRIMARY KEY REFERENCES attempt (id),
    parameters INTEGER NOT NULL,
    nonzero INTEGER NOT NULL,
    macs INTEGER NOT NULL,             -- of one picture
    effective_macs INTEGER NOT NULL,   -- with weights that are not zero
    dense_bytes INTEGER NOT NULL,
    stored_bytes INTEGER NOT NULL,
    csr_bytes INTEGER NOT NULL,
    packed_bytes INTEGER NOT NULL,
    arena_bytes INTEGER NOT NULL,
    live_peak_bytes INTEGER NOT NULL,
    scratch_bytes INTEGER NOT NULL,
    peak_memory_bytes INTEGER,
    peak_memory_reason TEXT,
    CHECK (peak_memory_bytes IS NOT NULL OR peak_memory_reason IS NOT NULL)
) STRICT;

CREATE TABLE energy (
    attempt INTEGER PRIMARY KEY REFERENCES attempt (id),
    source TEXT,
    millijoule_per_inference REAL,
    idle_milliwatt REAL,
    rate_asked_hz REAL,
    rate_got_hz REAL,
    distinct_readings INTEGER,
    coverage REAL,
    reason TEXT,
    CHECK (millijoule_per_inference IS NOT NULL OR reason IS NOT NULL)
) STRICT;

-- Median time of each layer over profiled runs, apart from the samples.
CREATE TABLE layer_time (
    attempt INTEGER NOT NULL REFERENCES attempt (id),
    fusion INTEGER NOT NULL CHECK (fusion IN (0, 1)),
    position INTEGER NOT NULL,
    layer TEXT NOT NULL,
    op TEXT NOT NULL,
    tensor_layer INTEGER NOT NULL CHECK (tensor_layer IN (0, 1)),
    kernel TEXT NOT NULL,
    ms REAL NOT NULL,
    macs INTEGER NOT NULL,
    nonzero INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    PRIMARY KEY (attempt, fusion, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE event (
    id INTEGER PRIMARY KEY,
    attempt INTEGER NOT NULL REFERENCES attempt (id),
    at_ns INTEGER NOT NULL,
    kind TEXT NOT NULL,
    text TEXT NOT NULL
) STRICT;

-- What the papers claim (experiments/claims.csv) and what the queries of
-- experiments/claim-queries.csv found in this database.
CREATE TABLE claim (
    id TEXT PRIMARY KEY,
    position INTEGER NOT NULL,
    source TEXT NOT NULL,
    place TEXT NOT NULL,
    model TEXT NOT NULL,
    variant TEXT NOT NULL,
    device TEXT NOT NULL,
    metric TEXT NOT NULL,
    claimed TEXT NOT NULL,       -- several values are divided by / or |
    unit TEXT NOT NULL,
    remark TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE claim_result (
    claim TEXT PRIMARY KEY REFERENCES claim (id),
    measured TEXT,
    cell TEXT REFERENCES cell (id),
    note TEXT
) STRICT, WITHOUT ROWID;

-- The interface.

CREATE VIEW current_attempt AS
SELECT max(id) AS attempt, cell FROM attempt GROUP BY cell;

CREATE VIEW v_cell AS
SELECT cell.id AS cell, cell.model, cell.scale, cell.variant, cell.scheme,
       weight_set.label AS weights, cell.backend, cell.isa, cell.device, cell.emulated,
       cell.threads, cell.batch, cell.dataset, attempt.verdict, attempt.reason,
       cell.rate, cell.fusion, cell.machine, attempt.started_utc, cell.name
FROM current_attempt
JOIN attempt ON attempt.id = current_attempt.attempt
JOIN cell ON cell.id = current_attempt.cell
JOIN weight_set ON weight_set.digest = cell.weights;

CREATE VIEW v_latency AS
SELECT cell, samples, warmups, mean_ms, ci95_low_ms, ci95_high_ms, ci95_rel, median_ms, p90_ms,
       min_ms, max_ms, stop_reason, stddev_ms, lag1, effective_samples, outliers, slowed_samples
FROM current_attempt JOIN latency USING (attempt);

CREATE VIEW v_accuracy AS
SELECT cell, images, top1, top5, precision_macro, recall_macro, f1_macro, reason, outputs_checked
FROM current_attempt JOIN accuracy USING (attempt);

CREATE VIEW v_confusion AS
SELECT cell, truth, predicted, images FROM current_attempt JOIN confusion USING (attempt);

CREATE VIEW v_size AS
SELECT cell, parameters, nonzero, macs, effective_macs, dense_bytes, stored_bytes, csr_bytes,
       peak_memory_bytes, packed_bytes, arena_bytes, live_peak_bytes, scratch_bytes,
       packed_bytes + arena_bytes + scratch_bytes AS planned_memory_bytes, peak_memory_reason
FROM current_attempt JOIN size USING (attempt);

CREATE VIEW v_energy AS
SELECT cell, source, millijoule_per_inference, idle_milliwatt, rate_asked_hz, rate_got_hz,
       distinct_readings, coverage, reason
FROM current_attempt JOIN energy USING (attempt);

-- Both plans of every cell: fusion on (1) and off (0).
CREATE VIEW v_layer_plan AS
SELECT cell, fusion, position, layer, op, tensor_layer, kernel, ms,
       ms / nullif(sum(ms) OVER (PARTITION BY attempt, fusion), 0) AS share, macs, nonzero, bytes
FROM current_attempt JOIN layer_time USING (attempt);

-- The plan that the samples were taken with.
CREATE VIEW v_layer AS
SELECT plan.cell, plan.position, plan.layer, plan.op, plan.tensor_layer, plan.kernel, plan.ms,
       plan.share, plan.macs, plan.nonzero, plan.bytes
FROM v_layer_plan AS plan JOIN cell ON cell.id = plan.cell AND cell.fusion = plan.fusion;

CREATE VIEW v_operator_share AS
SELECT cell, fusion,
       CASE WHEN kernel LIKE '%depthwise%' THEN 'depthwise' ELSE op END AS op,
       sum(ms) AS ms, sum(share) AS share
FROM v_layer_plan GROUP BY 1, 2, 3;

-- The share of everything but convolution and fully connected (DeepRebirth).
CREATE VIEW v_nontensor AS
SELECT cell, fusion, sum(CASE tensor_layer WHEN 0 THEN share ELSE 0 END) AS share
FROM v_layer_plan GROUP BY cell, fusion;

CREATE VIEW v_environment AS
SELECT current_attempt.cell, key, value, environment_fact.reason
FROM current_attempt
JOIN attempt ON attempt.id = current_attempt.attempt
JOIN environment_fact USING (environment);

CREATE VIEW v_claim AS
SELECT claim.id AS claim, source, claimed, unit, measured, cell,
       coalesce(note, 'not yet measured') AS note, place, model, variant, device, metric, remark,
       position
FROM claim LEFT JOIN claim_result ON claim_result.claim = claim.id;
