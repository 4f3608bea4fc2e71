width = 760
height = 116 + 19 * peaks_rows
load style
set title heading
eval(legend_line)
set xlabel 'memory in MiB, logarithmic'
set logscale x
set yrange [0.4:peaks_rows + 0.6]
set offsets graph 0.04, graph 0.04, 0, 0
set lmargin at screen names_width(longest)
set rmargin at screen 1 - 196.0 / width
plot peaks using "planned":"place":yticlabels(strcol("label")) \
        with points linestyle 2 pointsize 0.9 title 'planned', \
     peaks using "peak":"place" with points linestyle 1 pointsize 0.7 title 'measured peak', \
     peaks using (1):"place":"note" axes x2y1 with labels left offset 1, 0 font ',10' \
             textcolor rgb ink notitle
