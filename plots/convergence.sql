-- How ADMM comes to its constraint: distances and accuracies over its iterations.
-- name: panels
-- caption: Convergence of ADMM, one network at the highest of its rates: above, the distance of the
--  weights from their projection, the largest and the median over the layers; below, the accuracy
--  of the weights as they are and projected, then in masked retraining, on the first test pictures,
--  which decide nothing. Steps in the distance are where rho grows.
-- absent: no network was pruned at three rates or more by ADMM ('condense compress --rate 2,4,8')
SELECT panel,
       'Convergence: ' || model || ', ' || scale || ' scale, ' || scheme || ' at '
         || brief(rate, 3) || 'x' AS heading,
       (SELECT max(number) FROM v_compression_step s
         WHERE s.compression = converged.compression AND phase = 'admm') AS iterations,
       model || ', ' || scale || ' scale, ' || scheme || ' at ' || brief(rate, 3) || 'x, seed '
         || seed || ', ' || (SELECT count(*) FROM compression_layer l
                              WHERE l.compression = converged.compression)
         || ' layers, n = ' || (SELECT max(images) FROM v_compression_step s
                                 WHERE s.compression = converged.compression)
         || ' pictures; rho from '
         || (SELECT brief(min(rho), 3) || ' to ' || brief(max(rho), 3) FROM v_compression_step s
              WHERE s.compression = converged.compression) AS caption
  FROM converged ORDER BY model, scale;

-- name: residuals
WITH ranked AS (
  SELECT number, residual, row_number() OVER (PARTITION BY number ORDER BY residual) AS rank,
         count(*) OVER (PARTITION BY number) AS layers
    FROM compression_residual JOIN converged USING (compression) WHERE panel = :panel)
SELECT number, max(residual) AS largest,
       avg(CASE WHEN rank IN ((layers + 1) / 2, (layers + 2) / 2) THEN residual END) AS middle
  FROM ranked GROUP BY number ORDER BY number;

-- name: accuracies
SELECT number, 100 * top1_before AS free, 100 * top1_after AS projected
  FROM v_compression_step JOIN converged USING (compression)
 WHERE panel = :panel AND phase = 'admm' ORDER BY number;

-- name: retraining
SELECT number + (SELECT max(number) FROM v_compression_step s
                  WHERE s.compression = converged.compression AND phase = 'admm') AS number,
       100 * top1_after AS masked
  FROM v_compression_step JOIN converged USING (compression)
 WHERE panel = :panel AND phase = 'retrain' ORDER BY number;
