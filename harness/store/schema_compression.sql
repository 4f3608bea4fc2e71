-- Since version 4: compression with training (docs/compression.md). One row for each rate that a call
-- of 'condense compress' goes through; the last with one hash counts.
CREATE TABLE compression (
    id INTEGER PRIMARY KEY,
    environment INTEGER NOT NULL REFERENCES environment (id),
    hash TEXT NOT NULL,          -- SHA-256 of config
    config TEXT NOT NULL,        -- everything that decides the result: canonical JSON
    started_utc TEXT NOT NULL,
    model TEXT NOT NULL,
    scale TEXT NOT NULL,
    dataset TEXT NOT NULL,
    scheme TEXT NOT NULL,
    method TEXT NOT NULL,
    rate_asked REAL NOT NULL,    -- weights of tensor layers before over after
    levels TEXT NOT NULL,
    bits INTEGER,                -- NULL without levels
    seed INTEGER NOT NULL,
    threads INTEGER NOT NULL,
    start TEXT NOT NULL,         -- weights that it began from: file name
    start_digest TEXT NOT NULL,
    images INTEGER NOT NULL,     -- of the test split, for the accuracies
    top1_dense REAL NOT NULL,    -- of the network that the first round began from
    -- What came of it; NULL while it is under way or where it was broken off.
    seconds REAL,                -- of this rate, over all calls that worked on it
    top1 REAL,
    weights INTEGER,             -- of tensor layers
    kept INTEGER,                -- of them not zero
    dense_bytes INTEGER,         -- all learned parameters as float32
    csr_bytes INTEGER,
    compact_bytes INTEGER,       -- tensor layers' weights in the compact container
    value_bytes INTEGER,         -- the same without indices
    file_bytes INTEGER,          -- of the output: everything
    output TEXT,                 -- file name of the result
    output_digest TEXT
) STRICT;
CREATE INDEX compression_hash ON compression (hash);

CREATE TABLE compression_layer (
    compression INTEGER NOT NULL REFERENCES compression (id),
    position INTEGER NOT NULL,
    layer TEXT NOT NULL,
    scheme TEXT NOT NULL,        -- in use
    rule TEXT,                   -- why it is another than asked for
    sensitivity REAL,            -- mean squared gradient; NULL where rates were given
    weights INTEGER NOT NULL,
    planned INTEGER NOT NULL,    -- weights that may stay
    kept INTEGER,                -- that are not zero at the end
    PRIMARY KEY (compression, position)
) STRICT, WITHOUT ROWID;

-- Iterations of ADMM and epochs of retraining, with the accuracy on the first `images` test pictures
-- (which decides nothing): of the weights as they are, and projected.
CREATE TABLE compression_step (
    compression INTEGER NOT NULL REFERENCES compression (id),
    phase TEXT NOT NULL CHECK (phase IN ('admm', 'retrain')),
    number INTEGER NOT NULL,
    rho REAL,                    -- NULL in retraining
    images INTEGER NOT NULL,
    top1_before REAL NOT NULL,
    top1_after REAL NOT NULL,
    PRIMARY KEY (compression, phase, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE compression_residual (
    compression INTEGER NOT NULL REFERENCES compression (id),
    number INTEGER NOT NULL,     -- of the iteration
    position INTEGER NOT NULL,
    residual REAL NOT NULL,      -- |W - Z| / |W|
    PRIMARY KEY (compression, number, position)
) STRICT, WITHOUT ROWID;

-- Finished compressions, the last of each configuration.
CREATE VIEW v_compression AS
SELECT id AS compression, model, scale, dataset, scheme, method, rate_asked,
       weights * 1.0 / kept AS rate, levels, bits, seed, images, top1_dense, top1,
       top1_dense - top1 AS loss, weights, kept, dense_bytes, csr_bytes, compact_bytes, value_bytes,
       file_bytes, weights * 4.0 / compact_bytes AS storage_rate,
       weights * 4.0 / value_bytes AS storage_rate_values, seconds, start, output, started_utc
FROM compression
WHERE top1 IS NOT NULL AND id IN (SELECT max(id) FROM compression WHERE top1 IS NOT NULL
                                  GROUP BY hash);

CREATE VIEW v_compression_step AS
SELECT compression, phase, number, compression_step.rho, compression_step.images, top1_before,
       top1_after,
       (SELECT max(residual) FROM compression_residual AS r
        WHERE r.compression = compression_step.compression AND r.number = compression_step.number
          AND phase = 'admm') AS residual_max
FROM compression_step;
