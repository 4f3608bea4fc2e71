
-- Since version 5: speed of training (docs/training.md). One row for each network and number of
-- threads of a call of 'condense bench --training --record'.
CREATE TABLE training (
    id INTEGER PRIMARY KEY,
    environment INTEGER NOT NULL REFERENCES environment (id),
    started_utc TEXT NOT NULL,
    model TEXT NOT NULL,
    scale TEXT NOT NULL,
    dataset TEXT NOT NULL,
    recipe TEXT NOT NULL,        -- canonical JSON
    threads INTEGER NOT NULL CHECK (threads > 0),
    batch INTEGER NOT NULL CHECK (batch > 0),
    seed INTEGER NOT NULL,
    step_ms REAL NOT NULL,       -- a whole step: median of the rounds
    alone_ms REAL NOT NULL,      -- the step's oneDNN primitives by themselves: median
    share REAL NOT NULL,         -- alone over the step of the same round: median
    mean_share REAL NOT NULL,    -- of the means
    mean_share_low REAL,         -- its 95 % interval
    mean_share_high REAL
) STRICT;

CREATE TABLE training_part (
    training INTEGER NOT NULL REFERENCES training (id),
    position INTEGER NOT NULL,
    part TEXT NOT NULL,          -- of a whole step
    ms REAL NOT NULL,            -- median of the rounds
    PRIMARY KEY (training, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE training_round (
    training INTEGER NOT NULL REFERENCES training (id),
    round INTEGER NOT NULL,
    step_ns INTEGER NOT NULL CHECK (step_ns >= 0),
    alone_ns INTEGER NOT NULL CHECK (alone_ns >= 0),
    PRIMARY KEY (training, round)
) STRICT, WITHOUT ROWID;

-- The last measurement of each network, scale, number of threads and batch.
CREATE VIEW v_training AS
SELECT id AS training, model, scale, dataset, threads, batch,
       (SELECT count(*) FROM training_round WHERE training = training.id) AS rounds, step_ms,
       alone_ms, share, mean_share, mean_share_low, mean_share_high, recipe, seed, started_utc
FROM training
WHERE id IN (SELECT max(id) FROM training GROUP BY model, scale, threads, batch);

CREATE VIEW v_training_part AS
SELECT training, model, scale, threads, batch, part, ms, ms / step_ms AS share, position
FROM v_training JOIN training_part USING (training);
