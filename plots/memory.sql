-- Memory of an inference: what the plan asks for beside the measured peak.
-- name: panels
-- caption: Memory of one inference: planned (packed weights, activations, scratch) and measured
--  peak, on a logarithmic axis.
-- absent: no cell has a memory plan
SELECT panel, 'Memory: ' || title AS heading, longest,
       title || '; one peak a network' AS caption
  FROM panels WHERE panel IN (SELECT panel FROM measured JOIN v_size USING (cell))
 ORDER BY rank, title;

-- name: peaks
SELECT row_number() OVER (ORDER BY place) AS place, label,
       planned_memory_bytes / 1048576.0 AS planned,
       peak_memory_bytes / 1048576.0 AS peak,
       fixed(planned_memory_bytes / 1048576.0, 1) || ' planned, '
         || coalesce(fixed(peak_memory_bytes / 1048576.0, 1) || ' measured', 'not measured') AS note
  FROM measured JOIN v_size USING (cell) WHERE panel = :panel ORDER BY place;
