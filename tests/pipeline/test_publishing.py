"""What analysts open: whole, current, read-only, and never half of one run and half of another."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import duckdb
import pytest

from llr_pipeline import tables
from llr_pipeline.checks import Seen
from llr_pipeline.paths import PROJECT, Home
from llr_pipeline.publishing import Publication, PublishingError, publish
from llr_pipeline.raw_tables import create_tables
from llr_pipeline.steps import published_file
from llr_pipeline.warehouse import inputs_of, opened, record_build

NOBODY = 65534
NEEDS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="another user's view needs root, to become `nobody`")

# The subprocesses import everything, then stop being root: `nobody` may not read the interpreter's own folder.
PRELUDE = f"""
import os, resource, sys
from pathlib import Path
import duckdb
from llr_pipeline.publishing import PublishingError, publish

def drop_root():
    if os.geteuid() == 0:
        os.setgroups([]); os.setgid({NOBODY}); os.setuid({NOBODY})

def attempt(action):
    try:
        action()
        print("allowed", flush=True)
    except Exception as error:
        print(type(error).__name__, str(error).splitlines()[0], flush=True)

root = Path(sys.argv[1])
warehouse, target = root / "warehouse" / "llr.duckdb", root / "published" / "llr.duckdb"
"""


@pytest.fixture
def home() -> Iterator[Home]:
    """A home that every user can reach, which pytest's own temporary folders are not."""
    root = Path(tempfile.mkdtemp(prefix="llr-publishing-"))
    root.chmod(0o755)
    yield Home(root).create()
    Home(root).published.parent.chmod(0o755)
    shutil.rmtree(root)


@pytest.fixture
def warehouse(home: Home) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(home.warehouse) as connection:
        connection.execute("""
            create schema raw; create schema core; create schema mart;
            create table raw.table_builds
                (table_name varchar primary key, inputs varchar[], built_at timestamp, run_id varchar,
                 is_sound boolean, content varchar);
            create macro per_year(amount, days) as amount * 365 / days;
            create table core.counts as select range as id, 'site ' || range % 7 as site from range(1000);
            create view core.counts_current as select id, site from core.counts where id >= 10;
            create view mart.yearly as select per_year(id, 73) as yearly from core.counts_current;
            comment on table core.counts is 'One row per count. It''s quoted';
            comment on column core.counts.site is 'Where it was counted';
            comment on view core.counts_current is 'The latest of each';
            comment on column core.counts_current.id is 'A number';
            comment on macro per_year is 'An amount a year';
        """)
        yield connection


def build(connection: duckdb.DuckDBPyConnection, table: str, *reads: str, definition: str = "") -> None:
    """Note a table as built from what these tables hold now."""
    inputs = [*inputs_of(connection, reads), *filter(None, [definition])]
    record_build(connection, table, inputs, "run", is_sound=True, holds=[table])


def rows(path: Path, query: str = "select count(*) from core.counts") -> list[tuple]:
    with duckdb.connect(path, read_only=True) as reader:
        return reader.execute(query).fetchall()


def python(code: str, home: Home) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", PRELUDE + code, str(home.root)],
        cwd=PROJECT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def said(code: str, home: Home) -> list[str]:
    process = python(code, home)
    out, _ = process.communicate(timeout=30)
    assert process.returncode == 0, out
    return out.splitlines()


SHOWN = ["current", "editions", "llr.duckdb", "manifest.json", "manifests", "parquet"]


def only_the_published_file(home: Home) -> bool:
    """Nothing half made is left: what is shown, and whole editions."""
    folder = home.published.parent
    editions = list((folder / "editions").iterdir())
    return sorted(path.name for path in folder.iterdir()) == SHOWN and all(
        (edition / "manifest.json").exists() for edition in editions
    )


# --- what is published


