"""The dictionary in the published file: everything that is there, as it is there, and nothing else."""

from __future__ import annotations

from llr_pipeline.raw_tables import raw_descriptions


def test_it_describes_every_table_view_column_and_macro(published):
    """A view's columns are those of its table."""
    there = published.execute(
        """
        select schema_name || '.' || table_name as name, '' as column_name from duckdb_tables()
        union all
        select schema_name || '.' || view_name, '' from duckdb_views() where not internal
        union all
        select schema_name || '.' || table_name, column_name from duckdb_columns()
        where not internal and schema_name || '.' || table_name not in
            (select schema_name || '.' || view_name from duckdb_views())
        union all
        select distinct function_name, '' from duckdb_functions() where not internal
        """
    ).fetchall()
    described = published.execute("select name, column_name from reference.dictionary").fetchall()
    assert sorted(described) == sorted(there)


def test_types_are_those_of_the_columns(published):
    wrong = published.execute(
        """
        select name, dictionary.column_name, type, data_type
        from reference.dictionary as dictionary
        inner join duckdb_columns() as columns
            on name = schema_name || '.' || table_name and dictionary.column_name = columns.column_name
        where not starts_with(lower(data_type), lower(type))
        """
    ).fetchall()
    assert not wrong


def test_an_example_is_a_value_of_its_column(published):
    examples = published.execute(
        "select name, column_name, example from reference.dictionary "
        "where layer = 'reference' and example is not null and length(example) < 80"
    ).fetchall()
    assert len(examples) > 80
    for name, column, example in examples:
        found = published.execute(f'select 1 from {name} where "{column}"::varchar = ? limit 1', [example]).fetchone()
        assert found, f"{name}.{column} nowhere holds {example}"


def test_a_required_column_of_a_table_with_rows_has_an_example(published):
    bare = published.execute(
        """
        select name, column_name from reference.dictionary
        where is_required and not is_key and column_name <> '' and example is null and name <> 'reference.dictionary'
            and name in (select name from reference.dictionary where example is not null)
        """
    ).fetchall()
    assert not bare


def test_a_macro_states_its_units(published):
    bare = published.execute(
        "select name from reference.dictionary where layer = 'macros' and not contains(definition, '[')"
    ).fetchall()
    assert not bare


def test_keys_tell_the_rows_of_a_raw_sheet_apart(published):
    """The contracts' own keys are checked at each run; those of the sheets are stated in the dictionary alone."""
    keys = dict(
        published.execute(
            "select name, string_agg(column_name, ', ') from reference.dictionary "
            "where layer = 'raw' and is_key group by all"
        ).fetchall()
    )
    for table in ("raw.activity", "raw.beds", "raw.milestones"):
        assert table.removeprefix("raw.") in raw_descriptions()
        twice = published.execute(f"select 1 from {table} group by {keys[table]} having count(*) > 1").fetchone()
        assert not twice, f"{table}: {keys[table]} is no key"
