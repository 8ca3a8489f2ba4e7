"""The grammar of looks, charts and names."""

STYLES = """
styled = <edge_rows> | <all_numbers> | <nth_column> | <table_rows> | <cells> | <letter_column> | <row_number> |
    <columns> | <column_values> | <header_row> | <last_row> | <total_row_place> | <label_row> | <table> | <it> |
    <cell_of> | <extreme> | <extreme_row> | <matching> | <rows_where> | <LABEL> | <header_cell>
header_cell = header (of | for) <columns> | <COLUMN> (header | heading)
total_row_place = <total_row_words>
total_row_words = total row | totals row | row of totals
styled_list = [text (in | of) | font (in | of) | fonts of | words in] <styled> (<also> <styled>)*
format = (make | set | turn | format | mark | show | give | style | display | put | have | want | change | render |
    apply to) <styled_list> [format | appear | look] [<as>] <looks> | (make | set | turn | format | mark | show | give
    | style | display | put | change) <looks_only> <styled_list> | <bold_verb> <styled_list> | <italic_verb>
    <styled_list> | <bold_verb> (and | &) <italic_verb> <styled_list> | <highlight> <styled_list> [(in | with | using
    | as) <fill_only>] [too | as well] | <highlight> (in | with) <fill_only> <styled_list> | <paint> <styled_list>
    [in | with | using] <painted> [too] | <paint>
    (background | fill) (of | in | for) <styled_list> [in | with] <painted> | (center | centre) <centred> | align
    <styled_list> [to] <aligned> | <aligned> align <styled_list> | (set | change | make) <aspect> (of | in | for)
    <styled_list> [to | =] <aspect_value> | (set | change | make) <styled_list> <aspect> (to | =) <aspect_value> |
    (make | set | turn | format | mark | show | colour | color | highlight) <conditional> [to | as | in] <looks> (if |
    where | when) [they are | it is | value is | that is | they | value] <compared> | apply <looks_only> [formatting |
    format | style] to <styled_list> | (remove | clear | undo | take off) <unlook> [formatting | format] from
    <styled_list> | (put | place | apply) <looks_only> (on | onto) <styled_list> | add <looks_only> to <styled_list> |
    (set | make | change) <styled_list> (font | text | style) (to | =) <looks> | (make | set | change) <styled_list>
    's <aspect> [to | =] <aspect_value> | use <looks_only> (for | in | on) <styled_list>
looks_only = <looks>
conditional = [<det>] [<nouns> in] (<columns> | <letter_column>) [<nouns>]
centred = <styled_list>
unlook = bold <bold_off> | italic | italics
bold_off =
aspect = (background | background colour | background color | fill | fill colour | fill color | cell colour | cell
    color) <of_fill> | (font colour | font color | text colour | text color) <of_ink> | (font size | text size)
    <of_size> | (number format | format | alignment) <of_other>
of_fill =
of_ink =
of_size =
of_other =
aspect_value = <fill_only> | <NUMBER> | <look>
as = to have | to | as | in | into | with | to be | in format | using | be | to show | to display
bold_verb = bold | embolden | boldface
italic_verb = italicise | italicize | italic
highlight = highlight | hilite | emphasise | emphasize
paint = colour | color | shade | fill | paint | tint
painted = <fill_only> | <COLOUR> text
fill_only = <COLOUR> [background | fill | colour | color]
looks = <look> ([, | and | , and | with | in | on | & | plus] <look>)*
more_format = <styled_list> <looks>
more_looks = <look>
look = <bold> | <italic> | <ink> | <fill> | <plain_colour> | <currency> | <percents> | <decimals> | <thousands> |
    <date> | <size> | <aligned> | <general>
bold = bold [font | text | type | face | formatting | letters | style | print]
italic = italic [font | text | style] | italics | italicised | italicized
ink = <COLOUR> (text | font | letters | ink | font colour | font color | text colour | text color) | (text | font |
    font colour | font color | text colour | text color | letters) [in | colour] <COLOUR>
fill = <COLOUR> (background | fill | background colour | background color | fill colour | fill color | shading |
    highlight | highlighting) | (background | fill | background colour | background color | highlighted [in] | shaded
    [in] | filled [with | in] | fill colour | fill color | shading) <COLOUR> | highlighted
plain_colour = <COLOUR>
currency = (<dollars> | <euros> | <pounds> | <money>) [format | formatting | style | amounts | values | sign | signs |
    symbol | symbols | number format | currency] | <money> [format] in (<dollars> | <euros> | <pounds>)
dollars = dollars | dollar | usd | $ | us dollars
euros = euros | euro | eur | €
pounds = pounds | gbp | £ | british pounds
money = currency | currencies | money | monetary
percents = (percent | percents | percentage | percentages | per cent | %) [format | formatting | style | values |
    number format]
decimals = <NUMBER> (decimal | decimals | decimal place | decimal places | digits after decimal point | digits after
    point) | <zero> (decimal | decimals | decimal place | decimal places) | rounded to <NUMBER> (decimal | decimals |
    decimal places) | <whole>
zero = no | without | zero
whole = whole number | whole numbers | integer | integers
thousands = thousands separator | thousands separators | thousand separator | thousand separators | comma separator |
    comma separators | comma | commas | comma style | number | numbers | number format
date = date | dates | date format
size = (size | font size | text size) <NUMBER> | <NUMBER> (pt | point | points) [font | text | type]
aligned = <left> | <right> | <middle>
left = left | left aligned | aligned left | aligned to left | left alignment
right = right | right aligned | aligned right | aligned to right | right alignment
middle = center | centre | centered | centred | center aligned | centre aligned | aligned center | in middle | center
    alignment
general = general | plain number | plain numbers

given = <NUMBER> | <PERCENT> | <TEXT> | <FORMULA> | <FREE> | <today>
today = today ['s date] | current date | date of today

chart = (chart | plot | graph | visualise | visualize) <charted> [<chart_as>] <chart_rest>* | <chart_verb> [new]
    [<kind>] (chart | graph | plot | diagram) [(of | for | from | with | showing | using | that shows | comparing |
    based on | out of | to show | on | which shows | plotting | displaying) <charted>] <chart_rest>* | <chart_verb>
    <charted> (as | in | into | on) [<kind>] (chart | graph | plot | diagram) <chart_rest>* | [<kind>] (chart | graph |
    plot) (of | for | showing | with) <charted> <chart_rest>* | turn <charted> into [<kind>] (chart | graph)
    <chart_rest>*
chart_verb = draw | make | create | add | insert | show | build | give | generate | plot | produce | put | display
chart_as = (as | in | with | on | using) [<kind>] [chart | graph | plot]
kind = <column_kind> | <bar_kind> | <line_kind> | <pie_kind> | <scatter_kind> | <area_kind>
column_kind = column
bar_kind = bar
line_kind = line
pie_kind = pie
scatter_kind = scatter
area_kind = area
charted = <cells> | <letter_column> | <column_list> [(by | per | for each | across | for every | over) <by>] | <table>
    | <it> [(by | per) <by>] | <column_values> | how <column_list> (changed | changes | developed | evolved | varies |
    compare) [over | by | across] <by>
column_list = [column | columns] <COLUMN> (<versus> [column] <COLUMN>)* [column | columns] [<nouns>]
versus = , | and | , and | & | vs | versus | against | compared to | as well as
by = [each] [column] <COLUMN> [column]
chart_rest = [,] [and] (with title | titled | called | named | with title of | entitled | with heading | title) <NAME>
    | [,] [and] (title it | call it | name it) <NAME> | [[,] and (place | put | position) it] (at | in | starting at |
    placed at | next to | on) <cells_at> | <this_sheet> | [,] (without | with no) legend <no_legend> | below table |
    with legend
no_legend =
cells_at = [cell] <CELL>

name_range = name <cells> [as] <NAME> | (create | define | add | make) named range [called | named] <NAME> (for | of |
    from | on | over | that covers | covering) <cells> | (give | assign) <cells> name <NAME> | call <cells> <NAME> |
    (define | add | create) name <NAME> for <cells> | name <columns> [as] <NAME> | (create | define | add | make)
    named range [called | named] <NAME> (for | of | from | over) <columns>
"""
