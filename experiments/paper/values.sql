-- The values that paper.md.in names: one row, one column each. The header "missing" is what the
-- paper says where the database has no answer; without it, a missing value is an error.

-- name: networks
SELECT count(DISTINCT model) FROM v_cell;

-- name: cells
SELECT count(*) FROM v_cell;

-- name: verdicts
SELECT group_concat(number || ' ' || verdict, ', ')
  FROM (SELECT verdict, count(*) AS number FROM v_cell GROUP BY verdict
         ORDER BY verdict <> 'valid', verdict);

-- name: settings
-- missing: none
SELECT group_concat(title || ' (' || cells || CASE cells WHEN 1 THEN ' cell)' ELSE ' cells)' END,
                    '; ')
  FROM (SELECT title, cells FROM panels ORDER BY rank, title);

-- name: processors
SELECT group_concat(value, '; ')
  FROM (SELECT DISTINCT coalesce(value, 'a processor without a name (' || reason || ')') AS value
          FROM v_environment WHERE key = 'cpu.model' ORDER BY 1);

-- name: virtual
-- missing: not known
SELECT group_concat(value, '; ')
  FROM (SELECT DISTINCT value FROM v_environment
         WHERE key = 'machine.virtual' AND value IS NOT NULL ORDER BY 1);

-- name: builds
-- missing: unknown
SELECT group_concat(value, '; ')
  FROM (SELECT DISTINCT substr(c.value, 1, 12) || CASE d.value WHEN 'yes' THEN ' with changes' ELSE '' END AS value
          FROM v_environment c
          LEFT JOIN v_environment d ON d.cell = c.cell AND d.key = 'build.dirty'
         WHERE c.key = 'build.commit' AND c.value IS NOT NULL ORDER BY 1);

-- name: inferences
SELECT coalesce(sum(samples), 0) FROM v_latency;

-- name: fewest-samples
-- missing: none
SELECT min(samples) FROM v_latency JOIN measured USING (cell);

-- name: widest-interval
-- missing: unknown
SELECT fixed(100 * max(ci95_rel), 1) || ' %' FROM v_latency JOIN measured USING (cell)
 WHERE verdict = 'valid';

-- name: outliers
SELECT coalesce(sum(outliers), 0) FROM v_latency;

-- name: slowed
SELECT coalesce(sum(slowed_samples), 0) FROM v_latency;

-- name: latency-ranges
-- missing: no cell has a measured latency
WITH ranked AS (
  SELECT panel, panel_title, label, mean_ms,
         row_number() OVER (PARTITION BY panel ORDER BY mean_ms, label) AS up,
         row_number() OVER (PARTITION BY panel ORDER BY mean_ms DESC, label) AS down
    FROM measured JOIN v_latency USING (cell)),
ends AS (
  SELECT rank, p.title, low.label AS low, low.mean_ms AS low_ms, high.label AS high,
         high.mean_ms AS high_ms
    FROM panels p JOIN ranked low ON low.panel = p.panel AND low.up = 1
    JOIN ranked high ON high.panel = p.panel AND high.down = 1 ORDER BY rank, p.title)
SELECT group_concat(title || ': ' || brief(low_ms, 3) || ' ms (' || low || ')'
         || CASE WHEN low = high THEN ''
                 ELSE ' to ' || brief(high_ms, 3) || ' ms (' || high || ')' END, '; ')
  FROM ends;

-- name: accuracy-ranges
-- missing: no cell has a measured accuracy
WITH scored AS (
  SELECT DISTINCT scale, model, top1, images FROM v_cell JOIN v_accuracy USING (cell)
   WHERE top1 IS NOT NULL),
ranked AS (
  SELECT *, row_number() OVER (PARTITION BY scale ORDER BY top1, model) AS up,
         row_number() OVER (PARTITION BY scale ORDER BY top1 DESC, model) AS down
    FROM (SELECT scale, model, max(top1) AS top1, max(images) AS images FROM scored
           GROUP BY scale, model)),
ends AS (
  SELECT low.scale, low.model AS low, low.top1 AS low_top1, high.model AS high,
         high.top1 AS high_top1, high.images
    FROM ranked low JOIN ranked high ON high.scale = low.scale AND low.up = 1 AND high.down = 1
   ORDER BY low.scale <> 'imagenet', low.scale)
SELECT group_concat(scale || ' scale: ' || fixed(100 * low_top1, 1) || ' % (' || low || ')'
         || CASE WHEN low = high THEN ''
                 ELSE ' to ' || fixed(100 * high_top1, 1) || ' % (' || high || ')' END
         || ' on ' || images || ' images', '; ')
  FROM ends;

-- name: nontensor-ranges
-- missing: no layer was timed
WITH ends AS (
  SELECT scale, n.fusion, fixed(100 * min(share), 1) AS low, fixed(100 * max(share), 1) AS high
    FROM measured JOIN v_nontensor n USING (cell) GROUP BY scale, n.fusion),
ranges AS (
  SELECT scale, group_concat(CASE WHEN low = high THEN low ELSE low || ' to ' || high END
           || CASE fusion WHEN 0 THEN ' % without fusion' ELSE ' % with it' END, ', ') AS text
    FROM (SELECT * FROM ends ORDER BY scale, fusion) GROUP BY scale)
