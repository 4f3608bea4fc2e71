-- Since version 6: what compact containers take (docs/formats.md), of every cell, and of one network
-- pruned in every way.
ALTER TABLE size ADD COLUMN compact_bytes INTEGER;       -- the file, without entropy coding
ALTER TABLE size ADD COLUMN compact_value_bytes INTEGER; -- of that the values, without indices
ALTER TABLE size ADD COLUMN compact_reason TEXT DEFAULT 'measured by a version without compact containers'
    CHECK (compact_bytes IS NOT NULL OR compact_reason IS NOT NULL);

DROP VIEW v_size;
CREATE VIEW v_size AS
SELECT cell, parameters, nonzero, macs, effective_macs, dense_bytes, stored_bytes, csr_bytes,
       peak_memory_bytes, packed_bytes, arena_bytes, live_peak_bytes, scratch_bytes,
       packed_bytes + arena_bytes + scratch_bytes AS planned_memory_bytes, peak_memory_reason,
       compact_bytes, compact_value_bytes, compact_reason
FROM current_attempt JOIN size USING (attempt);

-- One row for each network of a call of 'condense storage --record'.
CREATE TABLE storage (
    id INTEGER PRIMARY KEY,
    environment INTEGER NOT NULL REFERENCES environment (id),
    started_utc TEXT NOT NULL,
    model TEXT NOT NULL,
    scale TEXT NOT NULL,
    weights TEXT NOT NULL        -- file name, or 'random'
) STRICT;

-- The weights of its tensor layers after a projection that keeps a share of them.
CREATE TABLE storage_point (
    storage INTEGER NOT NULL REFERENCES storage (id),
    scheme TEXT NOT NULL,
    keep REAL NOT NULL,          -- the share asked for
    weights INTEGER NOT NULL,
    nonzero INTEGER NOT NULL,
    csr_bytes INTEGER NOT NULL,
    compact_bytes INTEGER NOT NULL, -- records with name, shape and checksum
    index_bytes INTEGER NOT NULL,
    value_bytes INTEGER NOT NULL,
    worst REAL NOT NULL,         -- the largest share of compact in compressed sparse rows, of a layer
    PRIMARY KEY (storage, scheme, keep)
) STRICT, WITHOUT ROWID;

-- The last measurement of each network and scale.
CREATE VIEW v_storage AS
SELECT storage.id AS storage, model, scale, storage.weights AS label, scheme, keep,
       1.0 * nonzero / storage_point.weights AS density, storage_point.weights, nonzero,
       4 * storage_point.weights AS dense_bytes, csr_bytes, compact_bytes, index_bytes, value_bytes,
       1.0 * compact_bytes / csr_bytes AS share, worst, started_utc
FROM storage JOIN storage_point ON storage_point.storage = storage.id
WHERE storage.id IN (SELECT max(id) FROM storage GROUP BY model, scale);
