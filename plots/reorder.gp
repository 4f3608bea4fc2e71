width = 760
height = 500
load style
set grid y linestyle 9
set lmargin at screen 84.0 / width
set rmargin at screen 1 - 20.0 / width
set xrange [0:points_rows + 1]
set multiplot
set title heading
set bmargin at screen 1 - 270.0 / height
set tmargin at screen 1 - 36.0 / height
set key top right horizontal reverse Left
set format x ''
set ylabel 'busiest thread / mean'
set yrange [0.95:*]
set offsets 0, 0, graph 0.2, 0
plot points using "place":"unordered" with linespoints linestyle 2 title 'channels in their order', \
     points using "place":"ordered" with linespoints linestyle 1 title 'reordered'
unset title
unset key
set tmargin at screen 1 - 290.0 / height
set bmargin at screen 46.0 / height
set format x '%g'
set xlabel 'layer with zeros, in the order they run'
set ylabel 'reordered / unordered time'
set yrange [*<0.9:1.1<*]
set offsets 0, 0, 0, 0
set arrow 1 from graph 0, first 1 to graph 1, first 1 nohead linestyle 3
plot points using "place":"ratio" with points linestyle 1 pointsize 0.7 notitle
unset multiplot
