-- Dense engines, our dense engine and our engine on the pruned network, one network a row, in the manner
-- of CADNN's figure 2.
-- name: panels
-- caption: Pruned networks beside dense engines, after CADNN's [3] figure 2: how many times as fast as
--  the fastest other dense engine each one is (median latencies of the same rounds), on a logarithmic
--  axis. Left of the line at 1 are the slower ones. Networks are in the order of their dense time.
-- absent: no pruned network was timed beside other engines ('condense bench --scheme S --rate R --against all --record')
SELECT panel, 'Pruned beside dense engines: ' || panel_title AS heading,
       panel_title || ', n = ' || CASE WHEN min(samples) = max(samples) THEN min(samples)
         ELSE min(samples) || ' to ' || max(samples) END || ' rounds a network' AS caption,
       max(length(model || ' ' || mask)) AS longest
  FROM executions WHERE of_scheme = 1 AND reference IS NOT NULL
 GROUP BY panel ORDER BY scale <> 'imagenet', panel;

-- name: points
SELECT row_number() OVER (ORDER BY e.dense_ms DESC, e.model, e.scheme) AS place,
       e.model || ' ' || e.mask AS label,
       max(CASE engine WHEN 'onednn' THEN e.reference_ms / o.median_ms END) AS onednn,
       max(CASE engine WHEN 'onnxruntime' THEN e.reference_ms / o.median_ms END) AS onnxruntime,
       max(CASE engine WHEN 'openvino' THEN e.reference_ms / o.median_ms END) AS openvino,
       max(CASE engine WHEN 'xnnpack' THEN e.reference_ms / o.median_ms END) AS xnnpack,
       e.reference_ms / e.dense_ms AS dense, e.reference_ms / e.median_ms AS pruned,
       brief(e.reference_ms, 3) || ' ms ' || e.reference || ', ' || brief(e.dense_ms, 3) || ' dense, '
         || brief(e.median_ms, 3) || ' pruned' AS note
  FROM executions e JOIN v_execution_engine o USING (bench)
 WHERE e.of_scheme = 1 AND e.reference IS NOT NULL AND e.panel = :panel
 GROUP BY bench ORDER BY place;
