-- Share of each kind of operator in a network's time, layer by layer, without and with fusion.
-- The seven kinds that take the most over the whole database have a colour each; the rest is one.
-- name: panels
-- caption: Where the time goes: share of each kind of operator in one inference, timed layer by
--  layer, without fusion (left) and with batch normalization, activation and addition fused into
--  the convolutions (right).
-- absent: no layer was timed
SELECT panel, 'Time by kind of operator: ' || title AS heading, longest,
       title || '; medians of profiled runs, ' || n || ' in the latency above' AS caption
  FROM panels
 WHERE panel IN (SELECT panel FROM measured JOIN v_operator_share USING (cell))
 ORDER BY rank, title;

-- name: kinds
SELECT kind, CASE WHEN count(*) = 1 THEN op ELSE 'other' END AS op
  FROM operator_kind GROUP BY kind ORDER BY kind;

-- name: parts
WITH summed AS (
  SELECT place, fusion, kind, sum(share) AS share
    FROM measured JOIN v_operator_share USING (cell) JOIN operator_kind USING (op)
   WHERE panel = :panel GROUP BY place, fusion, kind),
stacked AS (
  SELECT *, sum(share) OVER (PARTITION BY place, fusion ORDER BY kind) AS upper FROM summed)
SELECT place, fusion, kind, 100 * (upper - share) AS lower, 100 * upper AS upper,
       50 * (2 * upper - share) AS middle
  FROM stacked ORDER BY fusion, kind, place;

-- name: names
SELECT place, label FROM measured WHERE panel = :panel ORDER BY place;
