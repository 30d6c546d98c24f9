"""When the pipeline runs: the one job, its schedule, the sensor on the inbox, and what happens when a run fails.

Nothing is computed here. One run at a time: the queue (`dagster.yaml` beside this) and the home's lock see to it.
"""

import hashlib
import json
import logging
import os
import re
import urllib.request
from urllib.error import URLError

import dagster as dg

from llr_pipeline.archive import waiting
from llr_pipeline.paths import current_home
from llr_pipeline.warehouse import HomeLocked, locked

JOB = "everything"
ALERT_SECONDS = 10
NOTHING_LOST = "Nothing is lost, and the last published file stays."
# by the class of what stopped the run, what to do; the rest says so itself or needs its log
NEXT_STEPS = {
    "HomeLocked": f"{NOTHING_LOST} Wait until the other run ends; it takes in what waits, or run `llr run` after it.",
    "DagsterAssetCheckFailedError": f"{NOTHING_LOST} The check's page says what is not true; docs/operations.md, “When "
    "a check fails”, what to do. Mend that and run `llr run`.",
}
ANY_NEXT_STEP = f"{NOTHING_LOST} Mend what is named above and run `llr run`; `llr status` says how the home is."

job = dg.define_asset_job(
    JOB,
    selection=dg.AssetSelection.all(),
    description="Take in what waits in the inbox, rebuild every table and report, publish.",
)

schedule = dg.ScheduleDefinition(
    name="monthly",
    job_name=JOB,
    cron_schedule="0 6 12 * *",
    execution_timezone="Europe/London",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="06:00 on the 12th of each month, after the monthly returns are due.",
)


@dg.sensor(
    name="inbox",
    job_name=JOB,
    minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Starts a run when the inbox holds something that it has not yet started a run for.",
)
def inbox(context: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
    """A run once per content of the inbox: the run key is a hash of names, sizes and times. Changing files wait."""
    found = [(path, path.stat()) for path in waiting(current_home())]
    if not found:
        return dg.SkipReason("The inbox is empty.")
    seen = [[str(path), about.st_size, about.st_mtime_ns] for path, about in found]
    key = hashlib.sha256(json.dumps(seen).encode()).hexdigest()
    if key != context.cursor:
        context.update_cursor(key)
        return dg.SkipReason(f"{len(found)} files wait; a run starts when they have stopped changing.")
    try:
        with locked(current_home(), who="the inbox sensor"):
            pass
    except HomeLocked as error:  # a run that is under way takes them in, or the next tick starts one
        return dg.SkipReason(str(error))
    return dg.RunRequest(run_key=key, tags={"inbox_files": str(len(found))})


@dg.run_failure_sensor(
    name="run_failed",
    monitor_all_code_locations=False,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Logs why a run failed, and posts it where LLR_ALERT_WEBHOOK says.",
)
def run_failed(context: dg.RunFailureSensorContext) -> None:
    """Log why a run failed, and post it where LLR_ALERT_WEBHOOK says."""
    failure = context.failure_event.job_failure_data
    errors = {event.step_key: event.step_failure_data.error for event in context.get_step_failure_events()}
    if not errors and failure and failure.error:
        errors = {"the run": failure.error}
    details = [f"{step}: {root_cause(error)}" for step, error in errors.items()]
    next_steps = [NEXT_STEPS.get(innermost(error).cls_name, ANY_NEXT_STEP) for error in errors.values()]
    message = f"Run {context.dagster_run.run_id[:8]} failed: {context.failure_event.message}"
    alert(message, details=details, next_step=" ".join(dict.fromkeys(next_steps)) or ANY_NEXT_STEP, log=context.log)


def alert(message: str, *, details: list[str], next_step: str, log: logging.Logger) -> None:
    """Log a failure and post it as JSON to LLR_ALERT_WEBHOOK, if set. A post that fails is logged, never raised."""
    log.error("\n".join([message, *details, next_step]))
    address = os.environ.get("LLR_ALERT_WEBHOOK")
    if not address:
        return
    told = {"text": message, "details": details, "next": next_step, "home": str(current_home().root)}
    body = json.dumps(told).encode()
    try:
        request = urllib.request.Request(address, data=body, headers={"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=ALERT_SECONDS):
            pass
    except (URLError, OSError, ValueError) as error:
        reason = str(error).replace(address, "its address")  # which may hold a key
        log.error(f"The alert could not be posted to LLR_ALERT_WEBHOOK: {reason}")


def innermost(error):
    """The error that began it."""
    while error.cause is not None:
        error = error.cause
    return error


def root_cause(error) -> str:
    """The innermost error's message: what happened, not how Dagster came to hear of it."""
    error = innermost(error)
    return re.sub(rf"^[\w.]*{error.cls_name}: ", "", error.message.strip())
