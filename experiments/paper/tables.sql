-- The tables of the paper. Columns are named as they are printed; "X?" holds the reason why X is
-- missing in a row, "?" the reason for every other column. Numbers are rounded here, never before.
-- fixed() keeps NULL where printf() would print a zero.

-- name: sizes
-- caption: The networks: parameters, multiply-accumulates (MAC) of one inference, and the bytes of
--  the weights as dense float32 and as stored.
SELECT scale, label AS network, fixed(parameters / 1e6, 3) AS "parameters (M)",
       fixed(macs / 1e6, 1) AS "MAC (M)", fixed(dense_bytes / 1e6, 2) AS "dense (MB)",
       fixed(stored_bytes / 1e6, 2) AS "stored (MB)"
  FROM sized ORDER BY scale <> 'imagenet', scale, macs, label;

-- name: environment
-- caption: What the measurements ran on. Where cells differ, how many different values there are.
WITH shown(position, key, name) AS (
  VALUES (1, 'machine.model', 'machine'), (2, 'machine.virtual', 'virtual machine'),
         (3, 'machine.container', 'container'), (4, 'cpu.model', 'processor'),
         (5, 'cpu.cores', 'cores'), (6, 'cpu.smt', 'simultaneous multithreading'),
         (7, 'cpu.isa', 'best instruction set'), (8, 'cpu.caches', 'caches'),
         (9, 'cpu.governor', 'frequency governor'), (10, 'cpu.frequency', 'frequency'),
         (11, 'temperature', 'temperature'), (12, 'cpu.steal', 'steal time'),
         (13, 'memory.total', 'memory'), (14, 'os', 'operating system'),
         (15, 'kernel.release', 'kernel'), (16, 'build.compiler', 'compiler'),
         (17, 'build.flags', 'compiler flags'), (18, 'build.commit', 'commit'),
         (19, 'build.dirty', 'uncommitted changes'), (20, 'power.source', 'power'),
         (21, 'library.libc', 'C library'), (22, 'library.onednn', 'oneDNN'),
         (23, 'library.gsl', 'GSL'), (24, 'library.sqlite', 'SQLite'),
         (25, 'library.gnuplot', 'gnuplot'), (26, 'jetson.power_mode', 'Jetson power mode')),
facts AS (
  SELECT key, count(DISTINCT value) AS kinds, min(value) AS value, max(reason) AS reason
    FROM v_environment GROUP BY key)
SELECT name AS fact,
       CASE WHEN kinds > 1 THEN kinds || ' different values, ' || value || ' among them'
            ELSE value END AS value,
       reason AS "value?"
  FROM shown JOIN facts USING (key)
 WHERE value IS NOT NULL OR key NOT LIKE 'jetson.%' ORDER BY position;

-- name: latency
-- caption: Latency of one inference in milliseconds: mean with its 95 % interval, half the
--  interval's width relative to the mean, median, 90th percentile, extremes, and the number n of
--  samples. A cell whose verdict is not valid is marked in its name.
SELECT m.scale, m.threads, m.label AS network, fixed(mean_ms, 3) AS mean,
       fixed(ci95_low_ms, 3) || ' to ' || fixed(ci95_high_ms, 3) AS "95 % interval",
       fixed(100 * ci95_rel, 1) AS "± %", fixed(median_ms, 3) AS median, fixed(p90_ms, 3) AS p90,
       fixed(min_ms, 3) AS min, fixed(max_ms, 3) AS max, samples AS n,
       'too few samples for an interval' AS "?"
  FROM measured m JOIN panels USING (panel) JOIN v_latency USING (cell)
 ORDER BY panels.rank, panels.title, place DESC;

-- name: verdicts
-- caption: Cells that are not valid, and why.
-- empty: Every cell is valid.
SELECT scale, threads, model AS network, variant, verdict, reason, 'no reason was stored' AS "?"
  FROM v_cell WHERE verdict <> 'valid' ORDER BY scale <> 'imagenet', scale, threads, model;

-- name: accuracy
-- caption: Accuracy in per cent with the weights named: top-1 with its 95 % interval (Wilson),
--  top-5, and macro averages over the classes of precision, recall and F1.
WITH each AS (
  SELECT c.scale, c.model, c.variant, c.weights, c.dataset, a.*, 1.0 * a.images AS n,
         row_number() OVER (PARTITION BY c.scale, c.model, c.variant, c.scheme, c.weights, c.dataset
                            ORDER BY a.top1 IS NULL, c.threads, c.cell) AS choice
    FROM v_cell c JOIN v_accuracy a USING (cell))
