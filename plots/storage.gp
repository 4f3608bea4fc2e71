width = 760
height = 560
load style
array scheme_name[10] = ['unstructured', 'filter', 'channel', 'column', 'connectivity', 'pattern', \
    'pattern+connectivity', 'block8', 'pattern8', 'block8x4']
array key_name[10] = ['unstructured', 'filter', 'channel', 'column', 'connectivity', 'pattern', \
    'pattern + connectivity', 'blocks of eight', 'patterns shared by eight', 'blocks of eight by four']
array line_colour[10] = [ink, blue, '#56b4e9', '#009e73', vermilion, '#cc79a7', '#e69f00', \
    '#7f7f7f', '#8b5a2b', '#b2df8a']
array point_type[10] = [7, 5, 4, 8, 9, 3, 11, 6, 12, 1]

# Two pictures, one above the other, over the same axis.
set logscale x
set xtics (1, 2, 5, 10, 20, 50, 100)
set xrange [0.9:112]
set grid y linestyle 9
set lmargin at screen 64.0 / width
set rmargin at screen 1 - 210.0 / width
draw(what) = 'plot for [i = 1:10] points using ' . \
    '"density":(strcol("scheme") eq scheme_name[i] ? column("' . what . '") : NaN) ' . \
    'with linespoints linecolor rgb line_colour[i] linewidth 1.2 pointtype point_type[i] ' . \
    'pointsize 0.7 title key_name[i]'
set multiplot
set title heading
set tmargin at screen 1 - 36.0 / height
set bmargin at screen 1 - 300.0 / height
set format x ''
set ylabel 'compact bytes over CSR bytes'
set yrange [0:1.05]
set key at screen 1 - 4.0 / width, screen 1 - 60.0 / height right top reverse Left
set arrow 1 from graph 0, first 1 to graph 1, first 1 nohead linestyle 3
eval(draw('share'))
unset title
unset arrow 1
unset key
set tmargin at screen 1 - 320.0 / height
set bmargin at screen 46.0 / height
set format x '%g'
set xlabel 'weights left in %, logarithmic'
set ylabel 'index bits for each weight left'
set yrange [0:*]
eval(draw('bits'))
unset multiplot
