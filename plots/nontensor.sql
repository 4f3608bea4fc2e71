-- DeepRebirth's non-tensor share: the part of the time not spent in convolution or fully connected
-- layers, without and with fusion.
-- name: panels
-- caption: Share of the time outside convolution and fully connected layers (DeepRebirth's
--  non-tensor share), layer by layer without fusion and with it.
-- absent: no layer was timed
SELECT panel, 'Non-tensor share of the time: ' || title AS heading, longest,
       title || '; medians of profiled runs' AS caption
  FROM panels
 WHERE panel IN (SELECT panel FROM measured JOIN v_nontensor USING (cell))
 ORDER BY rank, title;

-- name: shares
SELECT row_number() OVER (ORDER BY place) AS place, label,
       100 * apart.share AS apart, 100 * fused.share AS fused,
       coalesce(fixed(100 * apart.share, 1) || ' %', '–') || '  →  '
         || coalesce(fixed(100 * fused.share, 1) || ' %', '–') AS note
  FROM measured
  LEFT JOIN v_nontensor apart ON apart.cell = measured.cell AND apart.fusion = 0
  LEFT JOIN v_nontensor fused ON fused.cell = measured.cell AND fused.fusion = 1
 WHERE panel = :panel AND coalesce(apart.share, fused.share) IS NOT NULL ORDER BY place;
