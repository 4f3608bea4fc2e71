width = 860
height = 116 + 19 * points_rows
load style
set title heading
eval(legend_line)
set xlabel 'tuned time over static time; bars: 95 % interval'
set yrange [0.4:points_rows + 0.6]
set offsets graph 0.04, graph 0.04, 0, 0
set lmargin at screen names_width(longest)
set rmargin at screen 1 - 270.0 / width
set arrow 1 from 1, graph 0 to 1, graph 1 nohead linestyle 3
plot points using "same":"place":"low":"high" \
         with xerrorbars linestyle 2 title 'no layer changed: noise', \
     points using "changed":"place":"low":"high" with xerrorbars linestyle 1 title 'layers changed', \
     points using "ratio":"place":yticlabels(strcol("label")) with points pointtype 0 notitle, \
     points using (1):"place":"note" axes x2y1 \
         with labels left offset 1, 0 font ',10' textcolor rgb ink notitle