def test_the_copy_is_complete_and_read_only(home: Home, warehouse: duckdb.DuckDBPyConnection) -> None:
    home.published.parent.chmod(0o777)
    publication = publish(warehouse, home.published)

    assert isinstance(publication, Publication)
    assert (publication.path, publication.tables) == (home.published, 2)
    assert publication.size_bytes == home.published.stat().st_size < home.warehouse.stat().st_size
    digest = subprocess.run(["sha256sum", home.published], capture_output=True, text=True, check=True).stdout.split()[0]
    assert publication.sha256 == digest
    assert home.published.stat().st_mode & 0o7777 == 0o444
    assert home.published.parent.stat().st_mode & 0o7777 == 0o755
    assert only_the_published_file(home)
    assert not home.warehouse.with_name("llr.duckdb.wal").exists()

    assert rows(home.published, "select max(yearly) from mart.yearly") == [(4995.0,)]
    comments = """
        select comment from duckdb_tables() union all select comment from duckdb_views() where not internal
        union all select comment from duckdb_columns() where not internal
        union all select comment from duckdb_functions() where not internal
    """
    assert {c for (c,) in rows(home.published, comments)} - {None} == {
        "One row per count. It's quoted",
        "Where it was counted",
        "The latest of each",
        "A number",
        "An amount a year",
    }


def test_the_warehouse_stays_locked_while_and_after_it_is_copied(
    home: Home, warehouse: duckdb.DuckDBPyConnection
) -> None:
    publish(warehouse, home.published)
    assert "Could not set lock" in said("attempt(lambda: duckdb.connect(warehouse))", home)[0]
    warehouse.execute("insert into core.counts values (1000, 'later')")
    assert publish(warehouse, home.published).tables == 2
    assert rows(home.published) == [(1001,)]


def test_a_reader_of_the_old_file_keeps_the_old_rows(home: Home, warehouse: duckdb.DuckDBPyConnection) -> None:
    publish(warehouse, home.published)
    reader = python(
        """
connection = duckdb.connect(target, read_only=True)
for _ in range(2):
    print(connection.execute("select count(*) from core.counts").fetchone()[0], flush=True); input()
""",
        home,
    )
    assert reader.stdout.readline() == "1000\n"
    warehouse.execute("delete from core.counts where id < 400")
    publish(warehouse, home.published)
    reader.stdin.write("\n")
    reader.stdin.flush()
    assert reader.stdout.readline() == "1000\n"
    assert rows(home.published) == [(600,)]
    reader.communicate("\n", timeout=10)


# --- an edition: the file, its Parquet copy and its manifest


def test_the_parquet_copy_has_the_rows_and_the_comments(home: Home, warehouse: duckdb.DuckDBPyConnection) -> None:
    publish(warehouse, home.published)
    parquet = home.published.parent / "parquet"
    assert {str(path.relative_to(parquet)) for path in parquet.rglob("*.parquet")} == {
        "core/counts.parquet", "core/counts_current.parquet", "mart/yearly.parquet",
    }  # fmt: skip
    with duckdb.connect() as reader:
        there = reader.execute(f"select count(*), max(id) from '{parquet}/core/counts.parquet'").fetchone()
        said = dict(
            reader.execute(f"select key, value from parquet_kv_metadata('{parquet}/core/counts.parquet')").fetchall()
        )
    assert there == (1000, 999)
    assert said[b"description"] == b"One row per count. It's quoted"
    assert json.loads(said[b"columns"]) == {"id": "", "site": "Where it was counted"}


def test_the_manifest_has_the_hash_of_every_file(home: Home, warehouse: duckdb.DuckDBPyConnection) -> None:
    publish(warehouse, home.published, about={"run_id": "run 7"})
    folder = home.published.parent
    manifest = json.loads((folder / "manifest.json").read_text())
    assert (manifest["run_id"], manifest["tables"]["core.counts"]["rows"]) == ("run 7", 1000)
    files = {str(p.relative_to(folder / "current")) for p in (folder / "current").rglob("*") if p.is_file()}
    assert files == {*manifest["files"], "manifest.json"}
    for name, about in manifest["files"].items():
        said = subprocess.run(["sha256sum", folder / "current" / name], capture_output=True, text=True, check=True)
        assert said.stdout.split()[0] == about["sha256"]
    assert json.loads((folder / "manifests" / f"{manifest['edition']}.json").read_text()) == manifest


def test_the_file_and_its_parquet_copy_change_together_and_what_is_the_same_is_not_written_again(
    home: Home, warehouse: duckdb.DuckDBPyConnection
) -> None:
    warehouse.execute("create table core.sites as select 1 as a")
    publish(warehouse, home.published)
    folder = home.published.parent
    inode = {path.name: path.stat().st_ino for path in (folder / "parquet" / "core").iterdir()}
    before = (folder / "current").resolve()
    warehouse.execute("insert into core.counts values (1000, 'later')")
    publish(warehouse, home.published)
    after = {path.name: path.stat().st_ino for path in (folder / "parquet" / "core").iterdir()}
    assert after["sites.parquet"] == inode["sites.parquet"]
    assert after["counts.parquet"] != inode["counts.parquet"]
    for edition, count in ((before, 1000), ((folder / "current").resolve(), 1001)):
        assert rows(edition / "llr.duckdb") == [(count,)]
        with duckdb.connect() as reader:
            read = f"select count(*) from '{edition}/parquet/core/counts.parquet'"
            assert reader.execute(read).fetchone() == (count,)


