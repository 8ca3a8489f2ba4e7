"""The grammar's lower half: the words for ranges, columns, rows, conditions, colours, and numbers of a range."""

PLACES = """
to = to | through | thru | until | till | up to | -
also = , | and | , and | & | as well as
det = all | every | each | entire | whole | all of | full | complete
nouns = values | value | numbers | number | figures | figure | amounts | amount | entries | cells | contents | content
    | data | items | column values | names | labels

sheet = (sheet | worksheet | tab) [called | named] <SHEET> | <SHEET> (sheet | worksheet | tab) | <SHEET>
here = [right] here | (in | on) (this | current | active | open) (sheet | worksheet)
this_sheet = <here> | (in | on | of | from) (that | it) [sheet | worksheet | workbook | table | spreadsheet] | (of |
    from) (this | current | active | open) [sheet | worksheet | workbook | table | spreadsheet] | (in | on) (this |
    current | active | open) [workbook | table | spreadsheet] | (in | on | of | from) (sheet | worksheet | workbook |
    spreadsheet | table | data | file)
on_sheet = (on | in | of | from | for) <sheet> | <this_sheet>

cells = [cell | cells | range] (<CELL> | <AREA>) [<on_sheet>] | <sheet> [cell | cells | range] (<CELL> | <AREA>) |
    <spanned> [<on_sheet>] | <sheet> <spanned> | [range] <NAMED> [range]
spanned = [cell | cells | range] [from] <CELL> <to> [cell] <CELL> | [cells] between <CELL> and <CELL>
letter_column = [<det>] [(<nouns> | everything) (in | of | from)] (column | columns | col | cols) <LETTER> [(<to> |
    and | &) [column] <LETTER> | (, [column] <LETTER>)* [,] and [column] <LETTER>] [<row_span>] [<on_sheet>] | column
    <LETTER> <nouns>
row_span = [,] [from] (row | rows) <NUMBER> <to> [row] <NUMBER> | [,] rows <NUMBER> and <NUMBER>
row_number = [<det>] (row | rows) <NUMBER> [(<to> | and | &) [row] <NUMBER> | (, <NUMBER>)* [,] and <NUMBER>]
    [<on_sheet>]
columns = [<det>] [column | columns] <COLUMN> (<also> [column] <COLUMN>)* [column | columns] [<this_sheet> |
    <on_sheet>]
column_values = [<det>] (<nouns> | everything) (in | of | from | for | under) <columns> | [<det>] [column] <COLUMN>
    (<also> [column] <COLUMN>)* [column | columns] <nouns> [<this_sheet>] | [everything in | all of] <columns> [,]
    <no_header>
no_header = (except | except for | but not | but keep | without | not including | excluding | apart from | below |
    under | keep | leave | but leave) [its | their] (header | headers | heading | title | header row | header cell)
    [alone | in place | intact | as it is]
header_row = (header row | headers | header | first row) <on_sheet> | header row | headers row | headers | heading row
    | headings row | headings | column headers | column headings | column titles | column names | title row | first
    row | top row | header | header row of table | headers of table | first row of table
nth_column = first column <first_one> | last column
first_one =
last_row = [very] last row [of (table | data | sheet)] [in (table | sheet)] | bottom row [of table] | last line
total_row = total row | totals row | row of totals
label_row = row (for | of | with | containing | that has) <LABEL> | <LABEL> row | <LABEL> (line | record | entry)
table = [<det>] (table | data | dataset | data set | data range | table data | used range | cells) | everything [in
    table] | whole sheet | entire sheet | [<det>] <nouns> (in | of | from) <sheet> | [<det>] <nouns> (in | of | from)
    (table | sheet)
capital_column = <CAPITAL> [column]
all_numbers = [<det>] (numbers | figures | amounts) [in (table | sheet | data)]
table_rows = (<table> | rows) [,] <no_header> | data rows | all data rows
sheet_data = <sheet>
sheet_numbers = [<det>] (numbers | number | values | value | figures | amounts) ((on | in | of | from) <sheet> |
    <this_sheet>) | everything (on | in | of | from) <sheet>
edge_rows = first <NUMBER> <COLUMN> [<nouns>] | last <last_ones> <NUMBER> <COLUMN> [<nouns>] | (first | last
    <last_ones>) <NUMBER> <nouns> (of | in) [column] <COLUMN> [column]
last_ones =
edge_of = (for | in | of | over | from) (first | last <last_ones>) <NUMBER> <COLUMN>
it = it | them | that | those | these | this | result | results | that cell | that column | that row | that range |
    this cell | new column | new row | new cell
cell_of = <LABEL> ['s] <COLUMN> [value | figure | number | amount | cell] | [value of] <COLUMN> [value | figure |
    number | amount | cell] (of | for | in | on | at) <LABEL>

extreme = (<max> | <min>) [<nouns>] [of | in | for] [<this_sheet>] (<columns> | <letter_column>) [<nouns>] | [cell |
    value | number] (with | of | that has | having) (<max> | <min>) [<nouns>] [of | in | for] (<columns> |
    <letter_column>)
extreme_row = row (with | of | that has | having | containing) (<max> | <min>) <COLUMN> [<nouns>] | <COLUMN> (with |
    that has | having) (<max> | <min>) <COLUMN> [<nouns>]
matching = [<det>] (<nouns> (in | of | from) (<columns> | <letter_column> | <cells>) | [<det>] <columns> [<nouns>])
    [<that_are>] <compared> | [<det>] <nouns> <compared> (in | of) (<columns> | <letter_column>)
that_are = that are | which are | that is | where value is | with values | with value | where
rows_where = [<det>] (row | rows | records | entries | lines | items | data) (<where> <conditions> | <compared> (in |
    for) <COLUMN>) | [<det>] <COLUMN> <where> <conditions>
conditions = <condition> ((and | but | and where) <condition>)*
where = where | with | whose | in which | that have | that has | having | that had | had | have | has | when | for
    which | which have | which has | which had | in | of
condition = <COLUMN> [<nouns>] [is | are | was | were] <compared> | [<nouns>] <compared> [in | of] <COLUMN> | <COLUMN>
    [is | equals | is equal to | =] (<LABEL> | <TEXT>) | <LABEL> (in | as | for) <COLUMN>
compared = <above> <NUMBER> | <below> <NUMBER> | <from> <NUMBER> | <upto> <NUMBER> | <NUMBER> <or_more> | <NUMBER>
    <or_less> | <same> <NUMBER> | between <NUMBER> and <NUMBER>
above = over | above | more than | greater than | higher than | larger than | bigger than | exceeding | exceeds |
    exceed | that exceed | in excess of | >
below = under | below | less than | lower than | smaller than | fewer than | <
from = at least | no less than | >= | greater than or equal to
upto = at most | no more than | up to | <= | less than or equal to
or_more = or more | or above | or higher | or over | and above | and over | and up
or_less = or less | or below | or lower | or under | or fewer
same = exactly | equal to | equals | of exactly | =

sum = sum | sum up | total | total up | add up | add together | sum total | total sum | grand total | overall | total
    of all | sum of all | combined | total amount | sums | totals
average = average | mean | avg | averages | arithmetic mean
min = minimum | min | smallest | lowest | least
max = maximum | max | largest | biggest | highest | greatest | most
median = median | median value
count = count | number
func = <sum> | <average> | <min> | <max> | <median>
labels = (for | in | of | from) <LABEL> (<also> <LABEL>)* | [for] (from <LABEL> (to | through | until | till | -)
    <LABEL> | between <LABEL> and <LABEL> | <LABEL> (to | through | -) <LABEL>) <from_to>
from_to =
operand = <edge_rows> | <capital_column> | <nth_column> | <all_numbers> | <table_rows> | <cells> | <letter_column> |
    <row_number> | <columns> | <column_values> | <table> | <sheet_data> | <it> | <last_row>
aggregate = <func> [<nouns>] [of | for | in | over | across | from | on | in all of] <operand> [<labels>] [<per_row>]
    [<where_rows> | [,] <left_out>] | <func> [<nouns>] [of | for | in] <columns> <edge_of> | [<det>] <columns> (<sum>
    | <average> | <max> | <min>) | <func> [<nouns>] <labels> (of | in) <columns>
per_row = (per | for each | for every | in each | each) <COLUMN>
left_out = (excluding | except | without | not counting | not including | leaving out | ignoring | other than | apart
    from | but not | but without) <LABEL> (<also> <LABEL>)*
where_rows = (where | when | for rows where | for all rows where) <conditions> | for rows with <conditions> | (for | in)
    <rows_of> (where | with | when | in which) <conditions>
rows_of = [<det>] <COLUMN>
count_of = (count | how many | number of | count of) numbers <of_numbers> [are | are there | there are] (in | of |
    from) <operand> | (how many | number of | count | count of) (cells | values) [are] (filled | used | filled in |
    non empty | not blank) (in | of) <operand> | (how many | number of | count | count of) columns [are there | does
    (table | sheet | it) have | are in (table | sheet) | do we have | in (table | sheet)] <of_columns> | (count | how
    many | number of | count of | count up | count how many) (values | value | entries | cells | items | figures |
    amounts | data | rows | cells | filled cells | non empty cells | different ones) [are | are there | there are | do
    we have | is there] [in | of | from | for] <operand> [have | has | are there] | (count | how many | number of |
    count of) [<det>] (<columns> | rows | records | entries | lines | data rows | rows of data) [are | are there | are
    listed | there are | do we have | does it have | does table have | does sheet have] [in] [table | list | sheet |
    total | this sheet | this table | all | data]
of_numbers =
of_columns =
count_where = [in | on | for | during] (count | how many | number of | count of | count how many) (row | rows |
    records | entries | lines | <columns> | <nouns> | cells | times) [are there | there are | do we have] (<where>
    <conditions> | [in | of] (<columns> | <letter_column>) [are | is | was | were | that are | which are] <compared> |
    [are | is | was] <compared> [in | of] (<columns> | <letter_column>) | (did | is | was | are | were) <conditions> |
    did we (make | earn | have | get | sell | spend | see | take in | bring in) <compared> (in | of) <columns>) | (how
    many | count | number of) <columns> [are | is | was | were | that are] <compared>

colour = [in] <COLOUR>
"""
