-- How much faster pruned networks run than dense ones, by the share of weights that is left.
-- name: panels
-- caption: Where sparsity pays: how many times as fast as our own dense kernels the whole network runs,
--  by the share of the weights of convolutions and fully connected layers that is left, for each scheme.
--  Bars: 95 % interval of the paired ratio. Dashed: what theory allows, the dense kernels' products over
--  the fewest needed. Above the line at 1 pruning pays. Both axes are logarithmic.
-- absent: no network was timed at three rates of one scheme or more ('condense bench --scheme S --rate 2,4,8 --record')
SELECT model || '-' || panel AS panel,
       'Pruned over dense: ' || model || ', ' || panel_title AS heading,
       model || ', ' || panel_title || ', n = ' || count(*) || ' runs of at least ' || min(samples)
         || ' rounds' AS caption,
       0.9 * min(coalesce(speedup_low, speedup)) AS lowest,
       1.1 * max(max(coalesce(speedup_high, speedup)), max(coalesce(theory, 1))) AS highest
  FROM executions LEFT JOIN attained USING (bench)
 WHERE EXISTS (SELECT 1 FROM executions o
                WHERE o.model = executions.model AND o.panel = executions.panel
                GROUP BY o.scheme HAVING count(*) >= 3)
 GROUP BY model, panel ORDER BY model, panel;

-- name: series
WITH schemes(scheme, look) AS (
  VALUES ('unstructured', 1), ('filter', 2), ('channel', 3), ('column', 4), ('connectivity', 5),
         ('pattern', 6), ('pattern+connectivity', 7), ('block8', 8), ('pattern8', 9),
         ('block8x4', 10))
SELECT scheme AS name, look FROM schemes
 WHERE scheme IN (SELECT scheme FROM executions WHERE model || '-' || panel = :panel) ORDER BY look;

-- name: points
SELECT scheme, 100 * density AS density, speedup, coalesce(speedup_low, speedup) AS low,
       coalesce(speedup_high, speedup) AS high, theory
  FROM executions LEFT JOIN attained USING (bench)
 WHERE model || '-' || panel = :panel ORDER BY scheme, density;