def test_two_editions_are_kept_and_every_manifest(home: Home, warehouse: duckdb.DuckDBPyConnection) -> None:
    for number in range(4):
        warehouse.execute("insert into core.counts values (?, 'later')", [number])
        publish(warehouse, home.published)
    assert len(list((home.published.parent / "editions").iterdir())) == 2
    assert len(list((home.published.parent / "manifests").iterdir())) == 4


def test_a_lost_parquet_file_and_a_home_that_was_copied_without_links_are_mended(
    home: Home, warehouse: duckdb.DuckDBPyConnection
) -> None:
    publish(warehouse, home.published)
    folder = home.published.parent
    (folder / "parquet" / "core" / "counts.parquet").unlink()
    assert publish(warehouse, home.published).is_new
    shutil.copytree(folder, home.root / "copied")
    shutil.rmtree(folder)
    (home.root / "copied").rename(folder)
    assert not (folder / "current").is_symlink()
    warehouse.execute("insert into core.counts values (1000, 'later')")
    assert publish(warehouse, home.published).is_new
    assert (folder / "current").is_symlink()
    assert only_the_published_file(home)
    assert rows(home.published) == [(1001,)]


def test_a_reader_keeps_its_rows_while_others_are_published(home: Home, warehouse: duckdb.DuckDBPyConnection) -> None:
    publish(warehouse, home.published)
    reader = python(
        """
connection = duckdb.connect(target, read_only=True)
while True:
    print(connection.execute("select count(*), sum(id) from core.counts").fetchone(), flush=True)
    if not input():
        break
""",
        home,
    )
    first = "(1000, 499500)\n"  # 0 to 999: 999 x 1000 / 2
    assert reader.stdout.readline() == first
    for number in range(5):  # twenty by hand, in tests/benchmarks
        warehouse.execute("insert into core.counts values (?, 'later')", [1000 + number])
        assert publish(warehouse, home.published).is_new
        reader.stdin.write("again\n")
        reader.stdin.flush()
        assert reader.stdout.readline() == first
        assert rows(home.published) == [(1001 + number,)]
    assert only_the_published_file(home)
    reader.communicate("\n", timeout=10)


# --- what is refused


def test_a_table_built_from_what_has_changed_is_refused_and_named(
    home: Home, warehouse: duckdb.DuckDBPyConnection
) -> None:
    build(warehouse, "core.counts")
    build(warehouse, "mart.yearly", "core.counts")
    record_build(warehouse, "reports/yearly", inputs_of(warehouse, ["mart.yearly"]), "run", is_sound=True)
    publish(warehouse, home.published)

    warehouse.execute("update core.counts set id = 3000 where id = 300")
    with pytest.raises(PublishingError, match=r"behind: core\.counts, mart\.yearly\. .* changed: core\.counts, mart"):
        publish(warehouse, home.published)
    build(warehouse, "core.counts")
    with pytest.raises(PublishingError, match=r"behind: mart\.yearly\. .* changed: core\.counts, .*`llr run`"):
        publish(warehouse, home.published)
    build(warehouse, "mart.yearly", "core.counts")
    with pytest.raises(PublishingError, match=r"behind: reports/yearly\. .* changed: mart\.yearly;"):
        publish(warehouse, home.published)
    assert only_the_published_file(home)

    record_build(warehouse, "reports/yearly", inputs_of(warehouse, ["mart.yearly"]), "run", is_sound=True)
    assert publish(warehouse, home.published).tables == 2


def test_a_table_that_was_built_again_and_holds_the_same_leaves_nothing_behind(
    home: Home, warehouse: duckdb.DuckDBPyConnection
) -> None:
    build(warehouse, "core.counts")
    build(warehouse, "mart.yearly", "core.counts")
    warehouse.execute("create or replace table core.counts as select * from core.counts order by id desc")
    build(warehouse, "core.counts")
    assert publish(warehouse, home.published).tables == 2


