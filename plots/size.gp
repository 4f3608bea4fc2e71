width = 760
height = 116 + 19 * sizes_rows
load style
set title heading
eval(legend_line)
set xlabel 'weights in MB (10^6 bytes), logarithmic'
set logscale x
set yrange [0.4:sizes_rows + 0.6]
set offsets graph 0.04, graph 0.04, 0, 0
set lmargin at screen names_width(longest)
set rmargin at screen 1 - 206.0 / width
plot sizes using "dense":"place":yticlabels(strcol("label")) \
        with points linestyle 2 pointsize 1.1 title 'dense float32', \
     sizes using "stored":"place" with points linestyle 1 pointsize 0.6 title 'as stored', \
     sizes using (1):"place":"note" axes x2y1 with labels left offset 1, 0 font ',10' \
             textcolor rgb ink notitle
