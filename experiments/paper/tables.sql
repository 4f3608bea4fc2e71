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
       CASE WHEN measured IS NULL THEN coalesce(note, remark) ELSE note END AS note
  FROM v_claim ORDER BY position;

-- name: references
-- caption: Latency beside other engines: medians in milliseconds of interleaved rounds on the same
--  input, the share of the peak of fused multiply-adds that our time is (convolutions counted as
--  direct), and our median over the fastest other engine's. A star marks the fastest of the others.
-- empty: No network was timed beside other engines ('make bench').
WITH cells AS (
  SELECT b.bench, b.engine, b.reason,
         fixed(b.median_ms, 2) || CASE WHEN b.engine = best.reference THEN ' *' ELSE '' END AS ms
    FROM v_bench b JOIN v_bench_best best USING (bench))
SELECT best.scale, best.threads, best.model AS network, best.weights,
       fixed(best.median_ms, 2) AS condense, fixed(100 * best.share_of_peak, 1) AS "% of peak",
       max(CASE WHEN engine = 'onednn' THEN ms END) AS oneDNN,
       max(CASE WHEN engine = 'onednn' THEN reason END) AS "oneDNN?",
       max(CASE WHEN engine = 'onnxruntime' THEN ms END) AS "ONNX Runtime",
       max(CASE WHEN engine = 'onnxruntime' THEN reason END) AS "ONNX Runtime?",
       max(CASE WHEN engine = 'openvino' THEN ms END) AS OpenVINO,
       max(CASE WHEN engine = 'openvino' THEN reason END) AS "OpenVINO?",
       max(CASE WHEN engine = 'xnnpack' THEN ms END) AS XNNPACK,
       max(CASE WHEN engine = 'xnnpack' THEN reason END) AS "XNNPACK?",
       fixed(best.ratio, 2) AS ratio, 'not timed' AS "?"
  FROM v_bench_best best JOIN cells USING (bench)
 GROUP BY best.bench ORDER BY best.scale <> 'imagenet', best.scale, best.threads, best.macs;

-- name: training
-- caption: Speed of training: a whole step (picking and augmenting the pictures, forward, loss,
--  backward, optimizer) in milliseconds, the oneDNN primitives of the same step by themselves, and
--  their share of the step, which is to be at least 70 %; then where the rest of the step goes, in
--  per cent of it. Medians of n interleaved rounds.
-- empty: No training was timed ('condense bench --training --record').
SELECT t.scale, t.threads, t.model AS network, t.batch, t.rounds AS n,
       fixed(t.step_ms, 2) AS step, fixed(t.alone_ms, 2) AS "oneDNN alone",
       fixed(100 * t.share, 1) AS "share %",
       max(CASE part WHEN 'reorders' THEN fixed(100 * p.share, 1) END) AS reorders,
       max(CASE part WHEN 'joins' THEN fixed(100 * p.share, 1) END) AS joins,
       max(CASE part WHEN 'functions' THEN fixed(100 * p.share, 1) END) AS functions,
       max(CASE part WHEN 'batch' THEN fixed(100 * p.share, 1) END) AS pictures,
       max(CASE part WHEN 'loss' THEN fixed(100 * p.share, 1) END) AS loss,
       max(CASE part WHEN 'check' THEN fixed(100 * p.share, 1) END) AS checks,
       max(CASE part WHEN 'optimizer' THEN fixed(100 * p.share, 1) END) AS optimizer,
       max(CASE part WHEN 'other' THEN fixed(100 * p.share, 1) END) AS other
  FROM v_training t JOIN v_training_part p USING (training)
 GROUP BY training ORDER BY t.scale <> 'imagenet', t.scale, t.threads, t.model;

-- name: bars
-- caption: What our engine is held to, at the published networks' scale, batch 1: our median over
--  the fastest other engine's, but where another measure is named; n networks were timed.
-- empty: No network was timed beside other engines ('make bench').
WITH best AS (SELECT * FROM v_bench_best WHERE scale = 'imagenet' AND batch = 1),
pairs AS (
  SELECT one.model, one.median_ms / two.median_ms AS speedup
    FROM best one JOIN best two USING (model)
   WHERE one.threads = 1 AND two.threads = 2 AND one.macs > 500e6),
