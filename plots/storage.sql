-- A network's weights in a compact container against compressed sparse rows, by density and scheme.
-- name: panels
-- caption: Storage of pruned float32 weights: bytes of the compact container over those of compressed
--  sparse rows with 32-bit indices, by the share of weights that is left; below the line at 1 the
--  container is the smaller. Under it the bits of indices for each weight. The largest magnitudes stay and nothing is
--  trained; where a scheme does not fit a layer its substitute is applied.
-- absent: no network's storage was measured ('condense storage --record')
SELECT model || '-' || scale AS panel,
       'Compact container against compressed sparse rows: ' || model || ', ' || scale || ' scale'
         AS heading,
       model || ', ' || scale || ' scale, weights ' || label || ', n = ' || count(*)
         || ' prunings; the worst layer of all needs ' || fixed(100 * max(worst), 0)
         || ' % of compressed sparse rows' AS caption
  FROM v_storage GROUP BY model, scale ORDER BY scale <> 'imagenet', scale, model;

-- name: points
SELECT 100 * density AS density, share, 8.0 * index_bytes / nonzero AS bits, scheme
  FROM v_storage WHERE model || '-' || scale = :panel ORDER BY scheme, density;
