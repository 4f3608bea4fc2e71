width = 760
height = 160 + 20 * (points_rows > 10 ? points_rows : 10)
load style
set title heading
set xlabel 'mean latency of one inference in ms, logarithmic'
set ylabel 'top-1 accuracy in %'
set logscale x
set xtics add (0.02, 0.05, 0.2, 0.5, 2, 5, 20, 50, 200, 500)
set grid y linestyle 9
set rmargin at screen 1 - (7.0 * longest + 74) / width
unset key

# The ranges come from the intervals; the names share the height out evenly.
stats points using "low":"top1_low" name 'from' nooutput
stats points using "high":"top1_high" name 'to' nooutput
left = from_min_x / 1.35
right = to_max_x * 1.5
bottom = from_min_y - 0.06 * (to_max_y - from_min_y) - 0.1
top = to_max_y + 0.06 * (to_max_y - from_min_y) + 0.1
set xrange [left:right]
set yrange [bottom:top]
slot_y(slot) = bottom + (top - bottom) * (slot - 0.5) / points_rows
plot points \
            using "mean_ms":"top1":(right - column("mean_ms")):(slot_y(column("slot")) - column("top1")) \
        with vectors nohead linestyle 4, \
     points using "mean_ms":"top1":"low":"high":"top1_low":"top1_high" \
             with xyerrorbars linestyle 1, \
     points using (right):(slot_y(column("slot"))):"note" \
             with labels left offset 0.5, 0 font ',10' textcolor rgb ink
