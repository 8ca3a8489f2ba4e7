"""The grammar's upper half: sentences, questions and their results."""

REQUESTS = """
sentence = [<lead>] <order> (<join> <order> | <shown_as>)* [<tail>]
shown_as = [, | and | , and] (shown | formatted | displayed | styled) (as | in | with) <looks>
lead = <sheet> (: | ,) | (on | in | for | using | from | open) <sheet> [, | :] | <nowrite> [, | but | . | ;] | go to
    <sheet> (and | , | . | ;)
tail = <nowrite_tail> | if possible | [,] ok
nowrite = do not (change | write | edit | modify | touch) (anything | sheet | workbook | cells | table | it)
nowrite_tail = [, | . | ; | but | and] (without (changing | writing | editing | modifying) (anything | sheet | it |
    cells | workbook) | do not (change | write | edit | modify | touch) (anything | sheet | it | cells | workbook |
    table))
join = , | ; | . | and | , and | then | , then | and then | , and then | . then | ; then | after that | , after that |
    . after that | and after that | afterwards | . finally | , finally | and finally | finally | , and finally | . and
    | ; and | : | as well as
order = <question> | <put_result> | <place_result> | <total_row> | <new_column> | <fill_column> | <format> | <write> |
    <value_in> | <set> | <more_set> | <yes_no> | <which_it> | <rename_column> | <rename_cell> | <replace> | <copy> |
    <move> | <fill_down> | <insert> | <add_row> | <clear> | <sort> | <scale> | <chart> | <name_range> | <show> |
    <which> | <list> | <more_looks> | <more_format> | <make_total>

ask = what is | what are | what was | what were | what | tell | tell what is | tell what was | show | give | find |
    find out | calculate | compute | work out | get | determine | how much is | how much are | how much was | do you
    know | say | tell how much is | let me know | figure out | look up | lookup | fetch | what does | is | return |
    report
question = [<ask>] <value> [is | was | come to | equal | add up to] [in total | altogether | overall] [<into>] |
    [<ask>] <value> [in total | altogether | overall] | what (do | does) <operand> (add up to | sum to | total | sum
    up to | come to | amount to) [in total | altogether] | how much (did | do) <columns> (come to | add up to | total
    | amount to) [in total | altogether] | how much <columns> (did we make | do we have | was there | is there | did
    we have | are there | was made | did we get) <labels> | how much <columns> [did we make | do we have | was there |
    is there | did we have | are there | was made | did we get | have we had] [in total | altogether | overall | all
    together] | add <operand_only>
operand_only = <AREA>
value = <share_of_label> | <aggregate> | <count_of> | <count_where> | <arithmetic> | <growth> | <cell_of>
scalar = <aggregate> | <cells> | <cell_of> | <NUMBER> | <column_total> | <count_of>
column_total = [column] <COLUMN> [column]
arithmetic = <spread> | <label_difference> | (<minus> | <plus> | <times> | <over> | <share>) [<labels>]
spread = difference between <func> and <func> [<nouns>] [of | in] (<columns> | <letter_column> | <cells>)
label_difference = how much (more | higher | bigger | larger) [is | was] <COLUMN> [did we make | did we have | was
    there | was made] [in] <LABEL> than [in] <LABEL> | difference (in <COLUMN> between <LABEL> and <LABEL> | between
    <LABEL> 's <COLUMN> and <LABEL> 's <COLUMN> | between <LABEL> and <LABEL> <COLUMN> | between <LABEL> and <LABEL>
    in <COLUMN> | between <LABEL> 's and <LABEL> 's <COLUMN>)
minus = difference (between | of) <scalar> and <scalar> | [difference] <scalar> (minus | less | -) <scalar> | subtract
    <turned> <scalar> from <scalar> | how much (more | higher | bigger | larger | greater) (is | was) <scalar> than
    <scalar>
plus = <scalar> (plus | +) <scalar> | sum of <summed> <scalar> and <scalar>
times = <PERCENT> of <scalar> | <scalar> (times | multiplied by | x) <scalar> | multiply <scalar> by <scalar> |
    product of <scalar> and <scalar>
summed =
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
into = (in | into | to | at | inside) <cells> | <under> | <beside> | and (put | write | place | store | enter | save |
    insert | copy) (it | result | that | value | answer | total | sum | average) (in | into | to | at) <cells>
under = [in (cell | row)] (right | directly | just | immediately) (below | under | underneath | beneath) (it | them |
    last (row | value | entry) | <columns> | last <COLUMN> [value | entry | number]) | (below | under | underneath |
    beneath) last <COLUMN> [value | entry | number] | (below | under | underneath | beneath | directly below | right
    below | right under | just below) [it | them | column | table | data | that column | those | last row | last value
    | last entry | that | values | numbers] | (at | to) (bottom | end | foot) [of (it | column | table | data | list |
    that column | <columns> | <letter_column> | them)] | (below | under | underneath | beneath) (<columns> |
    <letter_column>) | in (next | first) (empty | free | blank) (row | cell) | in (row | cell) (below | under |
    underneath) [it | them | table | data | that]
beside = (next to | beside | right of | to right of) (it | them | that)
put_result = <putting> <value> <into> | <into_first> [,] <putting> <value> | (set | change | make) <into_cells> (to |
    = | equal | equal to) <value> | <into_cells> (should be | is | = | should show | should contain | should have)
    <value>
into_cells = <cells>
into_first = (in | into) <cells>
place_result = (put | write | place | enter | insert | store | save | show) (it | result | total | sum | average |
    answer | that | value | maximum | minimum | this) <into>

show = what value (does | do) <shown> have | (what is | what are | show | read | list | display | look at | print |
    tell | give | tell what is | show what is) [<nouns> | everything] [in | of | inside | from | on] <shown> | what
    (do | does) <shown> (contain | say | have | hold | show) | what (is | are) (stored | written | in) [in] <shown> |
    [what is] <nouns> (in | of | from) <shown> | what <columns> are there | <show_all> | <show_rows> | <summary> |
    (what | which) columns (are there | does
    table have | do we have | are in table | does sheet have) | list columns
show_all = (what is | what are | show | list | display | read | tell what is) [everything | <nouns>] (in | on) (this |
    current | active | open) (sheet | worksheet) | what does (this | current | active | open) (sheet | worksheet)
    contain
show_rows = (show | list | display | print | read | give | tell | what is | what are) (first | last <last_ones>)
    <NUMBER>
    rows [of (table | data | sheet)]
summary = (summarise | summarize | describe | give summary of | show summary of) [data in] (table | data | [this]
    sheet |
    this table | this worksheet)
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
which_it = (in which | which | what | when | on which | tell which | for which) [<COLUMN>] [is it | was it | was that
    | is that | did it happen | was it in | is it in | it was | that was | that is | it is]
peak = peak
best = best | top | strongest
worst = worst | weakest
asked = <COLUMN>
measured = <COLUMN> [<nouns>]
sold = sold | made | earned | brought in | generated | spent | did | had | has | sells | makes | earns | has the
list = (only show | show only | just show) ([<det>] <rows_where>) | (which | what | tell which | in which | for which)
    <COLUMN> <conditions> | (list | show | display | give | find | filter | which | what are | what | tell | get |
    print | tell which | for which | in which) [<det>] (<rows_where> | (row | rows | records | entries | table | data)
    (to | for | by) <conditions> | (row | rows | records) (for | of | with | from) <LABEL> | <COLUMN> (is | are | was
    | were) <condition_of> | <COLUMN> (was | were | is | are | did) <conditions>) | filter [table | data | rows | it]
    (to | by | for | where | so that | on) [rows | only rows | row] [where | with] <conditions> | (list | show | give
    | tell | what are) (<top> | <top_low>)
condition_of = <conditions>
top = top <NUMBER> [<COLUMN>] [by | in | with highest] <COLUMN> | <NUMBER> (highest | largest | biggest | best | top)
    <COLUMN>
top_low = bottom <NUMBER> [<COLUMN>] [by | in] <COLUMN> | <NUMBER> (lowest | smallest | worst) <COLUMN>
"""
