"""What a written workbook holds, read back with openpyxl: it knows nothing of the writer."""

import hashlib
import time
from datetime import date, datetime
from itertools import product

import pytest
from openpyxl import load_workbook
from openpyxl.utils import get_column_letter, range_boundaries

from llr_pipeline.codes import read_reference
from llr_pipeline.contracts import templates
from llr_pipeline.periods import month_label
from llr_pipeline.templates import BLANK_ROWS_AT_MOST, HEADER_ROW, Cover, Line, write_workbook

HEADER = HEADER_ROW + 1
ROUND, MONTH = "2016-11", "2017-06"
RETURNS = [
    ("activity", "RWE"), ("activity", "04C"), ("beds", "RWE"), ("beds", "RT5"), ("finance", "RWE"), ("finance", "04C"),
    ("finance", "E10000018"), ("workforce", "RT5"), ("assumptions", "QK1"), ("monitoring", "RWE"),
]  # fmt: skip
LABELS = [
    "Template", "Template version", "Organisation code", "Organisation", "Period", "Prepared by", "Prepared on",
    "Data status",
]  # fmt: skip


@pytest.fixture(scope="module")
def reference():
    return read_reference()


@pytest.fixture
def write(tmp_path, reference):
    """Write a template and open it again: formulas, or the values cached with them."""

    def written(name, cover, lines=None, *, values=False):
        path = tmp_path / f"{name}.xlsx"
        write_workbook(path, templates()[name], cover, reference, lines)
        return load_workbook(path, data_only=values)

    return written


def cover(name, organisation_code, **more):
    return Cover(organisation_code, MONTH if name == "monitoring" else ROUND, **more)


def headers(sheet, periods):
    return [c.header for c in sheet.attributes] + [month_label(p) if sheet.period == "month" else p for p in periods]


def row_of(worksheet, text):
    return next(row for row in range(HEADER + 1, worksheet.max_row + 1) if worksheet.cell(row, 1).value == text)


def sample_lines(sheet, reference, periods, count=12):
    """Lines that use every code of every list in turn, in an order that is not the sections'."""

    def value(column, n):
        if column.list:
            codes = list(reference.labels(column.list))
            return codes[-1 - n % len(codes)]
        return {"date": date(2017, 4, 1), "double": 0.5 + n}.get(column.type, f"{column.name} {n}")

    return [
        Line({c.name: value(c, n) for c in sheet.attributes}, {p: n + 0.125 * i for i, p in enumerate(periods)})
        for n in range(count)
    ]


@pytest.mark.parametrize(("name", "organisation_code"), RETURNS)
def test_blank_return_asks_for_what_the_contract_says(write, reference, name, organisation_code):
    about = cover(name, organisation_code)
    workbook = write(name, about)
    template = templates()[name]
    assert workbook.sheetnames == ["Cover", *(s.title for s in template.sheets), "Lists"]
    assert workbook["Lists"].sheet_state == "veryHidden"
    for sheet in template.sheets:
        worksheet = workbook[sheet.title]
        periods = reference.periods(sheet.period, about.period) if sheet.period else ()
        width = len(sheet.attributes) + len(periods)
        assert (worksheet["A1"].value, worksheet["A2"].value) == (sheet.title, sheet.help)
        assert [worksheet.cell(HEADER, n + 1).value for n in range(width)] == headers(sheet, periods)
        marked = [worksheet.cell(HEADER, n + 1).font.b for n in range(len(sheet.attributes))]
        assert marked == [c.required for c in sheet.attributes]
        assert worksheet.max_column == width
        assert worksheet.freeze_panes in (f"B{HEADER + 1}", f"C{HEADER + 1}")
        blank = [r for r in range(HEADER + 1, worksheet.max_row + 1) if not worksheet.cell(r, width).protection.locked]
        assert len(blank) <= max(BLANK_ROWS_AT_MOST, sheet.blank_rows)
        # a blank line holds its section's codes and nothing else
        columns = {c.name: (n + 1, c) for n, c in enumerate(sheet.attributes)}
        orders = [reference.labels(columns[s][1].list).values() for s in sheet.sections]
        assert sorted({tuple(worksheet.cell(r, columns[s][0]).value for s in sheet.sections) for r in blank}) == sorted(
            product(*orders)
        )
        for row in blank:
            filled = {n + 1 for n in range(width) if worksheet.cell(row, n + 1).value is not None}
            assert filled == {columns[s][0] for s in sheet.sections}


