width = 860
height = 116 + 19 * points_rows
load style
set title heading
eval(legend_line)
set xlabel 'our time over its time, logarithmic; below 1 ours is faster'
set logscale x
set xtics (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 1, 1.2, 1.5, 2, 3, 5, 10, 20, 50, 100)
set autoscale xfix
set yrange [0.4:points_rows + 0.6]
set offsets graph 0.04, graph 0.04, 0, 0
set lmargin at screen names_width(longest)
set rmargin at screen 1 - 270.0 / width
set arrow 1 from 1, graph 0 to 1, graph 1 nohead linestyle 3
set key samplen 1
plot points using (1):"place" with lines linestyle 9 notitle, \
     points using "onednn":"place":yticlabels(strcol("label")) \
         with points linestyle 1 pointsize 0.8 title 'oneDNN', \
     points using "onnxruntime":"place" with points linestyle 2 pointsize 0.9 title 'ONNX Runtime', \
     points using "openvino":"place" with points linestyle 3 pointsize 0.8 title 'OpenVINO', \
     points using "xnnpack":"place" with points pointtype 8 pointsize 0.9 \
         linecolor rgb '#009e73' linewidth 1.4 title 'XNNPACK', \
     points using (1):"place":"note" axes x2y1 \
         with labels left offset 1, 0 font ',10' textcolor rgb ink notitle
