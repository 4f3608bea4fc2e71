-- Energy of one inference above idle, where a sensor was found.
-- name: panels
-- caption: Energy of one inference with the idle power deducted, on a logarithmic axis.
SELECT panel, 'Energy: ' || title AS heading, longest,
       title || ', ' || n AS caption
  FROM panels
 WHERE panel IN (SELECT panel FROM measured JOIN v_energy USING (cell)
                  WHERE millijoule_per_inference IS NOT NULL)
 ORDER BY rank, title;

-- name: absent
SELECT coalesce(group_concat(DISTINCT reason), 'no cell has an energy record') FROM v_energy;

-- name: points
SELECT row_number() OVER (ORDER BY place) AS place, label,
       millijoule_per_inference AS energy,
       brief(millijoule_per_inference, 3) || ' mJ' || coalesce(' (' || source || ')', '')
         || coalesce(', ' || distinct_readings || ' readings', '') AS note
  FROM measured JOIN v_energy USING (cell)
 WHERE panel = :panel AND millijoule_per_inference IS NOT NULL ORDER BY place;
