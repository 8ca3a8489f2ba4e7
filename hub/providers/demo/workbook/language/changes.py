"""The grammar of orders that change a sheet: columns, values, rows, and the looks of both."""

CHANGES = """
total_row = (add | insert | create | make | append) [new] row [(at | to) (bottom | end) [of (table | data)]] (with |
    for) [column | column 's] (totals | total | sums) [(of | for) <columns>] [(at | to) (bottom | end) [of (table |
    data)] | (below | under) (table | data | it)] | (add | insert | create | make | put | append | include | write |
    give) [table] [new] <func> row [(at | to) (bottom | end) [of (table | data | sheet | it)] | (below | under |
    underneath | beneath) (it | table | data | last row)] [to (table | it)] [with <func_only> [of | for] <columns>] |
    (add | insert | create | append | put | write) [column] (totals | total | sums | averages) (at (bottom | end) [of
    (table | data | sheet | each column | columns | every column)] | (below | under | underneath) (table | data | each
    column | every column | columns | it) | for (each | every | all) [numeric | number] (column | columns) [at bottom
    | below | below it | at bottom of table | below table]) | <putting> (total | sum | totals | sums) of (each | every
    | all) [numeric | number] (column | columns) (below it | below | underneath | at bottom | below them | under it |
    below each column) | (put | write | add | place) (totals | total | sums) in row <NUMBER> | (total | sum | add up)
    <columns> in row <NUMBER> | total (each | every | all) (column | columns) [at bottom | below | underneath | at
    bottom of table]
func_only = sum | sums | total | totals | average | averages
make_total = (total | sum | add up | sum up) <columns> (at bottom | below | underneath | at bottom of table)

new_column = (add | create | insert | make | append | include) [new] [another] [<NAME>] column [<bare_letter>]
    [<named>] [<at_letter>] [to (table | sheet | it | right | right of table)] [at (end | right)] [,] <defined> [for
    <each_row>] [<at_letter>] | (add | create | insert | make | append | include) [new] <NAME> column [<at_letter>]
    ([,] <defined> | (, | :) <row_value>) | (calculate | compute | work out) <NAME> (in | into) (column <LETTER> |
    new column | column
    <LETTER> <for_each>) [as | = | , | :] <row_value> | (in | into) column <LETTER> [,] (calculate | compute | add |
    put | create | write | enter | show) <NAME> [,] (as | = | : | which is | that is) <row_value>
bare_letter = <LETTER>
named = (called | named | titled | labelled | labeled | headed | with header | with heading | with title | with name |
    and call it | and name it | for) <NAME> | [:] <NAME>
at_letter = (in | at | as) (column <LETTER> | <LETTER> | <CELL> | <LETTER> column) | (after | next to | beside | right
    of | to right of) (<columns> | <letter_column> | table | last column)
defined = (that | that is | which is | that shows | showing | that says | saying | with | as | equal to | that equals
    | equals | = | : | containing | that contains | calculated as | computed as | that calculates | that has | for |
    with formula | using | which shows | where each value is | where each row is | being | that will be | with values
    | which equals | as result of | is | that holds | holding | that subtracts | which calculates | and fill it with |
    with each value equal to) <row_value>
each_row = (each | every | all) (row | rows | <COLUMN> | data rows | of them | line) | <COLUMN> | rows
for_each = (for | in) <each_row> | per <COLUMN> | per row
row_if = <chosen> (if | when | where) <conditions> [, | ;] [and] (otherwise | else | if not | or else) [,] [write |
    put] <chosen> | (if | when) <conditions> [,] [then] [write | put] <chosen> [, | ;] [and] (otherwise | else | if not
    | or else) [,] [write | put] <chosen>
chosen = [value | text | word] (<TEXT> | <NUMBER> | <FREE>)
row_running = (running | cumulative) (total | sum) [of | for] [column] <COLUMN> [column] | cumulative <COLUMN>
row_value = <row_if> | <row_running> | <row_minus> | <row_plus> | <row_times> | <row_over> | <row_share> |
    <row_of_total> | <row_growth> | <row_half> | <FORMULA>
row_term = ⟨ <row_value> ⟩ | [column] <COLUMN> [column | value | values] | <letter_only> | <NUMBER>
letter_only = [column] <LETTER> | column <LETTER>
row_half = half [of] <row_term> | <PERCENT> of [each] <row_term> | (double | twice) <twice> <row_term>
row_minus = difference (between | of) <row_term> and <row_term> | <row_term> (minus | less | -) <row_term> | (subtract
    | subtracts | subtracting) <turned> <row_term> from <row_term> | <turned> <row_term> subtracted from <row_term>
row_plus = <row_term> (plus | + | added to) <row_term> | sum of <row_term> and <row_term> | (add | adds | adding |
    total of) <row_term> (and | to) <row_term>
row_times = <row_term> (times | multiplied by | x) (<row_term> | <PERCENT>) | product of <row_term> and <row_term> |
    (multiply | multiplies | multiplying) <row_term> by <row_term>
row_over = <row_term> (divided by | / | over | per) <row_term> | ratio of <row_term> (to | and) <row_term> | (divide |
    divides | dividing) <row_term> by <row_term>
row_share = <row_term> as <percentage> of <row_term> | <percentage> of <turned> <row_term> that is <row_term> |
    <percentage> <row_term> is of <row_term>
row_of_total = [<each_row> 's] (<percentage> | fraction | part) of total <COLUMN> | <COLUMN> as <percentage> of (total
    | total <COLUMN> | <COLUMN> total | sum of <COLUMN> | sum) | [<each_row> 's] (share | percentage | percent |
    proportion) of (total | sum of | overall) <COLUMN> | [<COLUMN> 's] <percentage> of total
row_growth = (percentage change | growth | percent change | change in percent | growth in percent | percentage growth
    | growth rate) (from <row_term> to <row_term> | between <row_term> and <row_term>)
fill_column = (in | into) (column <LETTER> | <AREA> | new column [<named>]) [,] <row_if> | (put | write | enter | show
    | place) <chosen> (in | into) (column <LETTER> | <AREA> | new column [<named>]) (if | when | where) <conditions> [,
    | ;] [and] (otherwise | else | if not | or else) [,] [write | put] <chosen> | <row_value> (in | into) column
    <LETTER> | (put | write | calculate | compute | show | enter | fill in | add | place | set) <row_value>
    [<for_each>] (in | into | to) (column <LETTER> | <LETTER> | <AREA> | new column | new column <named> | column
    <LETTER> <named> | column called <NAME>) [<for_each>] | fill (column <LETTER> | <AREA>) with <row_value>
    [<for_each>] | (in | into) (column <LETTER> | <AREA> | new column [<named>]) [,] (put | write | calculate |
    compute | show | enter | fill in | add | place | do) <row_value> [<for_each>] | <row_value> [<for_each>] and (put
    | write | place | show) (it | result | results | that) (in | into) (column <LETTER> | <AREA> | new column | new
    column <named>) | (calculate | compute) <row_value> <for_each> (in | into) (column <LETTER> | <AREA> | new column
    | new column <named>) | (set | make) column <LETTER> (to | as | equal to | equal) <row_value> | make column
    <LETTER> <row_value>

write = (put | write | enter | type | place | insert | set | store | save | add | use | fill in | apply) [value |
    values | text | number | numbers | word | words | formula | heading | header | title | label] [of] <given> (,
    <given> | and <given> | , and <given>)* (in | into | to | at) <target> | fill <target> with [value | formula |
    text | number | word] <given> | (in | into) <target> [,] (write | put | type | enter | place) [value | text |
    number | word | formula | heading] <given> | (write | put | enter | type) [numbers] <series> (in | into) <target>
    | fill <target> with [numbers] <series> | put (in | into) <target> <given> | write (in | into) <target> <given>
series = <NUMBER> (to | through | -) <NUMBER>
target = <cells> | <cell_of>
value_in = <given> (in | into | to | at) <cells>
set = (set | change | update | replace | make | correct | edit | modify | overwrite | fix) [value of | contents of |
    content of | value in | formula in | formula of] (<target>) [from <was>] (to | with | = | to be | as | by | equal
    | equal to) [value | text | number | formula] <given> | <cells> = <given> | (set | change | update) <LABEL> 's
    <COLUMN> (to | =) <given> | (set | change | make | update) <all_of> (to | =) <given> | (set | change | update)
    <target> 's value to <given> | <target> should (be | say | become) <given>
all_of = <column_values> | (all | every | each) <columns>
more_set = <target> to <given>
was = <given>
rename_cell = (rename | relabel) <cells> (to | as) <new_text>
rename_column = (rename | change name of | change header of | change heading of | change title of) [column] (<columns>
    | <letter_column>) [header | heading | column] (to | as | into) <new_text> | (change | set | rename) <header_cell>
    (to | as) <new_text> | (rename | change | set | update) (header | heading | title) [of] <COLUMN> (to | as | into)
    <new_text>
new_text = <NAME>
replace = (change <change_one> | replace) [<det>] <old> in (<columns> | <letter_column>) (to | with | by | into) <new>
    | (replace | change <change_one>) [all | every | each] [occurrences of | instances of | occurrence of | instance
    of] <old> (with | by | to | for) <new> [(in | within | throughout) (<columns> | <letter_column> | <cells> | table
    | sheet | whole sheet | this sheet)] [everywhere] | find [all] <old> and replace [it | them] (with | by) <new> [in
    (<columns> | <letter_column> | <cells> | table | sheet)]
change_one =
old = <TEXT> | <NUMBER> | <LABEL> | <FREE>
new = <TEXT> | <NUMBER> | <FREE>

source = [values | contents | cells | value | data | formula | everything] [from | of | in] (<cells> | <letter_column>
    | <columns> | <header_row> | <row_number> | <column_values> | <table>)
copy = (copy | duplicate | paste) <source> (to | into | in | onto | at) ([starting at | cell] (<cells> |
    <letter_column> | <row_number>) [as values] | <sheet>)
move = move <source> (to | into | in | at) [starting at] (<cells> | <letter_column>)
fill_down = (copy | fill | drag | extend | autofill | apply) (it | that | formula | this | this formula | that formula
    | that cell | <cells> | formula in <cells> | formula from <cells>) [formula] (down | downward | downwards) [(to |
    through | until | till | up to | as far as) (<CELL> | row <NUMBER> | last row | end | bottom | bottom of table |
    end of table | end of data)] [for all rows | for every row] | (copy | fill | drag | extend) down (it | that |
    formula | <cells> | formula in <cells>) [(to | through | until) (<CELL> | row <NUMBER>)] | (copy | fill | apply)
    (it | formula) (to | for) (all rows | every row | other rows | rest of column | whole column | rest of rows) |
    fill down [(to | through | until) (<CELL> | row <NUMBER>)] | (fill | copy) (it | formula) (to | through | until)
    <CELL>
insert = (insert | add | create | put) [<how_many>] [new] [empty | blank] (row | rows) <row_side> [<this_sheet>] |
    (insert | add | create | put) [<how_many>] [new] [empty | blank] (column | columns) <column_side>
how_many = one | <NUMBER> | single
row_side = (above | before | on top of) <row_at> | (below | after | under | underneath) <after_it> <row_at> | at top
    [of (sheet | table)] | at row <NUMBER> | between row <NUMBER> and [row] <NUMBER> | between rows <NUMBER> and
    <NUMBER> | between <LABEL> and <LABEL>
after_it =
row_at = row <NUMBER> | <header_row> | <last_row> | <label_row> | <LABEL> | first row
column_side = (before | left of | to left of | in front of) <column_at> | (after | right of | to right of | behind)
    <after_it> <column_at> | between (<columns> | <letter_column>) | between <column_at> and <column_at> | at column
    <LETTER> | at (start | beginning | left)
column_at = [column] <COLUMN> [column] | column <LETTER> | <LETTER>
add_row = (add | insert | append | create | enter) [new] (row | record | entry | line) [(at | to) (bottom | end) [of
    (table | data | sheet | it)] | to (table | data | sheet) | (below | under) (table | data | last row)] [:] [,] [for
    | with | containing | called | named | that says | where <COLUMN> is] <row_label> <row_rest> | (add | append |
    insert | enter) <row_label> (<row_rest> [(at | to) (bottom | end) [of table] | to (table | data | list) | as new
    row | as new entry]) | (add | insert | append) [new] (row | record | entry | line) [at (bottom | end) [of table]]
    (with | where) <pair> (<pair_join> <pair>)*
row_label = [<COLUMN>] <given>
row_rest = ([,] (with | where | having | and | : | ,) | ,) (<pair> (<pair_join> <pair>)* | [values] <NUMBER>
    (<pair_join> <NUMBER>)*) | [,] <pair> (<pair_join> <pair>)*
pair_join = , | and | , and
pair = <COLUMN> [of | is | = | : | as] <given> | <NUMBER> [in | as | of | for] <COLUMN>

clear = (clear | empty | erase | blank out | wipe | clear out) [out] [contents of | values of | values in | contents
    in | values from] <clearable> (<also> <clearable>)* [,] | (delete | remove | erase | clear | wipe) (contents |
    values | content | value | data | numbers | text | everything) (of | in | from) <clearable> (<also> <clearable>)*
    | (clear | erase | empty | wipe | delete | remove) <matching_rows> | (clear | remove | delete | reset) [all]
    (formatting | formats | format | styles) (of | from | in | on) <styled_list>
clearable = <edge_rows> | <cells> | <letter_column> | <row_number> | <column_values> | <columns> | <cell_of> |
    <label_row> | <last_row>
matching_rows = <matching>
sort = (sort | order | arrange) [table | data | rows | it] <direction> by [column] <sort_key> | (sort | order |
    arrange) [table | data | rows | it] so [that] (<max> <down> | <min>) <sort_key> (comes first | is first | is on
    top | comes on top | is at top) | (put | arrange | order | sort) [table | rows | data] in <direction> by [column]
    <sort_key> | (sort | order) [table | data | rows | it] by [column] <sort_key> [column] ⟨ [in] <direction> ⟩ |
    (sort | order | arrange | rank | reorder) [table | data | rows | sheet | everything | it | list | whole table |
    entire table | <cells> | this table | all rows | <columns_sorted>] [rows] [alphabetically <alphabetic>] (by | on |
    based on | according to) [column] <sort_key> [column | values] [<direction>] | (sort | order | arrange)
    <columns_sorted> <direction> | (put | bring) <columns_sorted> [back] <direction> | (sort | order | arrange) [table
    | data | rows] from (highest | largest | biggest) to (lowest | smallest) <down> <sort_key> | (sort | order |
    arrange) [table | data | rows] from (lowest | smallest) to (highest | largest | biggest) <sort_key>
columns_sorted = <columns> | <letter_column>
down =
sort_key = <COLUMN> | <LETTER> | <letter_column>
direction = [, | in] [from] (<ascending> | <descending>) [order]
ascending = alphabetical <alphabetic> | ascending | asc | ascendingly | smallest first | lowest first | low to high |
    smallest to largest | lowest to highest | a to z <alphabetic> | alphabetically <alphabetic> | increasing | from a
    to z <alphabetic> | in alphabetical <alphabetic> | earliest first | small to large | smallest on top
alphabetic =
descending = descending | desc | descendingly | largest first | biggest first | highest first | high to low | largest
    to smallest | highest to lowest | z to a | decreasing | from z to a | reverse | large to small | biggest on top |
    highest on top | latest first | highest at top | largest at top | with highest first | with largest first | with
    highest on top | with biggest first
yes_no = (is | are | was | were) <scalar> <compared> | (is | are | was | were) <scalar> <than> <scalar> [<labels>]
than = (more | greater | higher | larger | bigger) than <more> | (less | lower | smaller) than
more =
scale = (make | set) <scaled> (<PERCENT> | <NUMBER>) (higher | larger | bigger | more) | (make | set) <scaled>
    (<PERCENT> | <NUMBER>) <less> | bump <scaled> up by (<PERCENT> | <NUMBER>) | cut <of_all> <scaled> in half | give
    <scaled> <PERCENT> (increase | raise | boost | <lower>) | (<raise> | <lower>) <scaled> by (<PERCENT> | <NUMBER>) |
    multiply <factor> <scaled> by <NUMBER> | divide <divisor> <scaled> by <NUMBER> | (double <twice> | halve) <of_all>
    <scaled> | add (<NUMBER> | <PERCENT>) to <scaled> | subtract <taken_off> (<NUMBER> | <PERCENT>) from <scaled> |
    (<raise> | <lower>) <scaled> by <NUMBER> (percent | per cent) <percent_word>
factor =
less = lower | smaller | less
divisor =
twice =
of_all =
taken_off =
percent_word =
raise = increase | raise | up | bump up | grow | boost
lower = decrease | reduce | lower | cut | discount | reduction
scaled = <edge_rows> | <sheet_numbers> | <all_numbers> | [<det>] [<nouns> in] (<columns> | <letter_column> | <cells> |
    <cell_of> | <column_values>)
"""