SELECT scale, model || CASE variant WHEN 'dense' THEN '' ELSE ' ' || variant END AS network,
       weights, dataset AS "data set", images, fixed(100 * top1, 1) AS "top-1",
       fixed(100 * (top1 + 1.9207 / n - 1.96 * sqrt(top1 * (1 - top1) / n + 0.9604 / (n * n)))
             / (1 + 3.8415 / n), 1) || ' to '
         || fixed(100 * (top1 + 1.9207 / n + 1.96 * sqrt(top1 * (1 - top1) / n + 0.9604 / (n * n)))
             / (1 + 3.8415 / n), 1) AS "95 % interval",
       fixed(100 * top5, 1) AS "top-5", fixed(100 * precision_macro, 1) AS precision,
       fixed(100 * recall_macro, 1) AS recall, fixed(100 * f1_macro, 1) AS F1,
       coalesce(reason, 'not defined for so few classes') AS "?"
  FROM each WHERE choice = 1 ORDER BY scale <> 'imagenet', scale, model, variant, weights;

-- name: operators
-- caption: Share of the time by kind of operator, in per cent of the sum over the layers, and the
--  non-tensor share (everything but convolution and fully connected). Kinds under one per cent are
--  summed as other. Of several thread counts, the lowest.
-- empty: No layer was timed.
WITH lowest AS (
  SELECT scale, label, cell, place FROM measured
   WHERE panel IN (SELECT panel FROM panels p
                    WHERE threads = (SELECT min(threads) FROM panels q WHERE q.rank = p.rank))),
part AS (
  SELECT cell, fusion, CASE WHEN share < 0.01 THEN 'other' ELSE op END AS op, sum(share) AS share
    FROM v_operator_share GROUP BY 1, 2, 3),
line AS (
  SELECT cell, fusion,
         group_concat(op || ' ' || fixed(100 * share, 1), ', ') AS text
    FROM (SELECT * FROM part ORDER BY cell, fusion, op = 'other', share DESC, op)
   GROUP BY cell, fusion)
SELECT scale, label AS network, CASE line.fusion WHEN 1 THEN 'on' ELSE 'off' END AS fusion,
       text AS "kinds of operators (%)", fixed(100 * n.share, 1) AS "non-tensor (%)"
  FROM lowest JOIN line USING (cell)
  JOIN v_nontensor n ON n.cell = line.cell AND n.fusion = line.fusion
 ORDER BY scale <> 'imagenet', scale, place DESC, line.fusion;

-- name: memory
-- caption: Memory of one inference in MiB: the plan's parts (weights as packed for the kernels, the
--  arena of activations, scratch), their sum, the activations alive at once at the worst moment,
--  and the measured peak.
SELECT m.scale, m.threads, m.label AS network, fixed(packed_bytes / 1048576.0, 2) AS weights,
       fixed(arena_bytes / 1048576.0, 2) AS activations,
       fixed(scratch_bytes / 1048576.0, 2) AS scratch,
       fixed(planned_memory_bytes / 1048576.0, 2) AS planned,
       fixed(live_peak_bytes / 1048576.0, 2) AS "alive at once",
       fixed(peak_memory_bytes / 1048576.0, 2) AS "measured peak", peak_memory_reason AS "?"
  FROM measured m JOIN panels USING (panel) JOIN v_size USING (cell)
 ORDER BY panels.rank, panels.title, place DESC;

-- name: energy
-- caption: Energy of one inference in millijoules with the idle power deducted, and how it was
--  read.
-- empty: No cell has a measured energy.
SELECT m.scale, m.threads, m.label AS network, source AS sensor,
       fixed(millijoule_per_inference, 2) AS "energy (mJ)", fixed(idle_milliwatt, 0) AS "idle (mW)",
       fixed(rate_got_hz, 0) AS "rate (Hz)", distinct_readings AS readings,
       fixed(100 * coverage, 1) AS "coverage (%)", reason AS "?"
  FROM measured m JOIN panels USING (panel) JOIN v_energy USING (cell)
 WHERE millijoule_per_inference IS NOT NULL ORDER BY panels.rank, panels.title, place DESC;

-- name: claims
-- caption: What the papers claim beside what was measured here. Several values of one claim are
--  divided as in the claim; a dash stands for what is not claimed or not measured.
SELECT claim, source || ', ' || place AS source,
       model || ' ' || replace(variant, '/', ' / ')
         || CASE device WHEN '-' THEN '' ELSE ', ' || device END AS "what",
       replace(replace(replace(metric, '_', ' '), '|', ' | '), '/', ' / ') AS metric,
       replace(replace(claimed, '|', ' | '), '/', ' / ') AS claimed,
       replace(replace(unit, '|', ' | '), '/', ' / ') AS unit,
       coalesce(replace(replace(measured, '|', ' | '), '/', ' / '), 'not yet measured') AS measured,
       CASE WHEN measured IS NULL THEN remark ELSE note END AS note
  FROM v_claim ORDER BY position;
