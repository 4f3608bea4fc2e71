-- Input vectors loaded for each multiply-add, layer by layer of pruned networks.
-- name: panels
-- caption: Loads: input vectors loaded for each fused multiply-add of the layers with zeros, in the order
--  they run. One load serves as many output channels as share a mask: 1/8 where eight do, 1 where
--  each stands alone.
-- absent: no pruned network was timed layer by layer ('condense bench --scheme S --rate R --record')
SELECT model || '-' || panel AS panel,
       'Loads a multiply-add: ' || model || ', ' || panel_title AS heading,
       model || ', ' || panel_title || ', n = ' || count(DISTINCT l.number) || ' layers' AS caption,
       count(DISTINCT l.number) AS layers
  FROM executions e JOIN v_execution_layer l USING (bench, model, scale, threads, batch)
 WHERE of_scheme = 1 AND op IN ('conv', 'fc') AND nonzero_macs < dense_macs AND l.loads IS NOT NULL
   AND threads = (SELECT min(threads) FROM executions o WHERE o.model = e.model AND o.scale = e.scale)
 GROUP BY model, panel ORDER BY model, panel;

-- name: series
SELECT mask AS name FROM executions e
 WHERE of_scheme = 1 AND model || '-' || panel = :panel
   AND EXISTS (SELECT 1 FROM v_execution_layer l WHERE l.bench = e.bench AND l.loads IS NOT NULL)
 ORDER BY scheme;

-- name: points
SELECT mask, dense_rank() OVER (ORDER BY number) AS place, l.loads AS loads
  FROM executions e JOIN v_execution_layer l USING (bench)
 WHERE of_scheme = 1 AND e.model || '-' || panel = :panel AND op IN ('conv', 'fc')
   AND nonzero_macs < dense_macs AND l.loads IS NOT NULL
 ORDER BY mask, place;
