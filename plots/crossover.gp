width = 760
height = 440
load style
array line_colour[10] = [ink, blue, '#56b4e9', '#009e73', vermilion, '#cc79a7', '#e69f00', \
    '#7f7f7f', '#8b5a2b', '#b2df8a']
array point_type[10] = [7, 5, 4, 8, 9, 3, 11, 6, 12, 1]
array name[10]
array look[10]
set table $names
plot series using (name[int(column(0)) + 1] = strcol("name"), \
                   look[int(column(0)) + 1] = column("look"), 0):(0) with points
unset table
set title heading
set logscale xy
set xtics (1, 2, 5, 10, 20, 50, 100)
set ytics (0.5, 1, 2, 5, 10, 20, 50, 100)
set grid xtics ytics linestyle 9
set autoscale xfix
set yrange [(lowest < 0.9 ? lowest : 0.9):(highest > 1.1 ? highest : 1.1)]
set offsets graph 0.03, graph 0.03, 0, 0
set xlabel 'weights left in %, logarithmic'
set ylabel 'times as fast as dense, logarithmic'
set lmargin at screen 64.0 / width
set rmargin at screen 1 - 200.0 / width
set key at screen 1 - 4.0 / width, screen 1 - 60.0 / height right top reverse Left
set arrow 1 from graph 0, first 1 to graph 1, first 1 nohead linestyle 3
of(i, what) = strcol("scheme") eq name[i] ? column(what) : NaN
plot for [i = 1:series_rows] points using "density":(of(i, "theory")) \
         with lines linecolor rgb line_colour[look[i]] linewidth 0.9 dashtype 3 notitle, \
     for [i = 1:series_rows] points using "density":(of(i, "speedup")):"low":"high" \
         with yerrorlines linecolor rgb line_colour[look[i]] linewidth 1.2 \
         pointtype point_type[look[i]] pointsize 0.7 title name[i]
