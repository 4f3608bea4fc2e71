width = 860
height = 142 + 19 * names_rows
load style
set style fill solid border rgb 'white'
set xrange [0:100]
set yrange [0.4:names_rows + 0.6]
set xtics 20
unset key

# The kinds by number, and a legend of them in one line.
array op[8]
set table $names
plot kinds using (op[int(column("kind"))] = strcol("op"), 0):(0) with points
unset table
left = names_width(longest)
slot = 0.98 / kinds_rows
legend = 1 - 44.0 / height
do for [k = 1:kinds_rows] {
    x = 0.01 + (k - 1) * slot
    set object 2 * k rectangle from screen x, screen legend - 6.0 / height \
            to screen x + 16.0 / width, screen legend + 6.0 / height \
            fillstyle solid noborder fillcolor rgb part_colour[k]
    if (part_pattern[k]) { set object 2 * k + 1 rectangle \
            from screen x, screen legend - 6.0 / height \
            to screen x + 16.0 / width, screen legend + 6.0 / height \
            fillstyle transparent pattern part_pattern[k] noborder fillcolor rgb '#666666' }
    set label 10 + k op[k] at screen x + 20.0 / width, screen legend font ',11' textcolor rgb ink
}
set label 1 heading at screen 0.5, screen 1 - 18.0 / height center font ',13' textcolor rgb ink

# Two stacks side by side: without and with fusion.
at(f, k) = column("fusion") == f && column("kind") == k ? column("middle") : NaN
edge(side) = column("place") + 0.38 * side
gap = 24.0 / width
each = (1 - left - gap - 16.0 / width) / 2
set multiplot
set bmargin at screen 56.0 / height
set tmargin at screen 1 - 82.0 / height
set xlabel 'share of the time in %'
do for [f = 0:1] {
    set lmargin at screen left + f * (each + gap)
    set rmargin at screen left + f * (each + gap) + each
    set title (f ? 'with fusion' : 'without fusion') offset 0, -0.7 font ',12'
    if (f) { unset ytics }
    plot for [k = 1:kinds_rows] parts \
             using (at(f, k)):"place":"lower":"upper":(edge(-1)):(edge(1)) \
             with boxxyerror linecolor rgb part_colour[k] notitle, \
         for [k = 1:kinds_rows] parts \
             using (part_pattern[k] ? at(f, k) : NaN):"place":"lower":"upper":(edge(-1)):(edge(1)) \
             with boxxyerror linecolor rgb '#666666' \
             fillstyle transparent pattern part_pattern[k] noborder notitle, \
         names using (-1):"place":yticlabels(strcol("label")) with points pointtype 0 notitle
    unset object
    unset label
}
unset multiplot
