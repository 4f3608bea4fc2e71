-- Which query answers which claim of claims.csv. A statement is run once for each claim in its
-- "claims" header with :claim and :model bound (the claim's own columns) and gives one row:
--   measured  the values in the claim's order and with its separators, '-' for what no cell shows
--   cell      the cell they come from; the first, where several are needed
--   note      what to bear in mind when comparing; with measured NULL, why there is nothing
-- A claim without a statement, a row or a value stays "not yet measured". Of cells only valid ones of
-- the published network (scale imagenet, batch 1, not emulated) count; of several, the one with the
-- fewest threads. Compressions count at the scale they were made at, which the note names.

-- name: table-of-networks
-- claims: cadnn-acc-mobilenet1 cadnn-acc-mobilenet2 cadnn-acc-inception3 cadnn-acc-resnet50
WITH pick AS (
  SELECT * FROM v_cell
   WHERE model = :model AND scale = 'imagenet' AND variant = 'dense' AND batch = 1
     AND NOT emulated AND verdict = 'valid'
   ORDER BY threads, weights = 'random', cell LIMIT 1)
SELECT coalesce(round(100 * top1, 1), '-') || '/' || coalesce(round(100 * top5, 1), '-') || '/'
         || round(dense_bytes / 1e6, 1) || '/'
         || coalesce((SELECT nullif(count(*), 0) FROM v_layer_plan p
                       WHERE p.cell = pick.cell AND fusion = 0 AND tensor_layer), '-') AS measured,
       cell,
       CASE WHEN top1 IS NULL THEN 'no accuracy: ' || a.reason
            ELSE 'accuracy on ' || images || ' images of ' || dataset
                   || ' with other weights than the paper''s' END
         || '; size in float32; layers: convolution and fully connected' AS note
  FROM pick JOIN v_size USING (cell) LEFT JOIN v_accuracy a USING (cell);

-- name: non-tensor-share
-- claims: rebirth-nontensor-alexnet rebirth-nontensor-googlenet rebirth-nontensor-resnet50
--  rebirth-nontensor-resnet152
WITH pick AS (
  SELECT * FROM v_cell
   WHERE model = :model AND scale = 'imagenet' AND variant = 'dense' AND batch = 1
     AND backend = 'cpu' AND NOT emulated AND verdict = 'valid'
   ORDER BY threads, cell LIMIT 1)
SELECT CASE WHEN isa LIKE 'avx%' THEN round(100 * apart.share, 2) || '/-/-'
            WHEN isa = 'neon' THEN '-/' || round(100 * apart.share, 2) || '/-' END AS measured,
       pick.cell,
       'layer by layer without fusion; ' || coalesce(round(100 * fused.share, 2), '-')
         || ' % with fusion; ' || isa || ', ' || threads || ' thread'
         || CASE threads WHEN 1 THEN '' ELSE 's' END AS note
  FROM pick JOIN v_nontensor apart USING (cell)
  LEFT JOIN v_nontensor fused ON fused.cell = pick.cell AND fused.fusion = 1
 WHERE apart.fusion = 0;

-- name: top-5
-- claims: rebirth-acc-dense
SELECT round(100 * top5, 2) AS measured, cell,
       'on ' || images || ' images of ' || dataset || ', weights ' || weights AS note
  FROM v_cell JOIN v_accuracy USING (cell)
 WHERE model = :model AND scale = 'imagenet' AND variant = 'dense' AND verdict = 'valid'
   AND NOT emulated AND top5 IS NOT NULL
 ORDER BY threads, cell LIMIT 1;

-- name: latency-one-value
-- claims: demo-vgg16-tvm demo-vgg16-tflite
SELECT round(mean_ms, 1) AS measured, cell,
       'this engine on other hardware: '
         || coalesce((SELECT value FROM v_environment e
                       WHERE e.cell = v_cell.cell AND key = 'cpu.model'), device)
         || ', ' || isa || ', threads: ' || threads AS note
  FROM v_cell JOIN v_latency USING (cell)
 WHERE model = :model AND scale = 'imagenet' AND variant = 'dense' AND batch = 1
   AND NOT emulated AND verdict = 'valid'
 ORDER BY threads, cell LIMIT 1;

-- The five columns of the comparison: dense, tucker, slimmed, slimmed+tucker, squeezenet. The
-- paper's file sizes fit SqueezeNet v1.1 and megabytes of 2^20 bytes.
-- name: latency-of-five
-- claims: rebirth-motoe rebirth-s5 rebirth-s6 rebirth-macbook rebirth-titanx
WITH ranked AS (
  SELECT *, row_number() OVER (PARTITION BY model ORDER BY threads, cell) AS choice FROM v_cell
   WHERE scale = 'imagenet' AND variant = 'dense' AND batch = 1 AND NOT emulated
     AND verdict = 'valid'),
pick AS (SELECT * FROM ranked JOIN v_latency USING (cell) WHERE choice = 1)
SELECT round(dense.mean_ms, 2) || '/-/-/-/'
         || coalesce((SELECT round(mean_ms, 2) FROM pick
                       WHERE model GLOB 'squeezenet*1?1'), '-') AS measured,
       cell,
       'this engine on other hardware: '
         || coalesce((SELECT value FROM v_environment e
                       WHERE e.cell = dense.cell AND key = 'cpu.model'), device)
         || ', ' || isa || ', threads: ' || threads AS note
  FROM pick dense WHERE model = :model;

-- name: bytes-of-five
-- claims: rebirth-storage rebirth-memory
WITH ranked AS (
  SELECT *, row_number() OVER (PARTITION BY model ORDER BY threads, cell) AS choice FROM v_cell
   WHERE scale = 'imagenet' AND variant = 'dense' AND batch = 1 AND NOT emulated
     AND verdict = 'valid'),
pick AS (
  SELECT cell, model, round(CASE :claim WHEN 'rebirth-storage' THEN stored_bytes
                                        ELSE peak_memory_bytes END / 1048576.0, 2) AS mib
    FROM ranked JOIN v_size USING (cell) WHERE choice = 1)
SELECT coalesce(dense.mib, '-') || '/-/-/-/'
         || coalesce((SELECT mib FROM pick WHERE model GLOB 'squeezenet*1?1'), '-') AS measured,
       cell,
       CASE :claim WHEN 'rebirth-storage' THEN 'float32 file, 2^20 bytes'
                   ELSE 'measured peak memory, batch 1, 2^20 bytes' END AS note
  FROM pick dense WHERE model = :model;

-- name: energy-of-five
-- claims: rebirth-energy
WITH ranked AS (
  SELECT *, row_number() OVER (PARTITION BY model ORDER BY threads, cell) AS choice FROM v_cell
   WHERE scale = 'imagenet' AND variant = 'dense' AND batch = 1 AND NOT emulated
     AND verdict = 'valid'),
pick AS (
  SELECT * FROM ranked JOIN v_energy USING (cell)
   WHERE choice = 1 AND millijoule_per_inference IS NOT NULL)
SELECT round(dense.millijoule_per_inference, 1) || '/-/-/-/'
         || coalesce((SELECT round(millijoule_per_inference, 1) FROM pick
                       WHERE model GLOB 'squeezenet*1?1'), '-') AS measured,
       cell, 'other hardware; sensor: ' || source AS note
  FROM pick dense WHERE model = :model;

-- name: first-step
-- claims: rebirth-alexnet rebirth-resnet
WITH pick AS (
  SELECT * FROM v_cell
   WHERE model = :model AND scale = 'imagenet' AND variant = 'dense' AND batch = 1
     AND NOT emulated AND verdict = 'valid'
   ORDER BY threads, cell LIMIT 1)
SELECT CASE :claim
         WHEN 'rebirth-alexnet' THEN
           coalesce(round(100 * top5, 2), '-') || '/-/-|' || round(mean_ms, 1) || '/-/-|'
             || coalesce(round(millijoule_per_inference, 1), '-') || '/-/-'
         ELSE coalesce(round(100 * top5, 2), '-') || '/-/-/-|' || round(mean_ms, 1)
             || '/-/-/-|-/-/-/-'
       END AS measured,
       cell,
       'the dense network only; latency on other hardware'
         || CASE WHEN top5 IS NULL THEN '; no accuracy: ' || a.reason
                 ELSE '; ' || images || ' images' END
         || CASE WHEN :claim = 'rebirth-resnet' THEN '; memory is claimed at batch 32'
                 WHEN millijoule_per_inference IS NULL THEN '; no energy: ' || e.reason
                 ELSE '' END AS note
  FROM pick JOIN v_latency USING (cell) LEFT JOIN v_accuracy a USING (cell)
  LEFT JOIN v_energy e USING (cell);

-- Weights removed with "(almost) no accuracy loss": the highest rate that loses at most 0.2 points
-- (LeNet-5) or 0.5, in the mean over the seeds. On MNIST where that was done, else at another scale.
-- name: prune-rate
-- claims: cadnn-prune-lenet5 cadnn-prune-alexnet cadnn-prune-vgg cadnn-prune-resnet18
--  cadnn-prune-resnet50
WITH bar AS (
  SELECT CASE :model WHEN 'lenet5' THEN 0.002 ELSE 0.005 END AS most, CAST(claimed AS REAL) AS claimed
    FROM v_claim WHERE claim = :claim),
newest AS (
  SELECT * FROM v_compression
   WHERE model = :model AND levels = 'none' AND compression IN (
     SELECT max(compression) FROM v_compression
      GROUP BY model, scale, dataset, scheme, method, rate_asked, levels, bits, seed)),
points AS (
  SELECT scale, dataset, scheme, method, avg(rate) AS rate, round(avg(loss), 6) AS loss,
         count(*) AS seeds
    FROM newest
   WHERE scale = (SELECT scale FROM newest ORDER BY scale <> 'imagenet', scale <> 'mnist', scale)
   GROUP BY scale, dataset, scheme, method, rate_asked),
best AS (
  SELECT points.* FROM points, bar WHERE loss <= most ORDER BY rate DESC, loss LIMIT 1),
near AS (
  SELECT points.* FROM points, bar WHERE rate BETWEEN 0.97 * claimed AND 1.05 * claimed
   ORDER BY loss LIMIT 1)
SELECT round((SELECT rate FROM best), 1) AS measured, NULL AS cell,
       coalesce((SELECT 'on ' || dataset || ' (' || scale || ' scale): the highest rate that loses at most '
                        || round(100 * most, 1) || ' points, ' || scheme || ' by ' || method || ', '
                        || seeds || CASE seeds WHEN 1 THEN ' seed' ELSE ' seeds' END || ', '
                        || round(100 * loss, 2) || ' points lost' FROM best),
                (SELECT 'on ' || dataset || ' (' || scale || ' scale): none of ' || count(*)
                        || ' rates and schemes loses at most ' || round(100 * most, 1)
                        || ' points; the least is ' || round(100 * min(loss), 2) || ' at '
                        || round(rate, 1) || 'x' FROM points HAVING count(*) > 0),
                'no compression of it is on record')
         || coalesce((SELECT '; at ' || round(rate, 1) || 'x ' || round(100 * loss, 2)
                             || ' points lost (' || scheme || ' by ' || method || ')' FROM near), '')
         AS note
  FROM bar;

-- Pruned and quantized weights, bits without indices against float32, where that loses at most 0.2
-- points.
-- name: storage-rate
-- claims: cadnn-store-lenet5
WITH newest AS (
  SELECT * FROM v_compression
   WHERE model = :model AND levels <> 'none' AND scheme <> 'none'
     AND storage_rate_values IS NOT NULL AND compression IN (
       SELECT max(compression) FROM v_compression
        GROUP BY model, scale, dataset, scheme, method, rate_asked, levels, bits, seed)),
points AS (
  SELECT scale, dataset, scheme, levels, bits, avg(rate) AS rate, round(avg(loss), 6) AS loss,
         avg(storage_rate_values) AS bare, avg(storage_rate) AS whole, count(*) AS seeds
    FROM newest
   WHERE scale = (SELECT scale FROM newest ORDER BY scale <> 'imagenet', scale <> 'mnist', scale)
   GROUP BY scale, dataset, scheme, method, levels, bits, rate_asked),
best AS (SELECT * FROM points WHERE loss <= 0.002 ORDER BY bare DESC LIMIT 1)
SELECT round((SELECT bare FROM best), 0) AS measured, NULL AS cell,
       coalesce((SELECT 'on ' || dataset || ': ' || round(whole, 0) || 'x with indices; '
                        || round(rate, 1) || 'x fewer weights (' || scheme || '), ' || bits || '-bit '
                        || levels || ', ' || seeds || CASE seeds WHEN 1 THEN ' seed' ELSE ' seeds' END
                        || ', ' || round(100 * loss, 2) || ' points lost' FROM best),
                (SELECT 'on ' || dataset || ': none of ' || count(*) || ' loses at most 0.2 points; '
                        || 'the least is ' || round(100 * min(loss), 2) || ' at ' || round(bare, 0)
                        || 'x' FROM points HAVING count(*) > 0),
                'pruned and quantized weights are not on record') AS note;

-- Speed of pruned networks. The papers' engines were not timed, so that nothing is measured of these
-- claims; the note has our speed-up over the fastest dense engine of the same rounds, the best of the
-- four networks that CADNN timed.
-- name: pruned-speed
-- claims: cadnn-speed-tvm-cpu cadnn-speed-tflite-cpu
WITH runs AS (
  SELECT * FROM v_execution
   WHERE scale = 'imagenet' AND batch = 1 AND reference IS NOT NULL
     AND model IN ('mobilenet_v1', 'mobilenet_v2', 'inception_v3', 'resnet50')),
best AS (SELECT * FROM runs ORDER BY reference_speedup DESC, bench LIMIT 1)
SELECT NULL AS measured, NULL AS cell,
       CASE :claim WHEN 'cadnn-speed-tvm-cpu' THEN 'TVM' ELSE 'TensorFlow Lite' END || ' was not timed; '
         || coalesce((SELECT round(reference_speedup, 1) || 'x over ' || reference || ', the fastest '
                             || 'dense engine of the same rounds, ' || round(speedup, 1) || 'x over our '
                             || 'own dense: ' || model || ', ' || scheme || ', ' || round(rate, 1)
                             || 'x fewer weights (' || weights || '), threads: ' || threads
                        FROM best),
                     'nor was a pruned network of the four beside other engines') AS note;

-- name: pruned-latency
-- claims: cadnn-lat-inception3 cadnn-lat-resnet50
WITH runs AS (
  SELECT * FROM v_execution WHERE model = :model AND scale = 'imagenet' AND batch = 1),
best AS (SELECT * FROM runs ORDER BY reference IS NULL, threads, median_ms, bench LIMIT 1)
SELECT (SELECT round(median_ms, 1) FROM best) AS measured, NULL AS cell,
       coalesce((SELECT 'this engine on other hardware, ' || isa || ', threads: ' || threads || '; '
                        || scheme || ', ' || round(rate, 1) || 'x fewer weights (' || weights || '); dense '
                        || round(dense_ms, 1) || ' ms' FROM best),
                'this network was not timed pruned') AS note;

-- name: other-networks
-- claims: demo-style-dense demo-style-pruned demo-style-compiled demo-color-dense demo-color-pruned
--  demo-color-compiled demo-sr-dense demo-sr-pruned demo-sr-compiled
SELECT NULL AS measured, NULL AS cell,
       'not one of the networks of this study'
         || coalesce((SELECT '; of those, pruning alone gives ' || round(min(speedup / order_speedup), 1)
                             || ' to ' || round(max(speedup / order_speedup), 1)
                             || 'x, and with reordering ' || round(min(speedup), 1) || ' to '
                             || round(max(speedup), 1) || 'x over our dense kernels'
                        FROM v_execution
                       WHERE scale = 'imagenet' AND batch = 1 AND reference IS NOT NULL
                      HAVING count(*) > 0), '') AS note;