bars(position, bar, threads, n, measured, at_most, at_least) AS (
  SELECT 1, 'geometric mean over all networks', threads, count(ratio), exp(avg(ln(ratio))), 0.95,
         NULL FROM best GROUP BY threads
  UNION ALL
  SELECT 2, 'slowest beside the others: ' || model, threads,
         (SELECT count(ratio) FROM best other WHERE other.threads = b.threads), ratio, 1.10, NULL
    FROM best b
   WHERE ratio = (SELECT max(ratio) FROM best other WHERE other.threads = b.threads)
  UNION ALL
  SELECT 3, model, threads, 1, ratio, 0.70, NULL FROM best WHERE model IN ('vgg16', 'vgg19')
  UNION ALL
  SELECT 4, model || ', share of the peak', threads, 1, share_of_peak, NULL, 0.85 FROM best
   WHERE model = 'resnet50'
  UNION ALL
  SELECT 5, model, threads, 1, ratio, 1.00, NULL FROM best
   WHERE model IN ('mobilenet_v1', 'mobilenet_v2')
  UNION ALL
  SELECT 6, 'two threads over one, least above 500 MMAC: ' || model, 2,
         (SELECT count(*) FROM pairs), speedup, NULL, 1.85
    FROM pairs WHERE speedup = (SELECT min(speedup) FROM pairs))
SELECT bar, threads, n, fixed(measured, 3) AS measured,
       coalesce('at most ' || fixed(at_most, 2), 'at least ' || fixed(at_least, 2)) AS "must be",
       CASE WHEN measured <= at_most OR measured >= at_least THEN 'met' ELSE 'missed' END AS verdict,
       'no other engine was timed' AS "?"
  FROM bars ORDER BY position, bar, threads;

-- name: compression
-- caption: Pruned networks: top-1 accuracy in per cent by method, at each rate of each scheme, with as
--  many steps of retraining, before which ADMM has had steps of its own; means over n seeds. The rate that
--  was reached is the methods' mean.
-- empty: No network was pruned ('condense compress').
WITH each AS (
  SELECT scale, model, scheme, rate_asked, recipe, steps, method, avg(rate) AS rate,
         avg(top1_dense) AS dense, avg(top1) AS top1, count(*) AS seeds, max(admm_steps) AS admm_steps
    FROM compressions WHERE levels = 'none'
   GROUP BY scale, model, scheme, rate_asked, recipe, method)
SELECT scale, model AS network, scheme, printf('%g', rate_asked) AS asked, fixed(avg(rate), 2) AS rate,
       max(seeds) AS n, max(admm_steps) AS "ADMM's steps", 'none, or whole epochs' AS "ADMM's steps?", steps,
       'whole epochs' AS "steps?", fixed(100 * avg(dense), 2) AS dense,
       fixed(100 * max(CASE method WHEN 'admm' THEN top1 END), 2) AS ADMM,
       fixed(100 * max(CASE method WHEN 'magnitude' THEN top1 END), 2) AS magnitude,
       fixed(100 * max(CASE method WHEN 'random' THEN top1 END), 2) AS random,
       'not run' AS "?"
  FROM each GROUP BY scale, model, scheme, rate_asked, recipe
 ORDER BY scale <> 'imagenet', scale, model, scheme, rate_asked, steps;

