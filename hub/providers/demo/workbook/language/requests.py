"""The grammar's upper half: sentences, and the orders that they are made of."""

REQUESTS = """
sentence = [<lead>] <order> (<join> <order>)* [<tail>]
lead = (on | in | for | using | from | open) <sheet> [, | :] | <nowrite> [, | but | . | ;] | go to <sheet> (and | , |
    . | ;)
tail = <nowrite_tail> | if possible | [,] ok
nowrite = do not (change | write | edit | modify | touch) (anything | sheet | workbook | cells | table | it)
nowrite_tail = [, | . | ; | but | and] (without (changing | writing | editing | modifying) (anything | sheet | it |
    cells | workbook) | do not (change | write | edit | modify | touch) (anything | sheet | it | cells | workbook |
    table))
join = , | ; | . | and | , and | then | , then | and then | , and then | . then | ; then | after that | , after that |
    . after that | and after that | afterwards | . finally | , finally | and finally | finally | , and finally | . and
    | ; and | : | as well as
order = <question> | <put_result> | <place_result> | <total_row> | <new_column> | <fill_column> | <format> | <write> |
    <value_in> | <set> | <more_set> | <yes_no> | <rename_column> | <replace> | <copy> | <move> | <fill_down> |
    <insert> | <add_row> | <clear> | <sort> | <scale> | <chart> | <name_range> | <show> | <which> | <list> |
    <more_looks> | <make_total>

ask = what is | what are | what was | what were | what | tell | tell what is | tell what was | show | give | find |
    find out | calculate | compute | work out | get | determine | how much is | how much are | how much was | do you
    know | say | tell how much is | let me know | figure out | what does | is | return | report
question = [<ask>] <value> [is | was | come to | equal | add up to] [in total | altogether | overall] [<into>] |
    [<ask>] <value> [in total | altogether | overall] | what (do | does) <operand> (add up to | sum to | total | sum
    up to | come to | amount to) [in total | altogether] | how much <columns> (did we make | do we have | was there |
    is there | did we have | are there | was made | did we get) <labels> | how much <columns> [did we make | do we
    have | was there | is there | did we have | are there | was made | did we get | have we had] [in total |
    altogether | overall | all together] | add <operand_only>
operand_only = <AREA>
value = <share_of_label> | <aggregate> | <count_of> | <count_where> | <arithmetic> | <growth> | <cell_of>
scalar = <aggregate> | <cells> | <cell_of> | <NUMBER> | <column_total> | <count_of>
column_total = [column] <COLUMN> [column]
arithmetic = (<minus> | <plus> | <times> | <over> | <share>) [<labels>]
minus = difference (between | of) <scalar> and <scalar> | [difference] <scalar> (minus | less | -) <scalar> | subtract
    <turned> <scalar> from <scalar> | how much (more | higher | bigger | larger | greater) (is | was) <scalar> than
    <scalar> | subtracting <turned> <scalar> from <scalar>
plus = <scalar> (plus | +) <scalar> | sum of <scalar> and <scalar>
times = <scalar> (times | multiplied by | x) <scalar> | multiply <scalar> by <scalar> | product of <scalar> and
    <scalar>
over = <scalar> (divided by | / | over) <scalar> | divide <scalar> by <scalar> | ratio of <scalar> to <scalar> | ratio
    between <scalar> and <scalar>
share = <percentage> of <turned> <scalar> is <scalar> | <percentage> is <scalar> of <scalar> | <scalar> [is] as
    <percentage> of <scalar> | <percentage> (does | is) <scalar> make up of <scalar> | <percentage> of <turned>
    <scalar> (does | do) <scalar> (make up | represent | account for)
turned =
share_of_label = <percentage> of [total | overall | all] <columns> (came in | came from | is from | comes from | was
    from | was in | is in | was made in | was earned in | fell in | falls in | is | was) <LABEL> | <percentage> of
    [total | overall | all] <columns> (does | did) <LABEL> (make up | account for | have | contribute | represent)
percentage = percentage | percent | per cent | % | share | proportion | what percentage | what percent | what share |
    what proportion
growth = (by what percent | by what percentage | by how much percent | by how much | how much | how many percent) did
    <COLUMN> (<rise> | <fall>) from <LABEL> to <LABEL> | (growth | increase | change | percentage change | percent
    change | percentage increase | growth rate | percentage growth) (in | of) <COLUMN> (from <LABEL> to <LABEL> |
    between <LABEL> and <LABEL>) | <COLUMN> (growth | increase | change) (from <LABEL> to <LABEL> | between <LABEL>
    and <LABEL>) | (by how much | how much | by what percent | by what percentage) did <COLUMN> change (from <LABEL>
    to <LABEL> | between <LABEL> and <LABEL>)
rise = grow | rise | increase | go up | climb
fall = fall | drop | decrease | go down | decline | shrink

putting = put | write | place | enter | insert | store | save | calculate | compute | show | add | get | output |
    display | have | work out | set | make
into = (in | into | to | at | inside) <cells> | <under> | <beside> | and (put | write | place) (it | result | that |
    answer | total | sum | average) (in | into | to | at) <cells>
under = (below | under | underneath | beneath | directly below | right below | right under | just below) [it | them |
    column | table | data | that column | those | last row | last value | last entry | that | values | numbers] | (at
    | to) (bottom | end | foot) [of (it | column | table | data | list | that column | <columns> | <letter_column> |
    them)] | (below | under | underneath | beneath) (<columns> | <letter_column>) | in (next | first) (empty | free |
    blank) (row | cell) | in (row | cell) (below | under | underneath) [it | them | table | data | that]
beside = (next to | beside | right of | to right of) (it | them | that)
put_result = <putting> <value> <into> | <into_first> [,] <putting> <value>
into_first = (in | into) <cells>
place_result = (put | write | place | enter | insert | store | save | show) (it | result | total | sum | average |
    answer | that | value | maximum | minimum | this) <into>
total_row = (add | insert | create | make | put | append | include | write | give) [table] [new] <func> row [(at | to)
    (bottom | end) [of (table | data | sheet | it)] | (below | under | underneath | beneath) (it | table | data | last
    row)] [to (table | it)] [with <func_only> [of | for] <columns>] | (add | insert | create | append | put | write |
    show) [column] (totals | total | sums | averages) (at (bottom | end) [of (table | data | sheet | each column |
    columns | every column)] | (below | under | underneath) (table | data | each column | every column | columns | it)
    | for (each | every | all) [numeric | number] (column | columns) [at bottom | below | below it | at bottom of
    table | below table]) | <putting> (total | sum | totals | sums) of (each | every | all) [numeric | number] (column
    | columns) (below it | below | underneath | at bottom | below them | under it | below each column) | total (each |
    every | all) (column | columns) [at bottom | below | underneath | at bottom of table]
func_only = sum | sums | total | totals | average | averages
make_total = (total | sum | add up | sum up) <columns> (at bottom | below | underneath | at bottom of table)

new_column = (add | create | insert | make | append | include) [new] [another] [<NAME>] column [<bare_letter>]
    [<named>] [<at_letter>] [to (table | sheet | it | right | right of table)] [at (end | right)] [,] <defined> [for
    <each_row>] [<at_letter>] | (add | create | insert | make | append | include) [new] <NAME> column [<at_letter>]
    [,] <defined> | (calculate | compute | work out) <NAME> (in | into) (column <LETTER> | new column | column
    <LETTER> <for_each>) [as | = | , | :] <row_value> | (in | into) column <LETTER> [,] (calculate | compute | add |
    put | create | write | enter | show) <NAME> [,] (as | = | : | which is | that is) <row_value>
bare_letter = <LETTER>
named = (called | named | titled | labelled | labeled | headed | with header | with heading | with title | with name |
    and call it | and name it | for) <NAME> | [:] <NAME>
at_letter = (in | at | as) (column <LETTER> | <LETTER> | <CELL> | <LETTER> column) | (after | next to | beside | right
    of | to right of) (<columns> | <letter_column> | table | last column)
defined = (that is | which is | that shows | showing | with | as | equal to | that equals | equals | = | : |
    containing | that contains | calculated as | computed as | that calculates | that has | for | with formula | using
    | which shows | where each value is | where each row is | being | that will be | with values | which equals | as
    result of | is | that holds | holding | that subtracts | which calculates | and fill it with | with each value
    equal to) <row_value>
each_row = (each | every | all) (row | rows | <COLUMN> | data rows | of them | line) | <COLUMN> | rows
for_each = (for | in) <each_row> | per <COLUMN> | per row
row_value = <row_minus> | <row_plus> | <row_times> | <row_over> | <row_share> | <row_of_total> | <row_growth> |
    <row_half> | <FORMULA>
row_term = ⟨ <row_value> ⟩ | [column] <COLUMN> [column | value | values] | <letter_only> | <NUMBER>
letter_only = [column] <LETTER> | column <LETTER>
row_half = half of <row_term> | <PERCENT> of <row_term> | double <row_term> | twice <row_term>
row_minus = difference (between | of) <row_term> and <row_term> | <row_term> (minus | less | -) <row_term> | subtract
    <turned> <row_term> from <row_term> | <turned> <row_term> subtracted from <row_term>
row_plus = <row_term> (plus | + | added to) <row_term> | sum of <row_term> and <row_term> | (add | total of)
    <row_term> and <row_term>
row_times = <row_term> (times | multiplied by | x) (<row_term> | <PERCENT>) | product of <row_term> and <row_term> |
    multiply <row_term> by <row_term>
row_over = <row_term> (divided by | / | over | per) <row_term> | ratio of <row_term> (to | and) <row_term> | divide
    <row_term> by <row_term>
row_share = <row_term> as <percentage> of <row_term> | <percentage> of <turned> <row_term> that is <row_term> |
    <percentage> <row_term> is of <row_term>
row_of_total = [<each_row> 's] (<percentage> | fraction | part) of total <COLUMN> | <COLUMN> as <percentage> of (total
    | total <COLUMN> | <COLUMN> total | sum of <COLUMN> | sum) | [<each_row> 's] (share | percentage | percent |
    proportion) of (total | sum of | overall) <COLUMN> | [<COLUMN> 's] <percentage> of total
row_growth = (percentage change | growth | percent change | change in percent | growth in percent | percentage growth
    | growth rate) (from <row_term> to <row_term> | between <row_term> and <row_term>)
fill_column = (put | write | calculate | compute | show | enter | fill in | add | place | set) <row_value>
    [<for_each>] (in | into | to) (column <LETTER> | <LETTER> | <AREA> | new column | new column <named> | column
    <LETTER> <named> | column called <NAME>) [<for_each>] | fill (column <LETTER> | <AREA>) with <row_value>
    [<for_each>] | (in | into) (column <LETTER> | <AREA> | new column [<named>]) [,] (put | write | calculate |
    compute | show | enter | fill in | add | place | do) <row_value> [<for_each>] | <row_value> [<for_each>] and (put
    | write | place | show) (it | result | results | that) (in | into) (column <LETTER> | <AREA> | new column | new
    column <named>) | (calculate | compute) <row_value> <for_each> (in | into) (column <LETTER> | <AREA> | new column
    | new column <named>) | set column <LETTER> (to | as) <row_value>

styled = <table_rows> | <cells> | <letter_column> | <row_number> | <columns> | <column_values> | <header_row> |
    <last_row> | <total_row_place> | <label_row> | <table> | <it> | <cell_of> | <extreme> | <extreme_row> | <matching>
    | <rows_where> | <LABEL> | <header_cell>
header_cell = header (of | for) <columns> | <COLUMN> (header | heading)
total_row_place = <total_row_words>
total_row_words = total row | totals row | row of totals
styled_list = [text (in | of) | font (in | of) | fonts of | words in] <styled> (<also> <styled>)*
format = (make | set | turn | format | mark | show | give | style | display | put | have | want | change | render |
    apply to) <styled_list> [format | appear | look] [<as>] <looks> | (make | set | turn | format | mark | show | give
    | style | display | put | change) <looks_only> <styled_list> | <bold_verb> <styled_list> | <italic_verb>
    <styled_list> | <bold_verb> (and | &) <italic_verb> <styled_list> | <highlight> <styled_list> [(in | with | using
    | as) <fill_only>] [too | as well] | <paint> <styled_list> [in | with | using] <painted> [too] | <paint>
    (background | fill) (of | in | for) <styled_list> [in | with] <painted> | (center | centre) <centred> | align
    <styled_list> [to] <aligned> | <aligned> align <styled_list> | (set | change | make) <aspect> (of | in | for)
    <styled_list> [to | =] <aspect_value> | (set | change | make) <styled_list> <aspect> (to | =) <aspect_value> |
    (make | set | turn | format | mark | show | colour | color | highlight) <conditional> [to | as | in] <looks> (if |
    where | when) [they are | it is | value is | that is | they | value] <compared> | apply <looks_only> [formatting |
    format | style] to <styled_list> | (remove | clear | undo | take off) <unlook> [formatting | format] from
    <styled_list> | use <looks_only> (for | in | on) <styled_list>
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
as = to | as | in | into | with | to be | in format | using | be | to show | to display
bold_verb = bold | embolden | boldface
italic_verb = italicise | italicize | italic
highlight = highlight | hilite | emphasise | emphasize
paint = colour | color | shade | fill | paint | tint
painted = <fill_only> | <COLOUR> text
fill_only = <COLOUR> [background | fill | colour | color]
looks = <look> ([, | and | , and | with | in | on | & | plus] <look>)*
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
    number format]
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
today = today 's date | current date | date of today
write = (put | write | enter | type | place | insert | set | store | save | add | use | fill in | apply) [value |
    values | text | number | numbers | word | words | formula | heading | header | title | label] [of] <given> (,
    <given> | and <given> | , and <given>)* (in | into | to | at) <target> | fill <target> with <given> | (in | into)
    <target> [,] (write | put | type | enter | place) <given> | (write | put | enter | type) [numbers] <series> (in |
    into) <target> | fill <target> with [numbers] <series> | put (in | into) <target> <given> | write (in | into)
    <target> <given>
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
rename_column = (rename | change name of | change header of | change heading of | change title of) [column] (<columns>
    | <letter_column>) [header | heading | column] (to | as | into) <new_text> | (change | set | rename) <header_cell>
    (to | as) <new_text> | (rename | change | set | update) (header | heading | title) [of] <COLUMN> (to | as | into)
    <new_text>
new_text = <NAME>
replace = (replace | change | swap) [all | every | each] [occurrences of | instances of | occurrence of | instance of]
    <old> (with | by | to | for) <new> [(in | within | throughout) (<columns> | <letter_column> | <cells> | table |
    sheet | whole sheet | this sheet)] [everywhere] | find [all] <old> and replace [it | them] (with | by) <new> [in
    (<columns> | <letter_column> | <cells> | table | sheet)]
old = <TEXT> | <NUMBER> | <LABEL> | <FREE>
new = <TEXT> | <NUMBER> | <FREE>

source = [values | contents | cells | value | data | formula | everything] [from | of | in] (<cells> | <letter_column>
    | <columns> | <header_row> | <row_number> | <column_values>)
copy = (copy | duplicate | paste) <source> (to | into | in | onto | at) ([starting at | cell] (<cells> |
    <letter_column>) [as values] | <sheet>)
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
    <NUMBER>
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
    in | values from] <clearable> [,] | (delete | remove | erase | clear | wipe) (contents | values | content | value
    | data | numbers | text | everything) (of | in | from) <clearable> | (clear | erase | empty | wipe | delete |
    remove) <matching_rows> | (clear | remove | delete | reset) [all] (formatting | formats | format | styles) (of |
    from | in | on) <styled_list>
clearable = <cells> | <letter_column> | <row_number> | <column_values> | <columns> | <cell_of> | <label_row> |
    <last_row>
matching_rows = <matching>
sort = (sort | order | arrange | rank | reorder) [table | data | rows | sheet | everything | it | list | whole table |
    entire table | <cells> | this table | all rows | <columns_sorted>] [rows] [alphabetically <alphabetic>] (by | on |
    based on | according to) [column] <sort_key> [column | values] [<direction>] | (sort | order | arrange)
    <columns_sorted> <direction> | (sort | order | arrange) [table | data | rows] from (highest | largest | biggest)
    to (lowest | smallest) <down> <sort_key> | (sort | order | arrange) [table | data | rows] from (lowest | smallest)
    to (highest | largest | biggest) <sort_key>
columns_sorted = <columns>
down =
sort_key = <COLUMN> | <LETTER> | <letter_column>
direction = [, | in] [from] (<ascending> | <descending>) [order]
ascending = ascending | asc | ascendingly | smallest first | lowest first | low to high | smallest to largest | lowest
    to highest | a to z <alphabetic> | alphabetically <alphabetic> | increasing | from a to z <alphabetic> | in
    alphabetical <alphabetic> | earliest first | small to large | smallest on top
alphabetic =
descending = descending | desc | descendingly | largest first | biggest first | highest first | high to low | largest
    to smallest | highest to lowest | z to a | decreasing | from z to a | reverse | large to small | biggest on top |
    highest on top | latest first | highest at top | largest at top | with highest first | with largest first | with
    highest on top | with biggest first
yes_no = (is | are | was | were) <scalar> <compared> | (is | are | was | were) <scalar> <than> <scalar> [<labels>]
than = (more | greater | higher | larger | bigger) than <more> | (less | lower | smaller) than
more =
scale = (<raise> | <lower>) <scaled> by (<PERCENT> | <NUMBER>) | multiply <factor> <scaled> by <NUMBER> | divide
    <divisor> <scaled> by <NUMBER> | (double <twice> | halve) <of_all> <scaled> | add (<NUMBER> | <PERCENT>) to
    <scaled> | subtract <taken_off> (<NUMBER> | <PERCENT>) from <scaled> | (<raise> | <lower>) <scaled> by <NUMBER>
    (percent | per cent) <percent_word>
factor =
divisor =
twice =
of_all =
taken_off =
percent_word =
raise = increase | raise | up | bump up | grow | boost
lower = decrease | reduce | lower | cut | discount
scaled = [<det>] [<nouns> in] (<columns> | <letter_column> | <cells> | <cell_of> | <column_values>)

chart = (chart | plot | graph | visualise | visualize) <charted> [<chart_as>] <chart_rest>* | <chart_verb> [new]
    [<kind>] (chart | graph | plot | diagram) [(of | for | from | with | showing | using | that shows | comparing |
    based on | out of | to show | on | which shows | plotting | displaying) <charted>] <chart_rest>* | <chart_verb>
    <charted> (as | in | into | on) [<kind>] (chart | graph | plot | diagram) <chart_rest>* | <kind> (chart | graph |
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
    | [,] [and] (title it | call it | name it) <NAME> | (at | in | starting at | placed at | next to | on) <cells_at>
    | <this_sheet> | [,] (without | with no) legend <no_legend> | below table | with legend
no_legend =
cells_at = [cell] <CELL>

name_range = name <cells> [as] <NAME> | (create | define | add | make) named range [called | named] <NAME> (for | of |
    from | on | over | that covers | covering) <cells> | (give | assign) <cells> name <NAME> | call <cells> <NAME> |
    (define | add | create) name <NAME> for <cells> | name <columns> [as] <NAME> | (create | define | add | make)
    named range [called | named] <NAME> (for | of | from | over) <columns>
show = (what is | what are | show | read | list | display | look at | print | tell | give | tell what is | show what
    is) [<nouns> | everything] [in | of | inside | from | on] <shown> | what (do | does) <shown> (contain | say | have
    | hold | show) | what (is | are) (stored | written | in) [in] <shown> | [what is] <nouns> (in | of | from) <shown>
    | what <columns> are there | (what | which) columns (are there | does table have | do we have | are in table |
    does sheet have) | list columns
shown = <cells> | <letter_column> | <row_number> | <columns> | <column_values> | <header_row> | <last_row> | <table> |
    <label_row> | <total_row> | <sheet_data>
which = (which | what | tell which | in which) <asked> (is | was) [our] (<best> | <worst>) [(by | for | in terms of |
    in | on) <measured>] | (which | what | what is | who | in which | in what | during which | for which | tell which
    | find | show | give | name | tell) <asked> [is | was | has | had | did | shows | with | that had | that has |
    saw] (<max> | <min>) [<nouns>] [of | in | for] [<measured>] [in total | overall] | (which | in which | who | what
    | for which | tell which) [<asked>] <sold> (<max> | <min>) [<measured>] | (which | in which | what | for which |
    on which) <asked> (did | was | is | were | had) (we (sell | earn | make | spend | have) | <measured>) [at its]
    (<max> | <min> | <peak>) [<measured>] | (when | where) (was | is | were | did) <measured> [at its | reach its |
    hit its] (<max> | <min> | <peak>) | (what is | what was | which is | which was | show | name | tell | find)
    (<best> | <worst>) <asked> [(by | for | in terms of | based on | in) <measured>]
peak = peak
best = best | top | strongest
worst = worst | weakest
asked = <COLUMN>
measured = <COLUMN> [<nouns>]
sold = sold | made | earned | brought in | generated | spent | did | had | has | sells | makes | earns | has the
list = (list | show | display | give | find | filter | which | what are | what | tell | get | print | tell which | for
    which | in which) [<det>] (<rows_where> | (row | rows | records | entries | table | data) (to | for | by)
    <conditions> | (row | rows | records) (for | of | with | from) <LABEL> | <COLUMN> (is | are | was | were)
    <condition_of> | <COLUMN> (was | were | is | are | did) <conditions>) | filter [table | data | rows | it] (to | by
    | for | where | so that | on) [rows | only rows | row] [where | with] <conditions> | (list | show | give | tell |
    what are) (<top> | <top_low>)
condition_of = <conditions>
top = top <NUMBER> [<COLUMN>] [by | in | with highest] <COLUMN> | <NUMBER> (highest | largest | biggest | best | top)
    <COLUMN>
top_low = bottom <NUMBER> [<COLUMN>] [by | in] <COLUMN> | <NUMBER> (lowest | smallest | worst) <COLUMN>
"""
