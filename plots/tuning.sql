-- The tuned plan's time as a share of the static one's, one network a row.
-- name: panels
-- caption: What tuning is worth: the time of the plan that 'condense tune' chose over that of the
--  static plan, whole runs of both in turn, with its 95 % interval. Left of the line at 1 the tuned
--  plan is the faster. Networks are in the order of the static plan's time.
-- absent: no network was tuned ('condense tune --model all --record')
SELECT scale || '-' || threads || 't' || CASE WHEN batch = 1 THEN '' ELSE '-b' || batch END
         || CASE WHEN isas = 1 THEN '' ELSE '-' || isa END AS panel,
       'Tuned against static: ' || scale || ' scale, ' || threads
         || CASE WHEN threads = 1 THEN ' thread' ELSE ' threads' END || ', batch ' || batch || ', '
         || isa AS heading,
       scale || ' scale, ' || threads || CASE WHEN threads = 1 THEN ' thread' ELSE ' threads' END
         || ', batch ' || batch || ', ' || isa || ', n = '
         || CASE WHEN min(samples) = max(samples) THEN min(samples)
                 ELSE min(samples) || ' to ' || max(samples) END || ' runs of each plan' AS caption,
       max(length(model)) AS longest
  FROM v_tuning JOIN (SELECT scale, threads, batch, count(DISTINCT isa) AS isas
                        FROM v_tuning GROUP BY scale, threads, batch) USING (scale, threads, batch)
 GROUP BY scale, threads, batch, isa ORDER BY scale <> 'imagenet', scale, threads, batch, isa;

-- name: points
SELECT row_number() OVER (ORDER BY static_ms DESC, model) AS place, model AS label,
       CASE WHEN layers_changed THEN ratio END AS changed,
       CASE WHEN layers_changed THEN NULL ELSE ratio END AS same,
       ratio, coalesce(ratio_low, ratio) AS low, coalesce(ratio_high, ratio) AS high,
       brief(static_ms, 3) || ' to ' || brief(tuned_ms, 3) || ' ms, ' || layers_changed || ' of '
         || layers || ' layers changed' || CASE WHEN kept THEN '' ELSE ', not kept' END AS note
  FROM v_tuning JOIN (SELECT scale, threads, batch, count(DISTINCT isa) AS isas
                        FROM v_tuning GROUP BY scale, threads, batch) USING (scale, threads, batch)
 WHERE scale || '-' || threads || 't' || CASE WHEN batch = 1 THEN '' ELSE '-b' || batch END
         || CASE WHEN isas = 1 THEN '' ELSE '-' || isa END = :panel
 ORDER BY place;
