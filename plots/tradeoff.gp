width = 860
height = 480
load style
set title heading
set xlabel 'rate: weights before over after, logarithmic'
set ylabel 'top-1 accuracy in %'
set grid y linestyle 9
set rmargin at screen 1 - 256.0 / width
set key at screen 1 - 240.0 / width, graph 1 left top Left reverse samplen 3 font ',11'

# Schemes by number: colour, filled and open point. Methods by dash and filling.
array scheme_colour[10] = [blue, vermilion, '#009e73', '#cc79a7', '#e69f00', '#56b4e9', ink, \
    '#999999', '#8c510a', '#b2df8a']
array filled[10] = [7, 5, 9, 11, 13, 15, 3, 2, 1, 7]
array open[10] = [6, 4, 8, 10, 12, 14, 3, 2, 1, 6]

array name[series_rows]
array look[series_rows]
array kind[series_rows]
set table $series
plot series using (i = int(column("series")), name[i] = strcol("name"), look[i] = int(column("look")), \
                   kind[i] = int(column("kind"))):(0) with points
unset table
stats points using "rate":"error" name 'at' nooutput
set logscale xy

# The axis counts errors from the top, in steps that are labelled as accuracies.
set xrange [at_min_x / 1.15:at_max_x * 1.15]
set yrange [(at_max_y > dense ? at_max_y : dense) * 1.15:(at_min_y < dense ? at_min_y : dense) / 1.15]
set xtics (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)
set ytics ('99.9' 0.1, '99.8' 0.2, '99.7' 0.3, '99.5' 0.5, '99.4' 0.6, '99.3' 0.7, '99.2' 0.8, '99.1' 0.9, '99' 1, '98.8' 1.2, '98.5' 1.5, '98' 2, '97' 3, \
    '96' 4, '95' 5, '94' 6, '93' 7, '92' 8, '91' 9, '90' 10, '89' 11, '88' 12, '87' 13, '85' 15, \
    '80' 20, '70' 30, '60' 40, '40' 60, '10' 90)
of(i, value) = strcol("name") eq name[i] ? value : NaN
symbol(i) = kind[i] == 1 ? filled[look[i]] : open[look[i]]
plot dense with lines linecolor rgb ink linewidth 1.2 dashtype 3 title 'dense, ' . dense_text . ' %', \
     for [i = 1:series_rows] points \
         using (kind[i] < 3 ? of(i, column("rate")) : NaN):"error":"low":"high" \
         with yerrorlines linecolor rgb scheme_colour[look[i]] linewidth 1.6 \
         dashtype kind[i] pointtype symbol(i) pointsize 0.9 \
         title (kind[i] < 3 ? name[i] : ''), \
     for [i = 1:series_rows] points \
         using (kind[i] == 3 ? of(i, column("rate")) : NaN):"error" \
         with points linecolor rgb scheme_colour[look[i]] linewidth 1.6 \
         pointtype symbol(i) pointsize 1.3 title (kind[i] == 3 ? name[i] : '')