def test_a_table_made_by_another_release_is_refused(home: Home, warehouse: duckdb.DuckDBPyConnection) -> None:
    build(warehouse, "core.counts", definition="sql/core.counts@old")
    build(warehouse, "mart.yearly", "core.counts", definition="sql/mart.yearly@new")
    now = ["sql/core.counts@new", "sql/mart.yearly@new"]
    with pytest.raises(PublishingError, match=r"behind: core\.counts\. .* changed: sql/core\.counts;"):
        publish(warehouse, home.published, definitions=now)
    build(warehouse, "core.counts", definition="sql/core.counts@new")
    assert publish(warehouse, home.published, definitions=now).tables == 2


def test_a_file_that_holds_just_this_stays_unless_it_is_damaged(
    home: Home, warehouse: duckdb.DuckDBPyConnection
) -> None:
    first = publish(warehouse, home.published)
    inode = home.published.stat().st_ino
    again = publish(warehouse, home.published)
    assert (first.is_new, again.is_new) == (True, False)
    assert (again.sha256, again.size_bytes, again.tables) == (first.sha256, first.size_bytes, first.tables)
    assert home.published.stat().st_ino == inode

    for change in ("update core.counts set site = 'another' where id = 3", "comment on table core.counts is 'Another'"):
        warehouse.execute(change)
        assert publish(warehouse, home.published).is_new, change
        assert not publish(warehouse, home.published).is_new, change
    home.published.chmod(0o644)
    home.published.write_bytes(home.published.read_bytes()[:5000])
    assert publish(warehouse, home.published).is_new


def test_a_warehouse_without_the_record_of_builds_is_refused(home: Home, warehouse: duckdb.DuckDBPyConnection) -> None:
    warehouse.execute("drop table raw.table_builds")
    with pytest.raises(PublishingError, match=r"reading what each table was built from failed .*`llr run`"):
        publish(warehouse, home.published)


def test_a_view_that_cannot_be_read_is_named(home: Home, warehouse: duckdb.DuckDBPyConnection) -> None:
    publish(warehouse, home.published)
    warehouse.execute("create table core.gone (a int); create view mart.broken as select a from core.gone")
    warehouse.execute("drop table core.gone")
    with pytest.raises(PublishingError, match=r"mart\.broken"):
        publish(warehouse, home.published)
    assert only_the_published_file(home)
    assert rows(home.published) == [(1000,)]


def test_an_unfinished_transaction_is_refused(home: Home, warehouse: duckdb.DuckDBPyConnection) -> None:
    warehouse.execute("begin; insert into core.counts values (1000, 'unfinished')")
    with pytest.raises(PublishingError, match="Nothing was published: copying the warehouse failed"):
        publish(warehouse, home.published)
    assert not home.published.exists()
    warehouse.execute("rollback")
    assert publish(warehouse, home.published).tables == 2


# --- when it fails half way


def test_a_full_disk_leaves_the_old_file_and_a_usable_warehouse(
    home: Home, warehouse: duckdb.DuckDBPyConnection
) -> None:
    publish(warehouse, home.published)
    warehouse.execute("insert into core.counts select range, md5(range::varchar) from range(30000)")
    warehouse.close()
    lines = said(
        """
connection = duckdb.connect(warehouse)
connection.execute("checkpoint")
for limit in (0, 20_000, 700_000):
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    attempt(lambda: publish(connection, target))
    print(sorted(os.listdir(target.parent)), flush=True)
print(duckdb.connect(target, read_only=True).execute("select count(*) from core.counts").fetchone()[0])
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
attempt(lambda: publish(connection, target))
""",
        home,
    )
    for failure, listing in zip(lines[0:6:2], lines[1:6:2], strict=True):
        assert failure.startswith("PublishingError Nothing was published: copying the warehouse failed")
        assert "check the free space" in failure
        assert listing == str(SHOWN)
    assert lines[6:] == ["1000", "allowed"]
    assert rows(home.published) == [(31000,)]


