-- Views shared by the figures (plots/*.sql) and the paper (tables.sql, values.sql). They are
-- temporary: made in the copy of the database that is being read.

-- Cells with a measured latency. Their numbers are shown whatever the verdict; a verdict other than
-- valid is part of the label.
CREATE TEMP VIEW measured AS
WITH named AS (
  SELECT c.*, s.macs,
         c.scale || '-' || c.threads || 't'
           || CASE WHEN c.batch = 1 THEN '' ELSE '-b' || c.batch END
           || CASE WHEN c.backend = 'cpu' THEN '' ELSE '-' || c.backend END
           || CASE WHEN c.device = 'host' THEN '' ELSE '-' || c.device END AS panel,
         c.scale || ' scale, ' || c.threads
           || CASE WHEN c.threads = 1 THEN ' thread' ELSE ' threads' END
           || ', batch ' || c.batch || ', ' || c.backend
           || CASE WHEN c.device = 'host' THEN '' ELSE ' of ' || c.device END AS panel_title,
         c.model || CASE WHEN c.variant = 'dense' THEN '' ELSE ' ' || c.variant END
           || coalesce(' ' || nullif(c.scheme, ''), '') AS short
    FROM v_cell c JOIN v_latency l USING (cell) LEFT JOIN v_size s USING (cell)
   WHERE NOT c.emulated AND l.mean_ms IS NOT NULL),
labelled AS (
  SELECT *, short
           || CASE WHEN count(*) OVER (PARTITION BY panel, short) > 1
                   THEN ' ' || isa || ' ' || weights || ' ' || coalesce(dataset, '') ELSE '' END
           || CASE WHEN verdict = 'valid' THEN '' ELSE ' (' || verdict || ')' END AS label
    FROM named)
SELECT cell, model, scale, variant, weights, isa, threads, dataset, verdict,
       reason AS verdict_reason, panel, panel_title, label,
       row_number() OVER (PARTITION BY panel ORDER BY macs DESC, label, cell) AS place
  FROM labelled;

-- What a figure draws side by side: one row for each scale, thread count, batch, backend, device.
CREATE TEMP VIEW panels AS
SELECT panel, panel_title AS title, count(*) AS cells,
       CASE WHEN min(samples) = max(samples) THEN 'n = ' || min(samples)
            ELSE 'n = ' || min(samples) || ' to ' || max(samples) END || ' samples a network' AS n,
       sum(verdict <> 'valid') AS flagged, max(length(label)) AS longest,
       scale <> 'imagenet' AS rank, threads
  FROM measured JOIN v_latency USING (cell)
 GROUP BY panel, panel_title;

-- Sizes do not depend on threads or batch: one row for each network, scale and variant.
CREATE TEMP VIEW sized AS
SELECT scale, model || CASE WHEN variant = 'dense' THEN '' ELSE ' ' || variant END
         || coalesce(' ' || nullif(scheme, ''), '') AS label,
       max(parameters) AS parameters, max(nonzero) AS nonzero, max(macs) AS macs,
       max(effective_macs) AS effective_macs, max(dense_bytes) AS dense_bytes,
       max(stored_bytes) AS stored_bytes, max(csr_bytes) AS csr_bytes
  FROM v_cell JOIN v_size USING (cell)
 GROUP BY scale, model, variant, scheme;

-- The kinds of operators by the time they take over the whole database: 1 to 7, and 8 for the rest.
CREATE TEMP VIEW operator_kind AS
SELECT op, min(8, row_number() OVER (ORDER BY weight DESC, op)) AS kind
  FROM (SELECT op, sum(share) AS weight FROM measured JOIN v_operator_share USING (cell)
         GROUP BY op);

-- Finished compressions, with the recipe of their retraining, the steps in it and in ADMM before it (NULL
-- where an epoch is all pictures), and whether what each layer gives was given by hand. Of several with
-- the same scheme, method, rate, levels, seed and recipe (another start, another ADMM) the newest counts.
CREATE TEMP VIEW compressions AS
WITH each AS (
  SELECT v.*, json_remove(json_extract(config, '$.recipe'), '$.seed', '$.iterations', '$.rho', '$.rho_last',
                          '$.rho_stages', '$.admm_lr', '$.admm_schedule') AS recipe,
         json_extract(config, '$.recipe.epochs')
           * nullif(json_extract(config, '$.recipe.epoch_steps'), 0) AS steps,
         iif(v.method = 'admm', json_extract(config, '$.recipe.iterations')
           * nullif(json_extract(config, '$.recipe.epoch_steps'), 0), NULL) AS admm_steps,
         iif(json_extract(config, '$.layer_rates') <> '', 'given', 'found') AS shares
    FROM v_compression v JOIN compression ON compression.id = v.compression)
SELECT * FROM each
 WHERE compression IN (SELECT max(compression) FROM each
                        GROUP BY model, scale, dataset, scheme, method, rate_asked, levels, bits,
                                 seed, recipe);

-- Networks with a curve: pruned at three rates or more by one scheme, method and recipe; of several
-- recipes, the one with most of them.
CREATE TEMP VIEW curves AS
SELECT model, scale, recipe, model || '-' || scale AS panel
  FROM (SELECT model, scale, recipe, row_number() OVER (PARTITION BY model, scale
                                                        ORDER BY sum(points) DESC, recipe) AS choice
          FROM (SELECT model, scale, recipe, count(*) AS points FROM compressions
                 WHERE levels = 'none' GROUP BY model, scale, recipe, scheme, method
                HAVING count(DISTINCT rate_asked) >= 3)
         GROUP BY model, scale, recipe)
 WHERE choice = 1;

-- The run by ADMM that shows its convergence: of each curve the newest at the highest rate.
CREATE TEMP VIEW converged AS
SELECT * FROM (
  SELECT *, row_number() OVER (PARTITION BY panel ORDER BY rate_asked DESC, compression DESC)
              AS choice
    FROM compressions JOIN curves USING (model, scale, recipe)
   WHERE method = 'admm' AND levels = 'none'
     AND compression IN (SELECT compression FROM v_compression_step WHERE phase = 'admm'))
 WHERE choice = 1;

-- ADMM and magnitude on the same task: what ADMM gains in accuracy, and what chance alone explains: 95 %
-- of the differences of two equally good networks on other pictures each. That is cautious, for both saw
-- the same pictures.
CREATE TEMP VIEW pairs AS
SELECT a.scale, a.scheme, a.top1 - m.top1 AS gain,
       1.96 * sqrt((a.top1 * (1 - a.top1) + m.top1 * (1 - m.top1)) / a.images) AS chance
  FROM compressions a
  JOIN compressions m ON m.model = a.model AND m.scale = a.scale AND m.dataset = a.dataset
       AND m.scheme = a.scheme AND m.rate_asked = a.rate_asked AND m.levels = a.levels
       AND m.bits IS a.bits AND m.seed = a.seed AND m.recipe = a.recipe
       AND m.method = 'magnitude'
 WHERE a.method = 'admm';

-- Runs of pruned networks. Of each network and scheme one stands for it: the newest of those beside
-- other engines, else the newest; of each network, one of these.
CREATE TEMP VIEW executions AS
SELECT *, scale || '-' || threads || 't' || CASE WHEN batch = 1 THEN '' ELSE '-b' || batch END
         AS panel,
       scale || ' scale, ' || threads || CASE WHEN threads = 1 THEN ' thread' ELSE ' threads' END
         || ', batch ' || batch AS panel_title,
       scheme || ' ' || printf('%g', rate_asked) || 'x' AS mask,
       row_number() OVER (PARTITION BY model, scale, scheme, threads, batch
                          ORDER BY reference IS NULL, bench DESC) AS of_scheme,
       row_number() OVER (PARTITION BY model, scale, threads, batch
                          ORDER BY reference IS NULL, bench DESC) AS of_network
  FROM v_execution;

-- Geometric means over a run's convolutions that have zeros; and, of the whole network, what theory
-- allows: products of all dense kernels over the fewest that are needed.
CREATE TEMP VIEW attained AS
SELECT bench, sum(counts) AS layers, exp(avg(ln(CASE WHEN counts THEN theoretical END))) AS theoretical,
       exp(avg(ln(CASE WHEN counts THEN realized END))) AS realized,
       exp(avg(ln(CASE WHEN counts THEN attained END))) AS attained,
       exp(avg(ln(CASE WHEN counts THEN mac_ratio END))) AS mac_ratio,
       exp(avg(ln(CASE WHEN counts THEN direct_realized END))) AS direct_realized,
       1.0 * sum(dense_products) / sum(min(dense_products, nonzero_macs)) AS theory
  FROM (SELECT *, op = 'conv' AND nonzero_macs < dense_macs AS counts FROM v_execution_layer
         WHERE op IN ('conv', 'fc'))
 GROUP BY bench;

-- The layers of such runs, worst first, with what the record says of each.
CREATE TEMP VIEW held_back AS
SELECT e.scale, e.threads, e.batch, e.model, e.mask, e.of_network, l.*,
       row_number() OVER (PARTITION BY l.bench ORDER BY l.attained, l.number) AS place,
       rtrim(
         CASE WHEN l.bound = 'memory'
              THEN 'memory: ' || brief(1e-6 * (l.packed_bytes + l.activation_bytes), 2) || ' MB at '
                     || brief(1e-6 * (l.packed_bytes + l.activation_bytes) / l.least_ms, 2) || ' of '
                     || brief(e.memory_gbytes, 2) || ' GB/s; '
              WHEN l.bound = 'cache'
              THEN 'second-level cache: ' || brief(1e-6 * (l.packed_bytes + l.activation_bytes), 2)
                     || ' MB at ' || brief(1e-6 * (l.packed_bytes + l.activation_bytes) / l.least_ms, 2)
                     || ' of ' || brief(e.cache_gbytes, 2) || ' GB/s; '
              WHEN l.bound = 'overhead'
              THEN 'overhead: ' || brief(l.least_ms / l.limit_ms, 2)
                     || ' times what arithmetic, caches and memory ask for; '
              ELSE 'arithmetic: ' || fixed(200 * l.products / l.least_ms / 1e6 / e.peak_gflops, 0)
                     || ' % of the peak; ' END
         || CASE WHEN l.height * l.width < 100
                 THEN 'few pixels: ' || (l.height * l.width) || ' a channel; ' ELSE '' END
         || CASE WHEN l.loads > 0.5
                 THEN brief(l.loads, 2) || ' loads a multiply-add; ' ELSE '' END
         || CASE WHEN l.imbalance > 1.1
                 THEN 'the busiest thread does ' || fixed(l.imbalance, 2) || ' of the mean; '
                 ELSE '' END
         || CASE WHEN l.dense_products < l.dense_macs
                 THEN 'the dense kernel is a Winograd convolution; ' ELSE '' END
         || CASE WHEN l.kernel = l.dense_kernel
                 THEN 'the planner kept the dense kernel; ' ELSE '' END
         || CASE WHEN l.products > 1.05 * l.nonzero_macs AND l.kernel <> l.dense_kernel
                 THEN brief(1.0 * l.products / l.nonzero_macs, 3) || ' products for each that is '
                        || 'needed; ' ELSE '' END, '; ') AS why
  FROM executions e JOIN v_execution_layer l USING (bench)
 WHERE l.op IN ('conv', 'fc') AND l.nonzero_macs < l.dense_macs AND l.attained IS NOT NULL;
