width = 760
height = 360
load style
array line_colour[9] = [blue, vermilion, ink, '#009e73', '#cc79a7', '#e69f00', '#56b4e9', '#7f7f7f', \
    '#8b5a2b']
array point_type[9] = [7, 6, 5, 4, 8, 9, 3, 11, 12]
array name[9]
set table $names
plot series using (name[int(column(0)) + 1] = strcol("name"), 0):(0) with points
unset table
set title heading
eval(legend_line)
set grid y linestyle 9
set lmargin at screen 64.0 / width
set rmargin at screen 1 - 20.0 / width
set xlabel 'layer with zeros, in the order they run'
set ylabel 'input vectors loaded a multiply-add'
set xrange [0:layers + 1]
set yrange [0:*]
set offsets 0, 0, graph 0.06, 0
plot for [i = 1:series_rows] points \
         using "place":(strcol("mask") eq name[i] ? column("loads") : NaN) \
         with linespoints linecolor rgb line_colour[i] linewidth 1.2 pointtype point_type[i] \
         pointsize 0.7 title name[i]
