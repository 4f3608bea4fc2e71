width = 760
height = 96 + 19 * points_rows
load style
set title heading
set xlabel 'energy of one inference in mJ, idle power deducted, logarithmic'
set logscale x
set yrange [0.4:points_rows + 0.6]
set offsets graph 0.04, graph 0.04, 0, 0
set lmargin at screen names_width(longest)
set rmargin at screen 1 - 220.0 / width
unset key
plot points using "energy":"place":yticlabels(strcol("label")) \
        with points linestyle 1 pointsize 0.8, \
     points using (1):"place":"note" axes x2y1 with labels left offset 1, 0 font ',10' \
             textcolor rgb ink