def test_a_folder_that_cannot_be_written_leaves_the_old_file(home: Home, warehouse: duckdb.DuckDBPyConnection) -> None:
    publish(warehouse, home.published)
    warehouse.execute("insert into core.counts values (1000, 'later')")
    warehouse.close()
    if os.geteuid() == 0:
        for path in [home.root, *home.root.rglob("*")]:
            os.chown(path, NOBODY, NOBODY)
    home.published.parent.chmod(0o555)
    lines = said(
        "drop_root()\nconnection = duckdb.connect(warehouse)\nattempt(lambda: publish(connection, target))", home
    )
    assert "Nothing was published" in lines[0]
    assert "permissions of " in lines[0]
    assert only_the_published_file(home)
    assert rows(home.published) == [(1000,)]


def test_a_killed_publisher_leaves_a_whole_file(home: Home, warehouse: duckdb.DuckDBPyConnection) -> None:
    warehouse.execute("create table core.big as select 0 as generation, md5(range::varchar) as a from range(100000)")
    publish(warehouse, home.published)
    warehouse.close()
    publisher = """
connection = duckdb.connect(warehouse)
print("ready", flush=True)
while True:
    connection.execute("update core.big set generation = generation + 1")
    publish(connection, target)
"""
    moments, left_something = random.Random(4), False
    for _ in range(6):
        process = python(publisher, home)
        assert process.stdout.readline() == "ready\n"
        while only_the_published_file(home):
            time.sleep(0.001)
        time.sleep(moments.uniform(0, 0.1))
        process.kill()
        process.wait()
        left_something |= not only_the_published_file(home)
        generations = "select count(*), count(distinct generation) from core.big"
        assert rows(home.published, generations) == [(100000, 1)]
        assert not home.published.with_name("llr.duckdb.wal").exists()
    assert left_something, "every kill came too late"
    with duckdb.connect(home.warehouse) as connection:
        publish(connection, home.published)
    assert only_the_published_file(home)


# --- someone writes to the published file


@NEEDS_ROOT
def test_another_user_can_read_but_not_write_before_or_after_a_swap(
    home: Home, warehouse: duckdb.DuckDBPyConnection
) -> None:
    home.published.parent.chmod(0o777)
    publish(warehouse, home.published)
    other = python(
        """
drop_root()
for _ in range(2):
    attempt(lambda: duckdb.connect(target))
    attempt(lambda: target.open("r+b"))
    attempt(lambda: Path(f"{target}.wal").open("wb"))
    attempt(lambda: os.replace(target, f"{target}.moved"))
    with duckdb.connect(target, read_only=True) as reader:
        attempt(lambda: reader.execute("insert into core.counts values (1, 'x')"))
        print("done", flush=True); input()
        attempt(lambda: reader.execute("insert into core.counts values (1, 'x')"))
""",
        home,
    )
    for _ in range(2):
        tries = [other.stdout.readline() for _ in range(6)]
        assert tries[0].startswith("IOException"), tries
        assert "Permission denied" in tries[0]
        assert [t.split()[0] for t in tries[1:]] == [*["PermissionError"] * 3, "InvalidInputException", "done"], tries
        assert only_the_published_file(home)
        warehouse.execute("insert into core.counts values (1000, 'later')")
        publish(warehouse, home.published)
        other.stdin.write("\n")
        other.stdin.flush()
        assert other.stdout.readline().startswith("InvalidInputException")
    other.communicate(timeout=10)
    assert only_the_published_file(home)
    assert rows(home.published) == [(1002,)]


