-- Named formulas, each with its units and its source. A macro reads no table: what it needs is passed to it.

-- Mean midnight census [beds] = midnight bed days of a period [bed days] / days of the period [days].
-- Bed days are nights counted at midnight, as in KH03; never discharge date - admission date + 1.
create or replace macro mean_census(bed_days, days) as
    bed_days / nullif(days, 0);

-- Beds needed [beds, not rounded] = mean midnight census [beds] / target occupancy [share, 0 to 1].
-- Rounded once, on the total shown: 60 units rounded up apart come to 2,342 beds where their sum needs 2,316.
create or replace macro beds_needed(mean_census_beds, occupancy_share) as
    mean_census_beds / nullif(occupancy_share, 0);

-- Beds needed as a whole number [beds] = the smallest whole number of beds not below the need [beds].
-- The need is first rounded to a millionth of a bed, so that the last bit of a sum never adds a bed.
create or replace macro needed_beds_rounded(needed_beds) as
    ceil(round(needed_beds, 6))::integer;

-- Beds by rule [beds, whole] for a year's spells [spells] of a mean stay [nights] over the year's days [days] at a target
-- occupancy [share, 0 to 1]: 100,000 spells of 5.5 nights at 0.92 are 1,638 beds, in a leap year 1,634.
create or replace macro beds_by_rule(spells, stay_nights, days, occupancy_share) as
    needed_beds_rounded(beds_needed(mean_census(spells * stay_nights, days), occupancy_share));

-- Logarithmic mean [unit of both] of two positive figures, (a - b) / ln(a / b), the weight of a factor's logarithm in a
-- bridge from one to the other (Ang, Energy Policy 33, 2005). Of a and a it is a; of a and 0 it is 0.
create or replace macro log_mean(a, b) as
    case when a = b then a when a = 0 or b = 0 then 0 else (a - b) / ln(a / b) end;

-- Implied occupancy [share] = mean midnight census [beds] / beds available [beds]; above 1 where more are occupied.
create or replace macro implied_occupancy(mean_census_beds, available_beds) as
    mean_census_beds / nullif(available_beds, 0);

-- Pounds [GBP, to the penny] = thousands of pounds [GBP 000] x 1,000: returns come in thousands.
create or replace macro gbp_from_thousands(thousands) as
    (thousands * 1000)::decimal(18, 2);

-- Money [GBP, to the penny] in other prices = money [GBP] x factor [ratio of the price levels]; a factor of 1 leaves it.
create or replace macro at_prices(amount_gbp, factor) as
    if(factor = 1, amount_gbp::decimal(18, 2), (amount_gbp * factor)::decimal(18, 2));

-- Growth a year [share] that takes a first figure to a last one [same unit] over so many years [years], compounded:
-- 1.6 to 1.8 over five years is 0.023836. Empty where a figure is not above 0 or no year lies between.
create or replace macro yearly_growth(first_figure, last_figure, year_count) as
    if(first_figure > 0 and last_figure > 0 and year_count > 0,
        power(last_figure / first_figure, 1.0 / year_count) - 1, null);

-- A cell's reference [text] of a sheet [text] and a cell [text], as a spreadsheet's Go To takes it: Beds!K57,
-- 'Income and expenditure'!K57. Nothing where there is no cell.
create or replace macro cell_reference(sheet, cell) as
    if(regexp_full_match(sheet, '\w+'), sheet, '''' || replace(sheet, '''', '''''') || '''') || '!' || cell;

-- The first cells [list of text] of a list [list of text] that a reader opens: twelve. Their number is said beside.
create or replace macro first_cells(cells) as
    list_filter(cells, lambda cell: cell is not null)[:12];

-- The cells [list of text] of a list of figures [less: a figure with its sign turned, any unit; cell: text], the largest
-- first: sorting short lists costs a quarter of an ordered aggregate over many.
create or replace macro largest_first(figures) as
    list_transform(list_sort(figures), lambda each: each.cell);

-- A figure [any unit, which is given] in the words [text] of those who plan with it: £3.20m, £850k, 19.5 beds,
-- 4,727 spells, 12.0%.
create or replace macro in_words(figure, unit) as
    case
        when unit = 'GBP' and abs(figure) >= 1000000
            then if(figure < 0, '-', '') || format('£{:,.2f}m', abs(figure) / 1000000)
        when unit = 'GBP' and abs(figure) >= 10000
            then if(figure < 0, '-', '') || format('£{:,.0f}k', abs(figure) / 1000)
        when unit = 'GBP' then if(figure < 0, '-', '') || format('£{:,.0f}', abs(figure) / 1)
        when unit = 'share' then format('{:,.1f}%', 100 * figure)
        when unit in ('beds', 'WTE', 'times') then format('{:,.1f} ', figure / 1) || unit
        else format('{:,.0f} ', figure / 1) || unit
    end;

-- How a figure [any unit] stands to a published one that is printed to the nearest step [the same unit], in words [text].
-- Slack [the same unit]: what is no difference, such as the last bits of a sum.
create or replace macro published_verdict(figure, published, step, slack) as
    case
        when published is null then 'nothing published'
        when abs(figure - published) <= step / 2 + slack then 'equals the published figure'
        when abs(trunc(figure / step + 1e-9) * step - published) < slack
            then 'equals the published figure when truncated'
        else 'differs from the published figure'
    end;

-- Whether so few people are counted that one could be known by it: 1 to 4, or a part of one.
-- people [people or WTE]. ONS, Review of the Dissemination of Health Statistics: Confidentiality Guidance (2006): cells below 5.
-- A formula and not an assumption: no return may lower it. 4 is small, 0 and 5 are not.
create or replace macro is_small_number(people) as people > 0 and people < 5;

-- Staff as a document counts them [WTE, whole, or the words 1 to 4]: people [people or WTE].
create or replace macro counted(people) as
    if(is_small_number(people), '1 to 4'::union(figure bigint, words varchar),
        round(people)::bigint::union(figure bigint, words varchar));

-- What stands in a document instead of such a number [text], and of all that it could be worked out from.
create or replace macro not_shown() as 'not shown: 1 to 4 people';