@pytest.mark.parametrize(("name", "organisation_code"), RETURNS)
def test_filled_return_holds_every_line_in_its_section_and_totals_it(write, reference, name, organisation_code):
    about = cover(name, organisation_code)
    template = templates()[name]
    periods = {s.table: reference.periods(s.period, about.period) if s.period else () for s in template.sheets}
    lines = {s.table: sample_lines(s, reference, periods[s.table]) for s in template.sheets}
    workbook, cached = write(name, about, lines), write(name, about, lines, values=True)
    for sheet in template.sheets:
        worksheet = workbook[sheet.title]
        labels = {c.name: reference.labels(c.list) for c in sheet.attributes if c.list}
        order = {s: list(labels[s]) for s in sheet.sections}
        row = HEADER + 1
        groups = sorted({tuple(line.attributes[s] for s in sheet.sections) for line in lines[sheet.table]},
                        key=lambda g: [order[s].index(c) for s, c in zip(sheet.sections, g, strict=True)])  # fmt: skip
        for group in groups:
            title = " - ".join(labels[s][c] for s, c in zip(sheet.sections, group, strict=True))
            if title:
                assert [c.value for c in worksheet[row]] == [title] + [None] * (worksheet.max_column - 1)
                row += 1
            own = [x for x in lines[sheet.table] if tuple(x.attributes[s] for s in sheet.sections) == group]
            for line in own:
                shown = [labels[k][v] if k in labels else v for k, v in line.attributes.items()]
                seen = [c.value for c in worksheet[row]]
                seen = [v.date() if isinstance(v, datetime) else v for v in seen]
                assert seen == shown + [line.values[p] for p in periods[sheet.table]]
                assert worksheet.row_dimensions[row].outlineLevel == (1 if title else 0)
                row += 1
            if sheet.totals and sheet.period:
                assert worksheet.cell(row, 1).value == f"Total {title}".strip()
                for n, period in enumerate(periods[sheet.table], start=len(sheet.attributes) + 1):
                    letter, first = get_column_letter(n), row - len(own) - bool(title)
                    assert worksheet.cell(row, n).value == f"=SUM({letter}{first}:{letter}{row - 1})"
                    by_hand = sum(line.values[period] for line in own)
                    assert cached[sheet.title].cell(row, n).value == pytest.approx(by_hand, abs=1e-9)
                    assert worksheet.cell(row, n).protection.locked
                row += 1
        assert worksheet.max_row == row - 1


def test_cover_says_whose_return_it_is(write):
    workbook = write("beds", Cover("RWE", ROUND, "Planning team", date(2016, 10, 28), "illustrative"))
    sheet = workbook["Cover"]
    block = {sheet.cell(r, 1).value: sheet.cell(r, 2) for r in range(5, 13)}
    assert list(block) == LABELS
    assert [c.value for c in block.values()] == [
        "beds", 1, "RWE", "University Hospitals of Leicester NHS Trust", "2016-11", "Planning team",
        datetime(2016, 10, 28), "Illustrative",
    ]  # fmt: skip
    assert block["Prepared on"].number_format == "dd/mm/yyyy"
    assert [label for label, c in block.items() if not c.protection.locked] == ["Prepared by", "Prepared on"]
    assert sheet["A3"].value.startswith("Illustrative: ")
    assert all("Illustrative" in workbook[title]["A3"].value for title in ("Beds", "Bed schemes"))
    assert {sheet.cell(r, 1).hyperlink.location for r in range(13, 40) if sheet.cell(r, 1).hyperlink} == {
        "'Beds'!A1", "'Bed schemes'!A1",
    }  # fmt: skip


def test_returned_data_has_no_banner(write):
    workbook = write("beds", Cover("RWE", ROUND))
    assert workbook["Cover"]["A3"].value is None
    assert workbook["Beds"]["A3"].value == "Values in beds. University Hospitals of Leicester NHS Trust, 2016-11"


def test_drop_downs_offer_the_labels_and_a_closed_list_only_ones_own(write, reference):
    template = templates()["beds"]
    workbook = write("beds", Cover("RT5", ROUND))
    offered = {}
    for sheet in template.sheets:
        for rule in workbook[sheet.title].data_validations.dataValidation:
            if rule.type == "list":
                letters = {range_boundaries(str(cells))[0] for cells in rule.sqref.ranges}
                assert len(letters) == 1
                name = rule.formula1.lstrip("=")
                ((title, cells),) = workbook.defined_names[name].destinations
                values = [c.value for row in workbook[title][cells] for c in row]
                offered[sheet.attributes[letters.pop() - 1].name, sheet.table] = values
    for sheet in template.sheets:
        for column in sheet.attributes:
            if column.list:
                assert offered[column.name, sheet.table] == list(reference.labels(column.list, "RT5").values())
    assert "Leicester Royal Infirmary" in offered["from_site_code", "bed_schemes"]
    assert "Leicester Royal Infirmary" not in offered["site_code", "beds"]


def test_rules_cover_the_cells_to_fill_in_and_no_others(write):
    worksheet = write("beds", Cover("RWE", ROUND))["Beds"]
    for rule in worksheet.data_validations.dataValidation:
        for cells in rule.sqref.ranges:
            assert not any(c.protection.locked for row in worksheet[str(cells)] for c in _cells(row))
        assert len(rule.promptTitle) <= 32
        assert 0 < len(rule.prompt) <= 255
    numbers = [r for r in worksheet.data_validations.dataValidation if r.type == "decimal"]
    assert [(r.operator, float(r.formula1)) for r in numbers] == [(None, 0.0)]  # between, the default


