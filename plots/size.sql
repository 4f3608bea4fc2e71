-- What a network takes on disk: as dense float32 and as stored, with parameters and work beside.
-- name: panels
-- caption: Size of the weights: as dense float32 and as stored, on a logarithmic axis; at the right
--  the parameters and the multiply-accumulates of one inference.
-- absent: no cell has a size
SELECT scale AS panel, 'Size of the weights: ' || scale || ' scale' AS heading,
       scale || ' scale, counted, one value a network' AS caption, max(length(label)) AS longest
  FROM sized GROUP BY scale ORDER BY scale <> 'imagenet', scale;

-- name: sizes
SELECT row_number() OVER (ORDER BY macs DESC, label) AS place, label,
       dense_bytes / 1e6 AS dense, stored_bytes / 1e6 AS stored,
       brief(parameters / 1e6, 3) || ' M parameters, '
         || CASE WHEN macs < 1e9 THEN brief(macs / 1e6, 3) || ' M'
                 ELSE brief(macs / 1e9, 3) || ' G' END || ' MAC' AS note
  FROM sized WHERE scale = :panel;