def test_the_pipelines_own_user_cannot_open_it_for_writing_either(
    home: Home, warehouse: duckdb.DuckDBPyConnection
) -> None:
    """A developer's laptop: publisher and reader are one ordinary user, who owns both the file and its folder."""
    warehouse.close()
    if os.geteuid() == 0:
        for path in [home.root, *home.root.rglob("*")]:
            os.chown(path, NOBODY, NOBODY)
    lines = said(
        """
drop_root()
connection = duckdb.connect(warehouse)
for _ in range(2):
    publish(connection, target)
    attempt(lambda: duckdb.connect(target))
    print(target.stat().st_uid == os.geteuid() != 0, sorted(os.listdir(target.parent)))
    print(duckdb.connect(target, read_only=True).execute("select count(*) from core.counts").fetchone()[0])
""",
        home,
    )
    for refused, listing, count in (lines[:3], lines[3:]):
        assert refused.startswith("IOException")
        assert "Permission denied" in refused
        assert (listing, count) == (f"True {SHOWN}", "1000")


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_wal_written_to_the_old_file_never_changes_the_new(
    moment: str, home: Home, warehouse: duckdb.DuckDBPyConnection
) -> None:
    """Root, or an owner who gave himself the right, has the old file open for writing across the swap."""
    publish(warehouse, home.published)
    home.published.chmod(0o644)
    writer = python(
        f"""
connection = duckdb.connect(target)
write = lambda: connection.execute("insert into core.counts values (-1, 'written by hand')")
"before" == "{moment}" and write()
print("open", flush=True); input()
"after" == "{moment}" and write()
print("written", flush=True); input()
""",
        home,
    )
    old = home.published.resolve()  # DuckDB keeps the log of a file reached by a link beside the file itself
    wal = old.with_name("llr.duckdb.wal")
    assert writer.stdout.readline() == "open\n"
    assert wal.exists() == (moment == "before")
    warehouse.execute("insert into core.counts values (1000, 'later')")
    publish(warehouse, home.published)
    writer.stdin.write("\n")
    writer.stdin.flush()
    assert writer.stdout.readline() == "written\n"
    writer.kill()
    writer.wait()

    assert wal.exists()
    assert home.published.resolve() != old
    assert rows(home.published, "select count(*), min(id) from core.counts") == [(1001, 0)]
    assert not home.published.resolve().with_name("llr.duckdb.wal").exists()


def test_what_somebody_wrote_to_the_newest_edition_is_published_over(
    home: Home, warehouse: duckdb.DuckDBPyConnection
) -> None:
    publish(warehouse, home.published)
    home.published.chmod(0o644)
    writer = python(
        "duckdb.connect(target).execute(\"insert into core.counts values (-1, 'by hand')\"); os._exit(0)", home
    )
    writer.communicate(timeout=30)
    assert publish(warehouse, home.published).is_new
    assert rows(home.published, "select count(*), min(id) from core.counts") == [(1000, 0)]


def test_a_stray_wal_is_removed(home: Home, warehouse: duckdb.DuckDBPyConnection) -> None:
    publish(warehouse, home.published)
    home.published.with_name("llr.duckdb.wal").write_bytes(b"left by someone")
    publish(warehouse, home.published)
    assert only_the_published_file(home)
    assert rows(home.published) == [(1000,)]


def test_a_table_that_has_not_passed_its_checks_is_not_published(warehouse, home: Home):
    build(warehouse, "core.counts")
    publish(warehouse, home.published)
    before = home.published.read_bytes()
    warehouse.execute("update raw.table_builds set is_sound = false")
    with pytest.raises(PublishingError, match=r"have not passed their checks: core\.counts"):
        publish(warehouse, home.published)
    assert home.published.read_bytes() == before


# --- checks that warn


def every_row_is_right(connection: duckdb.DuckDBPyConnection) -> Seen:
    """No row is wrong."""
    return Seen(passed=False, sentences=["Three rows are wrong"], counts={"wrong": 3})


def the_check_works(connection: duckdb.DuckDBPyConnection) -> Seen:
    """It does not."""
    raise ZeroDivisionError("a fault of the check's own")


def test_a_check_that_warns_blocks_nothing_even_where_it_fails_itself(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LLR_HOME", str(home.root))
    with opened(home) as connection:
        tables.load_reference(connection, run_id="test")
        create_tables(connection)
        connection.execute("update raw.table_builds set is_sound = true")
    assets = [tables.table("mart.return_completeness", warns=[every_row_is_right, the_check_works]), published_file()]

    def materialise() -> tuple[bool, dict[str, dict]]:
        result = dg.materialize(assets, resources={"warehouse": tables.Warehouse()}, raise_on_error=False)
        failed = [c for c in result.get_asset_check_evaluations() if not c.passed]
        return result.success, {c.check_name: {k: v.value for k, v in c.metadata.items()} for c in failed}

    succeeded, failed = materialise()
    assert succeeded
    assert failed == {
        "every_row_is_right": {"wrong": 3, "found": "Three rows are wrong"},
        "the_check_works": {"found": "the_check_works could not be looked at: a fault of the check's own"},
    }
    before = home.published.read_bytes()
    with duckdb.connect(home.warehouse) as connection:
        connection.execute("delete from reference.organisations where organisation_code = 'RWE'")
        build(connection, "reference.organisations")
    succeeded, failed = materialise()
    assert not succeeded
    assert failed["every_row_is_right"] == {"found": "mart.return_completeness breaks its contract"}
    assert home.published.read_bytes() == before