SELECT group_concat(scale || ' scale: ' || text, '; ')
  FROM (SELECT * FROM ranges ORDER BY scale <> 'imagenet', scale);

-- name: random-weights
-- missing: none
SELECT group_concat(scale || ' scale: ' || models, '; ')
  FROM (SELECT scale, group_concat(model, ', ') AS models
          FROM (SELECT DISTINCT scale, model FROM v_cell WHERE weights = 'random'
                 ORDER BY scale, model)
         GROUP BY scale ORDER BY scale <> 'imagenet', scale);

-- name: datasets
-- missing: none
SELECT group_concat(dataset || ' (' || images || ' images)', ', ')
  FROM (SELECT dataset, max(images) AS images FROM v_cell JOIN v_accuracy USING (cell)
         WHERE images IS NOT NULL GROUP BY dataset ORDER BY dataset);

-- name: energy
-- missing: No cell has an energy record.
SELECT CASE WHEN sum(millijoule_per_inference IS NOT NULL) > 0
            THEN sum(millijoule_per_inference IS NOT NULL) || ' of ' || count(*)
                   || ' cells have a measured energy.'
            ELSE 'No cell has a measured energy: ' || group_concat(DISTINCT reason) || '.' END
  FROM v_energy HAVING count(*) > 0;

-- name: claims
SELECT count(*) FROM v_claim;

-- name: claims-measured
SELECT count(*) FROM v_claim WHERE measured IS NOT NULL;

-- name: benched
-- missing: In this database none was timed.
SELECT count(DISTINCT model) || ' networks were timed beside '
         || (SELECT group_concat(name, ', ')
               FROM (SELECT DISTINCT engine || ' ' || version AS name FROM v_bench
                      WHERE position AND median_ms IS NOT NULL ORDER BY name)) || '.'
  FROM v_bench_best WHERE reference IS NOT NULL HAVING count(*) > 0;

-- name: compressed
-- missing: In this database no network was compressed.
SELECT count(*) || ' compressions of ' || count(DISTINCT model) || ' networks by '
         || count(DISTINCT scheme) || CASE count(DISTINCT scheme) WHEN 1 THEN ' scheme' ELSE ' schemes' END
         || ' are on record, at rates from ' || brief(min(rate), 3) || ' to ' || brief(max(rate), 3)
         || '; they took ' || fixed(sum(seconds) / 3600, 1) || ' hours.'
  FROM compressions HAVING count(*) > 0;

-- name: pairs-won
-- missing: No network was compressed by both ADMM and magnitude.
SELECT 'ADMM is at least as accurate as magnitude in ' || sum(gain >= 0) || ' of ' || count(*)
         || ' pairs (' || fixed(100.0 * sum(gain >= 0) / count(*), 0) || ' %).'
  FROM pairs HAVING count(*) > 0;

-- name: compression-rules
-- missing: No layer took another scheme than asked for.
SELECT 'Layers that took another scheme: ' || group_concat(scheme || ' - ' || rule || ' (' || layers
         || CASE layers WHEN 1 THEN ' layer)' ELSE ' layers)' END, '; ') || '.'
  FROM (SELECT c.scheme, l.rule, count(DISTINCT c.scale || c.model || l.layer) AS layers
          FROM compressions c JOIN compression_layer l USING (compression)
         WHERE l.rule IS NOT NULL GROUP BY c.scheme, l.rule ORDER BY c.scheme, l.rule)
HAVING count(*) > 0;

-- name: executed
-- missing: In this database no pruned network was timed.
SELECT count(DISTINCT model) || CASE count(DISTINCT model) WHEN 1 THEN ' network was' ELSE ' networks were' END
         || ' timed with ' || count(DISTINCT scheme)
         || CASE count(DISTINCT scheme) WHEN 1 THEN ' scheme' ELSE ' schemes' END || ' at rates from '
         || brief(min(rate), 3) || ' to ' || brief(max(rate), 3) || ', ' || count(*) || ' runs in all.'
  FROM executions HAVING count(*) > 0;

-- name: execution-ranges
-- missing: no pruned network was timed
SELECT group_concat(text, '; ')
  FROM (SELECT panel_title || ': ' || CASE WHEN min(speedup) = max(speedup) THEN fixed(min(speedup), 1)
                 ELSE fixed(min(speedup), 1) || ' to ' || fixed(max(speedup), 1) END
                 || ' times as fast as our dense kernels' AS text
          FROM executions WHERE of_network = 1 GROUP BY panel, panel_title
         ORDER BY scale <> 'imagenet', panel);

-- name: integers-timed
-- missing: In this database none was timed.
SELECT count(DISTINCT model) || CASE count(DISTINCT model) WHEN 1 THEN ' network was' ELSE ' networks were' END
         || ' timed on integers beside '
         || coalesce((SELECT group_concat(name, ', ')
                        FROM (SELECT DISTINCT engine || ' ' || version AS name FROM v_int8_engine
                               WHERE engine GLOB '*-int8' AND median_ms IS NOT NULL ORDER BY name)),
                     'no other engine') || '.'
  FROM v_int8 HAVING count(*) > 0;
