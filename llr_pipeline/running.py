"""One run of everything from the command line, recorded in the home's Dagster instance, with progress as it goes.

The UI's runs go through Dagster's own queue (`automation.py`); both hold the home's lock.
"""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime

import dagster as dg

from llr_pipeline.automation import JOB, root_cause
from llr_pipeline.paths import PROJECT, Home
from llr_pipeline.rebuilding import set_aside
from llr_pipeline.repair import Request
from llr_pipeline.warehouse import locked


@dataclass
class Outcome:
    """How a run ended: when it started (UTC), failures and warnings in words, and what the intake step reported."""

    run_id: str
    started_at: datetime
    failures: list[tuple[str, str]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    intake: dict[str, int] = field(default_factory=dict)

    @property
    def succeeded(self) -> bool:
        return not self.failures


def prepare_instance(home: Home) -> None:
    """Put dagster.yaml into the home and point Dagster at it."""
    home.create()
    shutil.copyfile(PROJECT / "llr_pipeline" / "dagster.yaml", home.dagster / "dagster.yaml")
    os.environ["DAGSTER_HOME"] = str(home.dagster)
    os.environ["LLR_HOME"] = str(home.root)


def end_dead_runs() -> None:
    """Call runs that were killed failed, which would hold Dagster's queue for good. Only for who holds the home's lock:
    then no other run of this home is alive.
    """
    alive = [dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING]
    with dg.DagsterInstance.get() as instance:
        for run in instance.get_runs(dg.RunsFilter(statuses=alive)):
            instance.report_run_failed(run, "The run's process ended before the run did; found by the next one.")


def run_everything(
    home: Home, *, report: Callable[[str, int, int], None], request: Request | None = None, rebuild: bool = False
) -> Outcome:
    """Run the whole job in this process. `report(message, steps done, steps)` is called as it goes.

    `rebuild` sets the warehouse aside first. Raises HomeLocked when another run holds the home, WarehouseError when
    there is nothing to rebuild from. Everything else that goes wrong is in the outcome.
    """
    warnings: list[str] = []
    prepare_instance(home)
    with locked(home, who="llr run"):  # say so before a run is started, rather than as a failed run
        end_dead_runs()
        if rebuild and home.warehouse.exists():
            warnings.append(set_aside(home, why="is to be rebuilt"))
    from llr_pipeline.definitions import defs

    job = defs.resolve_job_def(JOB)
    steps = len(job.nodes)
    done = 0

    class Progress(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            nonlocal done
            about = getattr(record, "dagster_meta", {})
            event = about.get("dagster_event")
            if event is None:
                if record.levelno == logging.WARNING and "orig_message" in about:
                    warnings.append(about["orig_message"])
                elif about.get("step_key") and record.levelno == logging.INFO:
                    report(about["orig_message"], done, steps)
            elif event.event_type_value in ("STEP_SUCCESS", "STEP_FAILURE", "STEP_SKIPPED"):
                done += 1
                report("", done, steps)

    @dg.logger
    def progress(_context: dg.InitLoggerContext) -> logging.Logger:
        logger = logging.Logger("llr", logging.DEBUG)
        logger.addHandler(Progress())
        return logger

    watched = dg.Definitions(
        assets=defs.assets,
        jobs=defs.jobs,
        resources=defs.resources,
        executor=defs.executor,
        loggers={"progress": progress},
    )
    asked = {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(request or Request()).items()}
    started_at = datetime.now(UTC).replace(tzinfo=None)
    with dg.DagsterInstance.get() as instance:
        result = watched.resolve_job_def(JOB).execute_in_process(
            instance=instance,
            run_config={"loggers": {"progress": {}}, "ops": {"intake": {"config": asked}}},
            raise_on_error=False,
        )
    outcome = Outcome(result.run_id, started_at, warnings=warnings)
    for event in result.all_events:
        if event.is_step_failure:
            if event.step_failure_data.error.cls_name == "DagsterAssetCheckFailedError":
                continue  # the check itself is told below, in its own words
            outcome.failures.append((event.step_key or "", root_cause(event.step_failure_data.error)))
        elif event.event_type_value == "PIPELINE_FAILURE" and not any(e.is_step_failure for e in result.all_events):
            failure = event.job_failure_data
            outcome.failures.append(("the run", root_cause(failure.error) if failure.error else event.message or ""))
        elif event.is_step_materialization and event.asset_key == dg.AssetKey(["raw", "submissions"]):
            metadata = event.step_materialization_data.materialization.metadata
            outcome.intake = {k: v.value for k, v in metadata.items() if isinstance(v.value, int)}
    for check in (
        e.asset_check_evaluation_data for e in result.all_events if e.event_type_value == "ASSET_CHECK_EVALUATION"
    ):
        if not check.passed and check.blocking:
            broken = "; ".join(f"{name}: {value.value}" for name, value in check.metadata.items())
            outcome.failures.append((".".join(check.asset_key.path), f"{check.check_name} is not true ({broken})"))
    return outcome
