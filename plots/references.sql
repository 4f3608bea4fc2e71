-- Our time as a multiple of each reference engine's, one network a row.
-- name: panels
-- caption: Our time beside other engines: our median latency over each one's, rounds interleaved on
--  the same input and the same threads, on a logarithmic axis. Left of the line at 1 ours is the
--  faster. Networks are in the order of their multiply-accumulates.
-- absent: no network was timed beside other engines ('make bench')
SELECT scale || '-' || threads || 't' || CASE WHEN batch = 1 THEN '' ELSE '-b' || batch END AS panel,
       'Beside other engines: ' || scale || ' scale, ' || threads
         || CASE WHEN threads = 1 THEN ' thread' ELSE ' threads' END || ', batch ' || batch
         AS heading,
       scale || ' scale, ' || threads || CASE WHEN threads = 1 THEN ' thread' ELSE ' threads' END
         || ', batch ' || batch || ', n = '
         || CASE WHEN min(samples) = max(samples) THEN min(samples)
                 ELSE min(samples) || ' to ' || max(samples) END || ' rounds a network' AS caption,
       max(length(model)) AS longest
  FROM v_bench WHERE bench IN (SELECT bench FROM v_bench_best WHERE reference IS NOT NULL)
   AND median_ms IS NOT NULL
 GROUP BY scale, threads, batch ORDER BY scale <> 'imagenet', scale, threads, batch;

-- name: points
SELECT row_number() OVER (ORDER BY best.macs DESC, best.model) AS place, best.model AS label,
       max(CASE WHEN engine = 'onednn' THEN b.ratio END) AS onednn,
       max(CASE WHEN engine = 'onnxruntime' THEN b.ratio END) AS onnxruntime,
       max(CASE WHEN engine = 'openvino' THEN b.ratio END) AS openvino,
       max(CASE WHEN engine = 'xnnpack' THEN b.ratio END) AS xnnpack,
       brief(best.median_ms, 3) || ' ms, ' || fixed(100 * best.share_of_peak, 0) || ' % of peak, '
         || fixed(best.ratio, 2) || ' of ' || best.reference AS note
  FROM v_bench_best best JOIN v_bench b USING (bench)
 WHERE best.reference IS NOT NULL
   AND best.scale || '-' || best.threads || 't'
         || CASE WHEN best.batch = 1 THEN '' ELSE '-b' || best.batch END = :panel
 GROUP BY best.bench ORDER BY place;
