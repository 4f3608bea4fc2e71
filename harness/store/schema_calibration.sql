
-- Compression after training (docs/calibration.md). One row for each rate, or quantization, of a call
-- of 'condense calibrate'.
CREATE TABLE calibration (
    id INTEGER PRIMARY KEY,
    environment INTEGER NOT NULL REFERENCES environment (id),
    started_utc TEXT NOT NULL,
    model TEXT NOT NULL,
    scale TEXT NOT NULL,
    dataset TEXT NOT NULL,       -- whose test split gave the accuracies
    weights TEXT NOT NULL,       -- that it began from: file name
    scheme TEXT NOT NULL,        -- 'none' where weights were quantized only
    method TEXT NOT NULL,        -- of pruning: 'admm' or 'magnitude'; of quantization: 'int8'
    rate_asked REAL,             -- weights of tensor layers before over after; NULL for 'int8'
    rate REAL,                   -- that came of it
    bits INTEGER,                -- NULL where nothing was quantized, and the next three with it
    ranges TEXT,
    rounding TEXT,               -- 'learned' or 'nearest'
    equalized INTEGER CHECK (equalized IN (0, 1)),
    correction TEXT NOT NULL,    -- 'none', 'bias' or 'norm'
    seed INTEGER NOT NULL,       -- of the draw of calibration images
    threads INTEGER NOT NULL,
    calibration_set TEXT NOT NULL,
    calibration_hash TEXT NOT NULL, -- of the split that the images were drawn from
    calibration_images INTEGER NOT NULL,
    test_hash TEXT NOT NULL,
    images INTEGER NOT NULL,     -- of the test split
    top1_before REAL NOT NULL,
    top5_before REAL,            -- NULL below six classes
    top1 REAL NOT NULL,
    top5 REAL,
    seconds REAL NOT NULL,       -- of the compression, without the accuracies
    output TEXT,                 -- file name of the result; NULL where it was not kept
    CHECK (calibration_hash <> test_hash)
) STRICT;

-- Errors are means of ||W x - V x||^2 over the layer's calibration inputs x. `floor` is what pruning by
-- magnitude without an update, or rounding to the nearest, gives on the same inputs.
CREATE TABLE calibration_layer (
    calibration INTEGER NOT NULL REFERENCES calibration (id),
    position INTEGER NOT NULL,
    layer TEXT NOT NULL,
    scheme TEXT NOT NULL,        -- in use
    rule TEXT,                   -- why it is another than asked for
    weights INTEGER NOT NULL,
    nonzero INTEGER NOT NULL,
    power REAL,                  -- mean of ||W x||^2; NULL where the layer stayed as it was, and the
    error REAL,                  -- next two with it
    floor REAL,
    PRIMARY KEY (calibration, position)
) STRICT, WITHOUT ROWID;

-- The last run of each configuration, with the mean over layers of the error and of its floor, both
-- relative to the layer's power.
CREATE VIEW v_calibration AS
SELECT c.id AS calibration, model, scale, dataset, c.weights, c.scheme, method, rate_asked, rate, bits,
       ranges, rounding, equalized, correction, seed, calibration_set, calibration_hash,
       calibration_images, images, top1_before, top1, top1_before - top1 AS loss, top5_before, top5,
       avg(error / power) AS error, avg(floor / power) AS floor,
       sum(error > floor) AS layers_worse, count(error) AS layers, seconds, output, started_utc
FROM calibration AS c JOIN calibration_layer AS l ON l.calibration = c.id
WHERE c.id IN (SELECT max(id) FROM calibration
               GROUP BY model, scale, weights, scheme, method, rate_asked, bits, ranges, rounding,
                        equalized, correction, seed, calibration_hash, calibration_images, test_hash,
                        images)
GROUP BY c.id;

CREATE VIEW v_calibration_layer AS
SELECT calibration, position, layer, scheme, rule, weights, nonzero, error / power AS error,
       floor / power AS floor
FROM calibration_layer;
