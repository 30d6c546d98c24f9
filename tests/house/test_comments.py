"""The published file explains itself: every schema's tables, views and columns carry a comment, and none is unknown."""

from __future__ import annotations

from llr_pipeline import raw_tables
from llr_pipeline.contracts import contracts
from llr_pipeline.tables import CURRENT


def promised() -> dict[str, list[str]]:
    """Every table's columns by name, as its contract has them."""
    found = {name: [column.name for column in contract.columns] for name, contract in contracts().items()}
    return found | {
        f"raw.{name}": [c.name for c in columns] for name, (_, columns) in raw_tables.raw_descriptions().items()
    }


def test_every_table_and_view_has_a_comment(published):
    bare = published.execute(
        """
        select schema_name || '.' || table_name from duckdb_tables() where not internal and coalesce(comment, '') = ''
        union all
        select schema_name || '.' || view_name from duckdb_views() where not internal and coalesce(comment, '') = ''
        order by all
        """
    ).fetchall()
    assert not bare, f"no comment on {[name for (name,) in bare]}: replace_table() and comment() write them"


def test_every_column_has_a_comment(published):
    bare = published.execute(
        "select concat_ws('.', schema_name, table_name, column_name) from duckdb_columns() "
        "where not internal and coalesce(comment, '') = '' order by all"
    ).fetchall()
    assert not bare, f"no comment on {[name for (name,) in bare]}: describe them in their contract"


def test_every_column_has_a_contract_and_every_contract_its_columns(published):
    found: dict[str, list[str]] = {}
    for table, column in published.execute(
        "select schema_name || '.' || table_name, column_name from duckdb_columns() where not internal "
        "order by schema_name, table_name, column_index"
    ).fetchall():
        found.setdefault(table, []).append(column)
    known = promised()
    for table, columns in found.items():
        assert set(columns) == set(known.get(table.removesuffix(CURRENT), [])), f"{table} is not as its contract says"
    assert not set(known) - set(found), f"promised and not published: {sorted(set(known) - set(found))}"


def test_a_measure_says_its_unit_in_the_comment(published):
    for name, contract in contracts().items():
        for column in contract.columns:
            if not column.unit:
                continue
            (comment,) = published.execute(
                "select comment from duckdb_columns() where schema_name || '.' || table_name = ? and column_name = ?",
                [name, column.name],
            ).fetchone()
            assert comment.endswith(f"[{column.unit}]"), f"{name}.{column.name}: {comment}"
