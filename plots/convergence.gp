width = 760
height = 520
load style
set grid y linestyle 9
set lmargin at screen 78.0 / width
set rmargin at screen 1 - 210.0 / width
set key at screen 1 - 196.0 / width, graph 1 left top Left reverse samplen 3 font ',11'
set xrange [0.5:iterations + retraining_rows + 0.5]
set arrow 1 from iterations + 0.5, graph 0 to iterations + 0.5, graph 1 nohead linestyle 4
set multiplot
set tmargin at screen 1 - 40.0 / height
set bmargin at screen 0.58
set title heading
set ylabel '|W - Z| / |W|, logarithmic'
set logscale y
set format x ''
plot residuals using "number":"largest" with linespoints linestyle 2 title 'largest of the layers', \
     residuals using "number":"middle" with linespoints linestyle 1 title 'median layer'
unset logscale y
unset title
set format x
set tmargin at screen 0.52
set bmargin at screen 52.0 / height
set ylabel 'top-1 accuracy in %'
set xlabel 'iterations of ADMM, then epochs of retraining'
plot accuracies using "number":"free" with linespoints linestyle 2 title 'as they are', \
     accuracies using "number":"projected" with linespoints linestyle 1 title 'projected', \
     retraining using "number":"masked" with linespoints linestyle 3 dashtype 2 title 'retraining'
unset multiplot
