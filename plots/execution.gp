width = 900
height = 140 + 21 * points_rows
load style
set title heading
set title offset 0, 2.6
set tmargin at screen 1 - 88.0 / height
set xlabel 'times as fast as the fastest other dense engine, logarithmic'
set logscale x
set xtics (0.1, 0.2, 0.5, 1, 2, 3, 5, 10, 20, 50)
set autoscale xfix
set yrange [0.4:points_rows + 0.6]
set offsets graph 0.04, graph 0.04, 0, 0
set lmargin at screen names_width(longest)
set rmargin at screen 1 - 290.0 / width
set arrow 1 from 1, graph 0 to 1, graph 1 nohead linestyle 3
set key at screen 0.5, screen 1 - 58.0 / height center center horizontal reverse Left \
    maxrows 2 width -1 samplen 1 font ',11'
plot points using (1):"place" with lines linestyle 9 notitle, \
     points using "onednn":"place":yticlabels(strcol("label")) \
         with points linestyle 3 pointsize 0.8 title 'oneDNN', \
     points using "onnxruntime":"place" with points linestyle 2 pointsize 0.9 title 'ONNX Runtime', \
     points using "openvino":"place" with points pointtype 4 pointsize 0.8 \
         linecolor rgb '#cc79a7' linewidth 1.4 title 'OpenVINO', \
     points using "xnnpack":"place" with points pointtype 8 pointsize 0.9 \
         linecolor rgb '#009e73' linewidth 1.4 title 'XNNPACK', \
     points using "dense":"place" with points linestyle 1 pointtype 6 pointsize 0.9 \
         title 'ours, dense', \
     points using "pruned":"place" with points linestyle 1 pointsize 0.9 title 'ours, pruned', \
     points using (1):"place":"note" axes x2y1 \
         with labels left offset 1, 0 font ',10' textcolor rgb ink notitle
