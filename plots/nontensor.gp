width = 760
height = 116 + 19 * shares_rows
load style
set title heading
eval(legend_line)
set xlabel 'time outside convolution and fully connected layers in % of all'
set xrange [0:*]
set yrange [0.4:shares_rows + 0.6]
set lmargin at screen names_width(longest)
set rmargin at screen 1 - 150.0 / width
plot shares using "fused":"place":(column("apart") - column("fused")):(0) \
        with vectors nohead linestyle 4 linewidth 1.2 notitle, \
     shares using "apart":"place":yticlabels(strcol("label")) \
             with points linestyle 2 pointsize 0.9 title 'without fusion', \
     shares using "fused":"place" with points linestyle 1 pointsize 0.8 title 'with fusion', \
     shares using (1):"place":"note" axes x2y1 with labels left offset 1, 0 font ',10' \
             textcolor rgb ink notitle