-- name: pairs
-- caption: ADMM beside magnitude: pairs of the same network, scale, data, scheme, rate asked, levels,
--  seed and recipe of retraining (ADMM's steps come before it); how many have ADMM at least as accurate,
--  which is to be 80 %; in how many it is better or worse by more than chance explains (95 %, as if each had
--  seen other pictures); and the mean difference of the accuracies in points, ADMM over magnitude, with its
--  range.
-- empty: No network was compressed by both.
SELECT scale, scheme, count(*) AS pairs, sum(gain >= 0) AS "ADMM at least as good",
       fixed(100.0 * sum(gain >= 0) / count(*), 1) AS "%", sum(gain > chance) AS "clearly better",
       sum(gain < -chance) AS "clearly worse", fixed(100 * avg(gain), 2) AS mean,
       fixed(100 * min(gain), 2) || ' to ' || fixed(100 * max(gain), 2) AS range
  FROM (SELECT scale, scheme, gain, chance, 0 AS last FROM pairs
         UNION ALL SELECT 'all', 'all', gain, chance, 1 FROM pairs)
 GROUP BY last, scale, scheme ORDER BY last, scale <> 'imagenet', scale, scheme;

-- name: blocks
-- caption: What it costs that eight output channels share a mask (`block8`): accuracy in per cent by
--  ADMM of as many steps, unstructured and in blocks at the same rate asked by the same recipe, means over n
--  seeds, and the difference in points; levels where there are any.
-- empty: No network was pruned both ways.
SELECT b.scale, b.model AS network,
       CASE b.levels WHEN 'none' THEN 'none' ELSE b.bits || '-bit ' || b.levels END AS levels,
       printf('%g', b.rate_asked) AS asked, count(*) AS n, fixed(avg(u.rate), 2) AS "rate, unstructured",
       fixed(avg(b.rate), 2) AS "rate, blocks", fixed(100 * avg(u.top1), 2) AS unstructured,
       fixed(100 * avg(b.top1), 2) AS blocks, fixed(100 * avg(b.top1 - u.top1), 2) AS difference
  FROM compressions b
  JOIN compressions u ON u.model = b.model AND u.scale = b.scale AND u.dataset = b.dataset
       AND u.rate_asked = b.rate_asked AND u.seed = b.seed AND u.levels = b.levels
       AND u.bits IS b.bits AND u.recipe = b.recipe AND u.admm_steps IS b.admm_steps
       AND u.scheme = 'unstructured' AND u.method = 'admm'
 WHERE b.scheme = 'block8' AND b.method = 'admm'
 GROUP BY b.scale, b.model, b.levels, b.bits, b.rate_asked, b.recipe
 ORDER BY b.scale <> 'imagenet', b.scale, b.model, b.levels <> 'none', b.levels, b.bits,
          b.rate_asked;

-- name: calibration
-- caption: Compressed after training, by calibration pictures alone: top-1 accuracy in per cent on n test
--  pictures before and after, the points lost, and the bar where there is one (8 bits: 0.3 points at the fashion scale,
--  1.0 on ImageNet). Layers' error: mean squared error of the outputs over their mean square on the
--  calibration pictures; floor: of rounding to the nearest, or of magnitude.
-- empty: No network was compressed after training ('condense calibrate').
SELECT scale, weights, CASE WHEN bits THEN bits || '-bit ' || ranges ELSE scheme || ' by ' || method END AS what,
       CASE scheme WHEN 'none' THEN NULL ELSE fixed(rate, 2) END AS rate, 'not pruned' AS "rate?", calibration_images AS pictures, images AS n,
       fixed(100 * top1_before, 2) AS before, fixed(100 * top1, 2) AS after, fixed(100 * loss, 2) AS lost,
       CASE WHEN bits IS NULL OR weights LIKE '%.cnz' THEN NULL
            WHEN round(loss, 6) <= CASE scale WHEN 'imagenet' THEN 0.01 ELSE 0.003 END THEN 'met'
            ELSE 'missed' END AS bar, 'no bar' AS "bar?",
       printf('%.1e', error) AS error, printf('%.1e', floor) AS floor, 'not measured' AS "?"
  FROM v_calibration
 ORDER BY scale <> 'imagenet', scale, weights LIKE '%.cnz', weights, bits IS NULL, scheme, method, rate;

-- name: ladder
-- caption: LeNet-5 by ADMM, single weights removed, each rate from the network of the one before;
--  what each layer gives is found from its sensitivity, or given by hand. n seeds, top-1 accuracy in
--  per cent with its standard deviation over the seeds, and the points lost, which are to be at most
--  0.20 (below zero where retraining, of so many steps a rate, did more good than pruning did harm);
--  then how much smaller the weights are stored, without indices (as the papers count) and with them.
--  The weights of convolutions and fully connected layers, against float32.
-- empty: LeNet-5 was not pruned by ADMM ('make compress MODEL=lenet5').
SELECT dataset, CASE levels WHEN 'none' THEN 'float32' ELSE bits || '-bit ' || levels END AS levels,
       fixed(avg(rate), 1) AS rate, shares, steps, fixed(avg(kept), 0) AS weights, count(*) AS n,
       fixed(100 * avg(top1_dense), 2) AS dense, fixed(100 * avg(top1), 2) AS "top-1",
       fixed(100 * sqrt(max(0, sum(top1 * top1) - count(*) * avg(top1) * avg(top1))
                          / nullif(count(*) - 1, 0)), 2) AS deviation,
       'one seed' AS "deviation?",
       fixed(100 * avg(loss), 2) AS lost,
       CASE WHEN round(avg(loss), 6) <= 0.002 THEN 'held' ELSE 'missed' END AS "0.20",
       fixed(avg(storage_rate_values), 0) || 'x' AS "stored, no indices",
       fixed(avg(storage_rate), 0) || 'x' AS stored, 'no container was written' AS "?"
  FROM compressions WHERE model = 'lenet5' AND scheme = 'unstructured' AND method = 'admm'
 GROUP BY dataset, levels, bits, steps, rate_asked, shares
 ORDER BY dataset <> 'mnist', dataset, levels <> 'none', levels, bits, steps, rate_asked;

-- name: execution
-- caption: Pruned networks on our engine: median time, and how many times as fast as our own dense
--  kernels (with its 95 % interval), our dense direct convolution and the fastest dense engine of the
--  same rounds. Weights left are those of convolutions and fully connected layers; fewer MACs: all
--  over those with a weight that is not zero. Of each scheme the newest run beside other engines, else
--  the newest.
-- empty: No pruned network was timed ('condense bench --scheme S --rate R --record').
SELECT scale, threads, model AS network, scheme, printf('%g', rate_asked) AS asked,
       fixed(rate, 2) AS rate, fixed(mac_ratio, 2) AS "fewer MACs", brief(median_ms, 3) AS ms,
       brief(dense_ms, 3) AS "dense ms", fixed(speedup, 2) AS "over dense",
       '[' || fixed(speedup_low, 2) || ', ' || fixed(speedup_high, 2) || ']' AS "95 %",
       'noise leaves the interval open' AS "95 %?",
       fixed(direct_speedup, 2) AS "over direct", fixed(reference_speedup, 2) AS "over best",
       reference AS best, 'no other engine was timed' AS "?"
  FROM executions WHERE of_scheme = 1
 ORDER BY scale <> 'imagenet', scale, threads, model, scheme;

-- name: attained
-- caption: Layer by layer: geometric means, over the convolutions with zeros, of the theoretical
--  speed-up (products of our dense kernel over those with a weight that is not zero, at least 1), of the
--  realized one, and of the second over the first; by rate, from the lowest. Then the last over all
--  rates.
-- empty: No pruned network was timed layer by layer.
WITH each AS (
  SELECT e.scale, e.threads, e.model, e.scheme, e.rate_asked, a.*
    FROM executions e JOIN attained a USING (bench) WHERE a.layers AND a.attained IS NOT NULL
   ORDER BY e.rate_asked)
SELECT scale, threads, model AS network, scheme, max(layers) AS layers,
       group_concat(printf('%g', rate_asked), ', ') AS rates,
       group_concat(fixed(theoretical, 2), ', ') AS theoretical,
       group_concat(fixed(realized, 2), ', ') AS realized,
       group_concat(fixed(attained, 2), ', ') AS "realized / theoretical",
       fixed(exp(sum(layers * ln(attained)) / sum(layers)), 2) AS "all rates"
  FROM each GROUP BY scale, threads, model, scheme
 ORDER BY scale <> 'imagenet', scale, threads, model, scheme;

-- name: crossover
-- caption: Where skipping zeros begins to pay: the largest share of weights left at which the whole
--  network is faster than our dense kernels, its 95 % interval above 1, and the next larger share that
--  was measured.
-- empty: No pruned network was timed.
WITH paying AS (
  SELECT scale, threads, model, scheme, max(CASE WHEN speedup_low > 1 THEN density END) AS pays,
         count(*) AS n, max(density) AS densest, min(density) AS sparsest
    FROM executions GROUP BY scale, threads, model, scheme)
SELECT scale, threads, model AS network, scheme, n,
       fixed(100 * sparsest, 1) || ' to ' || fixed(100 * densest, 1) AS "measured, %",
       fixed(100 * pays, 1) AS "pays at, %", 'at none of them' AS "pays at, %?",
       (SELECT fixed(100 * min(e.density), 1) FROM executions e
         WHERE e.scale = p.scale AND e.threads = p.threads AND e.model = p.model
           AND e.scheme = p.scheme AND e.density > p.pays) AS "not yet at, %",
       'it pays at the densest' AS "not yet at, %?"
  FROM paying p ORDER BY scale <> 'imagenet', scale, threads, model, scheme;

-- name: compiler
-- caption: In the manner of the demonstration's [4] table 1: the dense network, the pruned one on
--  kernels that skip zeros with channels in their order, and with channels reordered; medians, and how
--  many times as fast as the dense one.
-- empty: No pruned network was timed.
SELECT scale, threads, model AS network, mask, brief(dense_ms, 3) AS "unpruned ms",
       brief(unordered_ms, 3) AS "pruned ms", brief(median_ms, 3) AS "pruned + reordered ms",
       fixed(speedup / order_speedup, 2) AS pruned, fixed(speedup, 2) AS "pruned + reordered",
       fixed(order_speedup, 2) AS "reordering alone", 'not timed' AS "?"
  FROM executions WHERE of_network = 1
 ORDER BY scale <> 'imagenet', scale, threads, model;

-- name: held-back
-- caption: The three layers of each network that attain the least of their theoretical speed-up, and
--  what the record says of them: which limit of the machine they meet, pixels, loads, balance. The
--  fastest runs.
-- empty: No pruned network was timed layer by layer.
SELECT scale, threads, model AS network, mask, layer,
       channels || ' x ' || height || ' x ' || width AS output, kernel, fixed(1000 * least_ms, 0) AS us,
       fixed(theoretical, 2) AS theoretical, fixed(realized, 2) AS realized,
       fixed(attained, 2) AS "of it", why AS "what holds it back"
  FROM held_back
 WHERE of_network = 1 AND place <= 3
   AND threads = (SELECT min(threads) FROM executions e
                   WHERE e.model = held_back.model AND e.scale = held_back.scale)
 ORDER BY scale <> 'imagenet', scale, model, batch, place;

-- name: execution-memory
-- caption: What pruned networks take: planning and packing in ms, packed weights and peak memory (of
--  planning and two runs in a process of their own) in MB, and the same of our dense kernels.
-- empty: No pruned network was timed.
SELECT scale, threads, model AS network, mask, fixed(plan_ms, 0) AS "plan ms",
       fixed(packed_bytes / 1e6, 1) AS packed, fixed(dense_packed_bytes / 1e6, 1) AS "packed, dense",
       fixed(peak_memory_bytes / 1e6, 1) AS peak, fixed(dense_peak_memory_bytes / 1e6, 1) AS "peak, dense",
       peak_memory_reason AS "?"
  FROM executions WHERE of_network = 1
 ORDER BY scale <> 'imagenet', scale, threads, model;

-- name: choices
-- caption: The planner's choices beside every other way that it had: layers with a choice, how many of
--  them take at most 3 % more than their fastest way, the time of all choices over that of the fastest
--  ways, and the worst choice. Fastest times of interleaved runs.
-- empty: No choices were timed ('condense bench --choices --record').
SELECT scale, threads, model AS network, CASE scheme WHEN 'none' THEN 'dense'
         ELSE scheme || ' ' || printf('%g', rate_asked) || 'x' END AS mask,
       sum(layers) AS layers, sum(CASE WHEN excess <= 1.03 THEN layers ELSE 0 END) AS "within 3 %",
       fixed(sum(layers * ms) / sum(layers * best_ms), 3) AS together,
       fixed(max(excess), 3) AS worst,
       (SELECT w.signature || ': ' || w.way || ', not ' || w.best_way FROM v_choice w
         WHERE w.choice = c.choice AND w.best_way <> w.way ORDER BY w.excess DESC LIMIT 1) AS "the worst",
       'every choice is the fastest' AS "the worst?"
  FROM v_choice c GROUP BY choice
 ORDER BY scale <> 'imagenet', scale, threads, model, scheme, rate_asked;

-- name: execution-bars
-- caption: What the execution of pruned networks is held to, at the published networks' scale, batch 1:
--  how many times as fast; the network's speed-up over our dense kernels as a share of the ratio of
--  products; the layers' geometric mean of realized over theoretical, over n layers and rates.
-- empty: No pruned network of these was timed.
WITH run AS (
  SELECT e.*, a.layers, a.attained, a.theory FROM executions e LEFT JOIN attained a USING (bench)
   WHERE scale = 'imagenet' AND batch = 1),
bars(position, bar, threads, n, measured, at_least, at_most) AS (
  SELECT 1, 'resnet50 ' || mask || ', over our dense', threads, 1, speedup, 5, NULL FROM run
   WHERE model = 'resnet50' AND rate_asked = 9.2 AND scheme IN ('block8', 'pattern8')
  UNION ALL
  SELECT 2, 'resnet50 ' || mask || ', over ' || reference, threads, 1, reference_speedup, 5, NULL
    FROM run WHERE model = 'resnet50' AND rate_asked = 9.2 AND scheme IN ('block8', 'pattern8')
     AND reference IS NOT NULL
  UNION ALL
  SELECT 3, 'vgg16 ' || mask || ', over our dense direct', threads, 1, direct_speedup, 8, NULL FROM run
   WHERE model = 'vgg16' AND rate_asked = 34
  UNION ALL
  SELECT 4, model || ' ' || mask || ', share of the theoretical', threads, 1, speedup / theory, 0.7,
         NULL
    FROM run WHERE model = 'inception_v3' AND rate_asked = 6
      OR model IN ('mobilenet_v1', 'mobilenet_v2') AND rate_asked = 3
  UNION ALL
  SELECT 5, 'resnet50, realized / theoretical, ' || scheme || ' at '
           || CASE scheme WHEN 'unstructured' THEN '5 to 20 %' ELSE '10 to 50 %' END, threads,
         sum(layers), exp(sum(layers * ln(attained)) / sum(layers)),
         CASE scheme WHEN 'unstructured' THEN 0.45 ELSE 0.85 END, NULL
    FROM run
   WHERE model = 'resnet50' AND attained IS NOT NULL
     AND (scheme IN ('block8', 'pattern8') AND rate_asked BETWEEN 2 AND 10
          OR scheme = 'unstructured' AND rate_asked BETWEEN 5 AND 20)
   GROUP BY scheme, threads
  UNION ALL
  SELECT 6, 'largest peak memory over that of dense: ' || model || ' ' || mask, threads,
         (SELECT count(*) FROM run o WHERE o.threads = r.threads AND o.peak_memory_bytes IS NOT NULL),
         max(1.0 * peak_memory_bytes / dense_peak_memory_bytes), NULL, 1.0
    FROM run r WHERE peak_memory_bytes IS NOT NULL AND dense_peak_memory_bytes IS NOT NULL
   GROUP BY threads
  UNION ALL
  SELECT 7, 'resnet50 ' || mask || ', planning and packing in s', threads, 1, max(plan_ms) / 1000, NULL,
         1.0 FROM run WHERE model = 'resnet50' GROUP BY threads)
SELECT bar, threads, n, fixed(measured, 2) AS measured,
       CASE WHEN at_most IS NULL THEN 'at least ' || printf('%g', at_least)
            ELSE 'below ' || printf('%g', at_most) END AS "must be",
       CASE WHEN measured >= at_least OR measured < at_most THEN 'met' ELSE 'missed' END AS verdict
  FROM bars ORDER BY position, bar, threads;

-- name: integers
-- caption: Networks of 8-bit integers: medians in milliseconds of interleaved rounds on the same input;
--  our own kernels on the floats that the integers stand for, and how many times as fast the integers
--  are (with its 95 % interval); engines that run the same integers, the fastest of them with a star;
--  and our median over its. Pruned networks are beside our dense kernels, too, on the same integers.
-- empty: No network of integers was timed ('make integers').
WITH cells AS (
  SELECT e.bench, e.engine, e.reason,
         fixed(e.median_ms, 2) || CASE WHEN e.engine = v.reference THEN ' *' ELSE '' END AS ms
    FROM v_int8_engine e JOIN v_int8 v USING (bench))
SELECT v.scale, v.threads, v.model AS network,
       CASE v.scheme WHEN 'none' THEN 'none' ELSE v.scheme || ' ' || printf('%g', v.rate_asked) || 'x' END
         AS pruned,
       v.weights, fixed(v.median_ms, 2) AS condense, fixed(v.floats_ms, 2) AS floats,
       fixed(v.speedup, 2) AS "over floats",
       '[' || fixed(v.speedup_low, 2) || ', ' || fixed(v.speedup_high, 2) || ']' AS "95 %",
       'noise leaves the interval open' AS "95 %?", fixed(v.dense_speedup, 2) AS "over dense",
       CASE v.scheme WHEN 'none' THEN 'it is dense' END AS "over dense?",
       max(CASE WHEN engine = 'onednn-int8' THEN ms END) AS oneDNN,
       max(CASE WHEN engine = 'onednn-int8' THEN reason END) AS "oneDNN?",
       max(CASE WHEN engine = 'onnxruntime-int8' THEN ms END) AS "ONNX Runtime",
       max(CASE WHEN engine = 'onnxruntime-int8' THEN reason END) AS "ONNX Runtime?",
       max(CASE WHEN engine = 'openvino-int8' THEN ms END) AS OpenVINO,
       max(CASE WHEN engine = 'openvino-int8' THEN reason END) AS "OpenVINO?",
       fixed(v.ratio, 2) AS ratio, 'not timed' AS "?"
  FROM v_int8 v JOIN cells USING (bench)
 GROUP BY v.bench ORDER BY v.scale <> 'imagenet', v.scale, v.threads, v.macs, v.scheme <> 'none';

-- name: integer-bars
-- caption: What integers are held to, at the published networks' scale, batch 1: how many times as fast
--  as our own floats, our median over that of the fastest engine with the same integers, and pruned
--  integers over dense ones.
-- empty: No network of integers of these was timed ('make integers').
WITH run AS (SELECT * FROM v_int8 WHERE scale = 'imagenet' AND batch = 1),
bars(position, bar, threads, measured, at_least, at_most) AS (
  SELECT 1, model || ', over our floats', threads, speedup, 2.5, NULL FROM run
   WHERE scheme = 'none' AND model IN ('resnet50', 'vgg16') AND speedup IS NOT NULL
  UNION ALL
  SELECT 2, model || ', time over that of ' || reference, threads, ratio, NULL, 1.0 FROM run
   WHERE scheme = 'none' AND model IN ('resnet50', 'vgg16') AND ratio IS NOT NULL
  UNION ALL
  SELECT 3, model || ' ' || scheme || ' ' || printf('%g', rate_asked) || 'x, over our dense integers',
         threads, dense_speedup, 1.0, NULL
    FROM run WHERE dense_speedup IS NOT NULL
  UNION ALL
  SELECT 4, model || ' ' || scheme || ' ' || printf('%g', rate_asked) || 'x, over our pruned floats',
         threads, speedup, 1.0, NULL
    FROM run WHERE scheme <> 'none' AND speedup IS NOT NULL)
SELECT bar, threads, fixed(measured, 2) AS measured,
       CASE WHEN at_most IS NULL THEN 'at least ' || fixed(at_least, 2)
            ELSE 'at most ' || fixed(at_most, 2) END AS "must be",
       CASE WHEN measured >= at_least OR measured <= at_most THEN 'met' ELSE 'missed' END AS verdict
  FROM bars ORDER BY position, bar, threads;
