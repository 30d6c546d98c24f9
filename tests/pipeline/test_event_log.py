"""Dagster's events in a home: the files are Dagster's own, and every process sees at once what another wrote."""

from __future__ import annotations

import queue
from collections.abc import Iterator

import dagster as dg
import pytest
from dagster._core.storage.event_log import SqliteEventLogStorage

from llr_pipeline.event_log import EventLog
from llr_pipeline.paths import Home
from llr_pipeline.running import prepare_instance

KEY = dg.AssetKey("beds")


@dg.asset(key=KEY, check_specs=[dg.AssetCheckSpec("is_full", asset=KEY)])
def beds() -> dg.MaterializeResult:
    return dg.MaterializeResult(metadata={"rows": 6}, check_results=[dg.AssetCheckResult(passed=True)])


@pytest.fixture
def instance(home: Home) -> Iterator[dg.DagsterInstance]:
    prepare_instance(home)
    with dg.DagsterInstance.get() as instance:
        assert isinstance(instance.event_log_storage, EventLog)
        yield instance


def rows_of(log: SqliteEventLogStorage) -> object:
    (record,) = log.get_asset_records([KEY])
    return record.asset_entry.last_materialization.asset_materialization.metadata["rows"].value


def test_dagsters_own_storage_reads_what_was_stored(home: Home, instance: dg.DagsterInstance) -> None:
    run = dg.materialize([beds], instance=instance)
    stock = SqliteEventLogStorage(str(home.dagster / "history" / "runs"))
    stored = [record.event_log_entry for record in stock.get_records_for_run(run.run_id).records]
    kinds = {entry.dagster_event_type for entry in stored}
    assert {event.event_type for event in run.all_events} <= kinds
    assert stored == instance.all_logs(run.run_id)
    assert rows_of(stock) == 6


def test_a_process_that_has_the_index_open_sees_the_next_run(home: Home, instance: dg.DagsterInstance) -> None:
    watching = EventLog(str(home.dagster / "history" / "runs"))
    assert watching.get_asset_records([KEY]) == []
    dg.materialize([beds], instance=instance)
    assert rows_of(watching) == 6


def test_who_watches_a_run_is_told_of_its_events_as_they_come(home: Home, instance: dg.DagsterInstance) -> None:
    """As the web server does, which waits for a run's file to be written."""
    told: queue.Queue[str] = queue.Queue()
    run = instance.create_run_for_job(dg.Definitions(assets=[beds]).resolve_implicit_global_asset_job_def())
    watching = EventLog(str(home.dagster / "history" / "runs"))
    watching.watch(run.run_id, None, lambda entry, _: told.put(entry.user_message or entry.message))
    try:
        instance.report_engine_event("beds are counted", run)
        while told.get(timeout=10) != "beds are counted":
            pass
    finally:
        watching.dispose()


def test_a_history_that_was_begun_anew_is_the_one_that_is_read(home: Home, instance: dg.DagsterInstance) -> None:
    dg.materialize([beds], instance=instance)
    folder = home.dagster / "history"
    watching = EventLog(str(folder / "runs"))
    assert rows_of(watching) == 6
    folder.rename(home.dagster / "set_aside")
    EventLog(str(folder / "runs"))
    assert watching.get_asset_records([KEY]) == []
