-- What reordering output channels does to the layers of pruned networks: balance of threads, and time.
-- name: panels
-- caption: Reordering: products of the busiest thread over the mean of all, with output channels in
--  their order and reordered, layer by layer in the order they run; below, the time of the reordered
--  layer over the other's, of the fastest runs. Layers with zeros only.
-- absent: no pruned network was timed layer by layer on several threads ('condense bench --scheme S --rate R --threads 2 --record')
SELECT model || '-' || panel AS panel,
       'Reordering: ' || model || ' ' || mask || ', ' || panel_title AS heading,
       model || ' ' || mask || ', ' || panel_title || ', n = ' || count(*) || ' layers, together '
         || fixed(sum(l.least_ms) / sum(l.unordered_least_ms), 2) || ' of the time' AS caption
  FROM executions e JOIN v_execution_layer l USING (bench, model, scale, threads, batch)
 WHERE of_network = 1 AND threads > 1 AND op IN ('conv', 'fc') AND nonzero_macs < dense_macs
   AND l.imbalance IS NOT NULL AND l.unordered_imbalance IS NOT NULL
 GROUP BY bench ORDER BY model, panel;

-- name: points
SELECT row_number() OVER (ORDER BY number) AS place, l.unordered_imbalance AS unordered,
       l.imbalance AS ordered, l.least_ms / l.unordered_least_ms AS ratio
  FROM executions e JOIN v_execution_layer l USING (bench)
 WHERE e.of_network = 1 AND e.model || '-' || panel = :panel AND op IN ('conv', 'fc')
   AND nonzero_macs < dense_macs
   AND l.imbalance IS NOT NULL AND l.unordered_imbalance IS NOT NULL ORDER BY place;
