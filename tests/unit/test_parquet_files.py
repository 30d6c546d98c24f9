"""Published statistics as Parquet: the same table as the CSV gives, and files that are refused in words."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from llr_pipeline import parquet_files
from llr_pipeline.parquet_files import is_parquet
from llr_pipeline.reading import read_file
from llr_pipeline.returns import Reading

PEOPLE = {
    "area_code": ["E06000016", "E06000016", "E06000017"],
    "variant": ["v0", "v1", "v1"],
    "year": [2023, 2024, 2024],
    "age": [89, 90, 90],
    "females": [70, 71, None],
    "males": [60, 61, 62],
}


def write(path: Path, columns: dict) -> Path:
    pq.write_table(pa.table(columns), path)
    return path


def rows(reading: Reading) -> list[dict]:
    """What stands in raw, but for the sheet: a Parquet file and a CSV name theirs otherwise."""
    return [row | {"sheet": None} for row in reading.tables["nhs_population"].to_pylist()]


def refusal(path: Path) -> tuple[str, str]:
    reading = read_file(path)
    assert reading.is_refused
    (finding,) = reading.findings
    return finding.rule, finding.message


def test_parquet_and_csv_are_one_table(tmp_path):
    parquet = write(tmp_path / "people.parquet", PEOPLE)
    duckdb.execute(f"copy (from '{parquet}') to '{tmp_path / 'people.csv'}' (header)")
    read, as_text = read_file(parquet), read_file(tmp_path / "people.csv")
    assert rows(read) == rows(as_text)
    assert (read.identity, read.value_count, list(read.findings)) == (as_text.identity, 5, [])
    assert [(row["cell"]["value"], row["reading"]["value"]) for row in rows(read)] == [
        ("E2", 70), ("F2", 60), ("E3", 71), ("F3", 61), ("E4", None), ("F4", 62),
    ]  # fmt: skip


def test_it_is_known_by_its_content_not_by_its_name(tmp_path):
    for name in ("people.xlsx", "people[1].parquet", "people *.parquet"):  # the last two would be patterns
        path = write(tmp_path / name, PEOPLE)
        assert is_parquet(path)
        assert read_file(path).value_count == 5


def test_a_table_that_is_no_publication(tmp_path):
    path = write(tmp_path / "a.parquet", {name: values for name, values in PEOPLE.items() if name != "variant"})
    rule, message = refusal(path)
    assert rule == "not_a_publication"
    assert message.endswith("its headings are “area_code”, “year”, “age”, “females” and “males”")


@pytest.mark.parametrize("kept", [4, 100, -1, -300])
def test_a_file_that_was_cut_short(tmp_path, kept):
    content = write(tmp_path / "whole.parquet", PEOPLE).read_bytes()
    path = tmp_path / "cut.parquet"
    path.write_bytes(content[:kept])
    rule, message = refusal(path)
    assert rule == "corrupt"
    assert message.startswith("The Parquet file is damaged or was cut short (")
    assert str(tmp_path) not in message


def test_damage_inside_is_a_finding_or_does_no_harm(tmp_path):
    content = bytearray(write(tmp_path / "whole.parquet", PEOPLE).read_bytes())
    path = tmp_path / "damaged.parquet"
    for place in range(4, len(content), 97):
        path.write_bytes(content[:place] + bytes([content[place] ^ 0xFF]) + content[place + 1 :])
        reading = read_file(path)  # never raises
        assert reading.findings or reading.value_count


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (pa.array([[1], [2], [3]]), "“females” (bigint[])"),
        (pa.array([{"a": 1}] * 3), "“females” (struct(a bigint))"),
        (pa.array([[("a", 1)]] * 3, pa.map_(pa.string(), pa.int64())), "“females” (map(varchar, bigint))"),
        (pa.array([b"\0\1"] * 3), "“females” (blob)"),
    ],
)
def test_what_is_no_text_number_or_date(tmp_path, values, kind):
    rule, message = refusal(write(tmp_path / "a.parquet", PEOPLE | {"females": values}))
    assert (rule, message) == (
        "not_a_workbook", f"The Parquet file has columns that are no text, number or date: {kind}"
    )  # fmt: skip


def test_too_many_cells_are_counted_before_they_are_read(tmp_path):
    """A million rows that are all alike pack into a few kilobytes."""
    same = {name: pa.repeat(values[0], 1_100_000) for name, values in PEOPLE.items()}
    path = write(tmp_path / "a.parquet", same)
    assert path.stat().st_size < 200_000
    assert refusal(path) == ("too_large", "The file has 1,100,000 rows of 6 columns; the most is 6 million cells")


def test_what_would_unpack_to_too_much(tmp_path, monkeypatch):
    monkeypatch.setattr(parquet_files, "MAXIMUM_UNPACKED_BYTES", 200)
    rule, message = refusal(write(tmp_path / "a.parquet", PEOPLE))
    assert (rule, message.startswith("The file would unpack to ")) == ("too_large", True)
