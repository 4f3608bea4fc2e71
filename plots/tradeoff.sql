-- What pruning costs: accuracy over the rate, one picture a network.
-- name: panels
-- caption: Top-1 accuracy of pruned networks over the rate: weights of convolutions and fully
--  connected layers before over after. Solid: ADMM, dashed: magnitude, points alone: random units.
--  All retrain for as many epochs; ADMM trains before that, too, not always as long (the table tells its
--  steps). The accuracy's axis is logarithmic in the error. Bars: least and most over
--  the seeds.
-- absent: no network was pruned at three rates or more ('condense compress --rate 2,4,8')
SELECT panel, 'Accuracy over rate: ' || model || ', ' || scale || ' scale' AS heading,
       100 * (1 - avg(top1_dense)) AS dense, fixed(100 * avg(top1_dense), 1) AS dense_text,
       model || ', ' || scale || ' scale, n = ' || max(test_images) || ' images of '
         || group_concat(DISTINCT dataset)
         || CASE WHEN max(seeds) = 1 THEN ', one seed'
                WHEN min(seeds) = max(seeds) THEN ', ' || max(seeds) || ' seeds'
                 ELSE ', ' || min(seeds) || ' to ' || max(seeds) || ' seeds' END AS caption
  FROM curves
  JOIN (SELECT *, images AS test_images,
               count(*) OVER (PARTITION BY model, scale, scheme, method, rate_asked) AS seeds
          FROM compressions WHERE levels = 'none') USING (model, scale, recipe)
 GROUP BY panel ORDER BY model, scale;

-- name: series
WITH schemes(scheme, look) AS (
  VALUES ('unstructured', 1), ('block8', 2), ('pattern+connectivity', 3), ('filter', 4),
         ('pattern8', 5), ('connectivity', 6), ('column', 7), ('channel', 8), ('pattern', 9),
         ('block8x4', 10)),
methods(method, kind) AS (VALUES ('admm', 1), ('magnitude', 2), ('random', 3))
SELECT row_number() OVER (ORDER BY look, kind) AS series, look, kind,
       scheme || ', ' || CASE method WHEN 'admm' THEN 'ADMM' ELSE method END AS name
  FROM schemes JOIN methods JOIN curves
 WHERE panel = :panel
   AND EXISTS (SELECT * FROM compressions c
                WHERE c.model = curves.model AND c.scale = curves.scale AND c.levels = 'none'
                  AND c.scheme = schemes.scheme AND c.method = methods.method)
 ORDER BY series;

-- name: points
SELECT scheme || ', ' || CASE method WHEN 'admm' THEN 'ADMM' ELSE method END AS name,
       avg(rate) AS rate, max(0.01, 100 * (1 - avg(top1))) AS error,
       max(0.01, 100 * (1 - max(top1))) AS low, max(0.01, 100 * (1 - min(top1))) AS high
  FROM compressions JOIN curves USING (model, scale, recipe)
 WHERE panel = :panel AND levels = 'none'
 GROUP BY scheme, method, rate_asked ORDER BY name, rate;
