-- Top-1 accuracy against latency. The names stand in a column at the right, in the order of the
-- accuracy and evenly spaced, so that they never overlap; a dotted line leads to the point.
-- name: panels
-- caption: Top-1 accuracy against latency. Bars: 95 % intervals, of the mean latency and of the
--  accuracy (Wilson, from the number of images). Networks with random weights have no accuracy and
--  are left out.
-- absent: no cell has a measured accuracy
WITH shown AS (
  SELECT panel, images, length(label) AS length, dataset FROM measured JOIN v_accuracy USING (cell)
   WHERE top1 IS NOT NULL)
SELECT p.panel, 'Accuracy against latency: ' || title AS heading, max(s.length) AS longest,
       title || ', ' || n || ', n = '
         || CASE WHEN min(images) = max(images) THEN min(images)
                 ELSE min(images) || ' to ' || max(images) END
         || ' images of ' || group_concat(DISTINCT dataset) AS caption
  FROM panels p JOIN shown s USING (panel) GROUP BY p.panel ORDER BY rank, title;

-- name: points
WITH interval AS (
  SELECT label, mean_ms, coalesce(ci95_low_ms, mean_ms) AS low,
         coalesce(ci95_high_ms, mean_ms) AS high, 100 * top1 AS top1, images,
         100 * (top1 + 1.9207 / images) / (1 + 3.8415 / images) AS centre,
         196 * sqrt(top1 * (1 - top1) / images + 0.9604 / (1.0 * images * images))
           / (1 + 3.8415 / images) AS half
    FROM measured JOIN v_accuracy USING (cell) JOIN v_latency USING (cell)
   WHERE panel = :panel AND top1 IS NOT NULL)
SELECT label, mean_ms, low, high, top1, centre - half AS top1_low, centre + half AS top1_high,
       row_number() OVER (ORDER BY top1, mean_ms DESC) AS slot,
       label || '  ' || fixed(top1, 1) || ' %' AS note
  FROM interval ORDER BY slot;
