width = 760
height = 116 + 19 * points_rows
load style
set title heading
eval(legend_line)
set key width 1
set xlabel 'latency of one inference in ms, logarithmic; bars: 95 % interval of the mean'
set logscale x
set yrange [0.4:points_rows + 0.6]
set offsets graph 0.04, graph 0.04, 0, 0
set lmargin at screen names_width(longest)
set rmargin at screen 1 - 190.0 / width
plot points using "median_ms":"place" with points linestyle 2 pointsize 0.9 title 'median', \
     points using "mean_ms":"place":"low":"high":yticlabels(strcol("label")) \
         with xerrorbars linestyle 1 title 'mean', \
     points using (1):"place":"note" axes x2y1 \
         with labels left offset 1, 0 font ',10' textcolor rgb ink notitle