def _cells(row):
    return row if isinstance(row, tuple) else (row,)


def test_sheets_are_protected_without_a_password_and_let_people_work(write):
    workbook = write("finance", Cover("RWE", ROUND))
    for worksheet in workbook:
        assert worksheet.protection.sheet
        assert worksheet.protection.password is None
    allowed = workbook["Savings"].protection
    assert not any((allowed.formatCells, allowed.formatColumns, allowed.insertRows, allowed.sort, allowed.objects))
    assert allowed.deleteRows
    assert all(cell.protection.locked for row in workbook["Savings"]["A1:S4"] for cell in row)


def test_sheets_print_on_landscape_pages_with_their_headings(write):
    workbook = write("beds", Cover("RWE", ROUND))
    assert {(w.page_setup.orientation, int(w.page_setup.paperSize)) for w in workbook if w.title != "Lists"} == {
        ("landscape", 9)
    }
    assert [workbook[title].page_setup.fitToWidth for title in ("Beds", "Bed schemes")] == [None, 2]  # None: 1 page
    assert workbook["Beds"].print_title_rows == f"${HEADER}:${HEADER}"


def test_the_same_input_gives_the_same_bytes(tmp_path, reference):
    def written(name):
        path = tmp_path / name
        write_workbook(path, templates()["beds"], Cover("RWE", ROUND, prepared_on=date(2016, 10, 1)), reference)
        return hashlib.sha256(path.read_bytes()).hexdigest()

    first = written("a.xlsx")
    time.sleep(2.1)  # a zip's clock ticks every two seconds
    assert written("b.xlsx") == first


@pytest.mark.parametrize("text", ["=1+1", "+44", "-5 beds", "@home", "'quoted", "http://nhs.uk", "007"])
def test_text_stays_text(write, text):
    line = Line({"scheme_code": text, "scheme": text}, {"2016/17": text, "2017/18": 3})
    worksheet = write("beds", Cover("RWE", ROUND), {"bed_schemes": [line]})["Bed schemes"]
    cells = [c for row in worksheet.iter_rows(min_row=HEADER + 1, max_row=HEADER + 1) for c in row if c.value == text]
    assert [c.data_type for c in cells] == ["s", "s", "s"]
    assert not any(c.hyperlink for c in cells)


def test_total_leaves_text_and_gaps_out(write):
    gap = {"2016/17": 2.5, "2017/18": None}
    lines = [Line({"scheme_code": "A"}, {"2016/17": "n/a"}), Line({"scheme_code": "B"}, gap)]
    worksheet = write("beds", Cover("RWE", ROUND), {"bed_schemes": lines}, values=True)["Bed schemes"]
    first = next(c.column for c in worksheet[HEADER] if c.value == "2016/17")
    assert [worksheet.cell(row_of(worksheet, "Total"), first + n).value for n in (0, 1)] == [2.5, 0]


def test_yes_and_no_and_numbers_as_codes_are_written_as_labels(write):
    line = Line({"milestone_code": "M1", "priority": 1, "is_critical": True, "forecast_date": "to be agreed"})
    worksheet = write("monitoring", Cover("RWE", MONTH), {"milestones": [line]})["Milestones"]
    row = {h.value: c.value for h, c in zip(worksheet[HEADER], worksheet[HEADER + 1], strict=True)}
    assert (row["Priority"], row["Critical"]) == ("1 Urgent and emergency care", "Yes")
    assert row["Forecast date"] == "to be agreed"


def test_code_that_is_not_known_is_written_as_it_is_after_the_others(write):
    lines = [Line({"sector": "x", "bed_definition": d, "measure": "available"}) for d in ("wards", None, "stp_acute")]
    worksheet = write("beds", Cover("RWE", ROUND), {"beds": lines})["Beds"]
    sections = ["Acute beds (STP count) - Available", "not stated - Available", "wards - Available"]
    found = [row_of(worksheet, title) for title in sections]
    assert found == sorted(found)
    assert worksheet.cell(found[2] + 1, 3).value == "wards"


@pytest.mark.parametrize(
    ("about", "lines", "message"),
    [
        (Cover("XXX", ROUND), None, "no organisation XXX"),
        (Cover("RWE", "1999-01"), None, "1999-01"),
        (Cover("RWE", ROUND, data_status="x"), None, "no data status x"),
        (Cover("RWE", ROUND), {"bed": []}, "unknown table bed; known: beds, bed_schemes"),
        (Cover("RWE", ROUND), {"beds": [Line({"site": "RWEAA"})]}, "unknown column site"),
        (Cover("RWE", ROUND), {"beds": [Line({}, {"2031/32": 1})]}, "unknown period 2031/32"),
    ],
)
def test_what_is_not_known_is_refused_and_nothing_written(tmp_path, reference, about, lines, message):
    with pytest.raises(ValueError, match=message):
        write_workbook(tmp_path / "beds.xlsx", templates()["beds"], about, reference, lines)
    assert not list(tmp_path.iterdir())
