
-- Since version 3: the tuner's results (docs/tuning.md). One row for each network of a call of
-- 'condense tune --record'.
CREATE TABLE tuning (
    id INTEGER PRIMARY KEY,
    environment INTEGER NOT NULL REFERENCES environment (id),
    started_utc TEXT NOT NULL,
    model TEXT NOT NULL,
    scale TEXT NOT NULL,
    weights TEXT NOT NULL,       -- file name, or 'random'
    threads INTEGER NOT NULL CHECK (threads > 0),
    batch INTEGER NOT NULL CHECK (batch > 0),
    isa TEXT NOT NULL,
    seed INTEGER NOT NULL,       -- of the input
    samples INTEGER NOT NULL,    -- whole runs of each plan, in turn
    static_ms REAL NOT NULL,     -- medians of them
    tuned_ms REAL NOT NULL,
    ratio REAL NOT NULL,         -- tuned over static, means
    ratio_low REAL,              -- its 95 % interval; NULL where the noise leaves none
    ratio_high REAL,
    changed INTEGER NOT NULL,    -- layers that the tuned plan does in another way
    kept INTEGER NOT NULL CHECK (kept IN (0, 1)) -- 0: slower, so that the static choices stay
) STRICT;

CREATE TABLE tuning_way (
    tuning INTEGER NOT NULL REFERENCES tuning (id),
    position INTEGER NOT NULL,   -- of the signature in the network
    rank INTEGER NOT NULL,       -- of the way by its estimate; 0: the static choice
    signature TEXT NOT NULL,
    layers INTEGER NOT NULL,     -- that have it
    way TEXT NOT NULL,
    chosen INTEGER NOT NULL CHECK (chosen IN (0, 1)),
    ms REAL,                     -- of one layer, median
    reason TEXT,                 -- why it was not timed
    PRIMARY KEY (tuning, position, rank),
    CHECK (ms IS NOT NULL OR reason IS NOT NULL)
) STRICT, WITHOUT ROWID;

-- The last tuning of each network, scale, instruction set, number of threads and batch.
CREATE VIEW v_tuning AS
SELECT tuning.id AS tuning, model, scale, weights, isa, threads, batch, samples, static_ms,
       tuned_ms, ratio, ratio_low, ratio_high, kept, sum(layers) FILTER (WHERE rank = 0) AS layers,
       changed AS layers_changed, started_utc
FROM tuning JOIN tuning_way ON tuning_way.tuning = tuning.id
WHERE tuning.id IN (SELECT max(id) FROM tuning GROUP BY model, scale, isa, threads, batch)
GROUP BY tuning.id;
