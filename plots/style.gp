# The style that all figures share. A figure's script sets width and height (points), then loads
# this. Colours are Okabe and Ito's, which the colour-blind can tell apart; wherever colour carries
# meaning, point type, dash or fill pattern carries it too, so that a print in grey can be read.
#
# Given by the program: format (svg or png), output, the panel's columns as variables, and for each
# statement of the figure's query its table (a path) and TABLE_rows.
set encoding utf8
if (format eq 'svg') {
    set terminal svg size width,height noenhanced background '#ffffff' \
        font 'DejaVu Sans,Verdana,Helvetica,sans-serif,12'
} else {
    set terminal pngcairo size 2*width,2*height noenhanced background '#ffffff' \
        fontscale 1.5 linewidth 2 pointscale 2 font 'DejaVu Sans,12'
}
set output output

# The tables: tab separated, columns by name, strings taken as they are.
set datafile separator "\t"
set datafile columnheaders
set datafile commentschars ''
set datafile missing 'NaN'

ink = '#333333'
faint = '#d9d9d9'
blue = '#0072b2'
vermilion = '#d55e00'

# Points: 1 the main series, filled; 2 its counterpart, open; 3 a third. 4 leads from point to name.
set style line 1 linecolor rgb blue pointtype 7 pointsize 0.5 linewidth 1.4
set style line 2 linecolor rgb vermilion pointtype 6 pointsize 0.8 linewidth 1.4
set style line 3 linecolor rgb ink pointtype 2 pointsize 0.7 linewidth 1.2
set style line 4 linecolor rgb '#999999' linewidth 0.7 dashtype 3
set style line 9 linecolor rgb faint linewidth 0.8

# Parts of a stack, 1 to 8: neighbours differ in lightness or hatching.
array part_colour[8] = [blue, '#f5c242', '#66c2a0', '#f0b8d8', \
    vermilion, '#9fd3f2', '#cc79a7', '#d9d9d9']
array part_pattern[8] = [0, 6, 0, 7, 4, 1, 0, 2]

set border 3 linecolor rgb ink linewidth 0.8
set tics nomirror out textcolor rgb ink scale 0.5
set grid x linestyle 9
set key textcolor rgb ink samplen 2
set errorbars 1.2
set title font ',13' textcolor rgb ink
set xlabel textcolor rgb ink
set ylabel textcolor rgb ink

# In a list of networks, one a row from the bottom, names take this share of the width; what is
# written at the right of a row stands on the second x axis.
names_width(longest) = longest < 50 ? (7.0 * longest + 24) / width : 374.0 / width
set x2range [0:1]

# A legend in one line between title and plot: eval(legend_line). Leave it 20 points of height.
legend_line = "set title offset 0, 1.4; set tmargin at screen 1 - 66.0 / height; " . \
    "set key at graph 0.5, screen 1 - 43.0 / height center center horizontal reverse Left " . \
    "maxrows 1 width -1 font ',11'"
