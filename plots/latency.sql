-- Latency of one inference, mean with its 95 % interval and median, one network a row.
-- name: panels
-- caption: Latency of one inference: mean with its 95 % confidence interval, and median, on a
--  logarithmic axis. A mean far above the median tells of interruptions. Networks are in the order
--  of their multiply-accumulates.
-- absent: no cell has a measured latency
SELECT panel, title, title || ', ' || n AS caption, 'Latency: ' || title AS heading, longest
  FROM panels ORDER BY rank, title;

-- name: points
SELECT place, label, mean_ms, median_ms, coalesce(ci95_low_ms, mean_ms) AS low,
       coalesce(ci95_high_ms, mean_ms) AS high,
       brief(mean_ms, 3) || ' ms'
         || coalesce(' ±' || fixed(100 * ci95_rel, 1) || ' %', '') || ', n = ' || samples AS note
  FROM measured JOIN v_latency USING (cell)
 WHERE panel = :panel ORDER BY place;
