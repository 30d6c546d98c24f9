"""The job, the schedule, the inbox sensor and the alert."""

from __future__ import annotations

import http.server
import json
import logging
import threading

import dagster as dg
import pytest

from llr_pipeline.automation import NEXT_STEPS, alert, inbox, run_failed, schedule
from llr_pipeline.definitions import defs
from llr_pipeline.paths import Home
from llr_pipeline.warehouse import HomeLocked


def test_the_schedule_is_six_in_the_morning_on_the_twelfth_in_london() -> None:
    assert (schedule.cron_schedule, schedule.execution_timezone) == ("0 6 12 * *", "Europe/London")
    assert schedule.job_name == "everything"


def test_the_job_covers_every_asset() -> None:
    job = defs.resolve_job_def("everything")
    assert job.asset_layer.executable_asset_keys == set(defs.resolve_asset_graph().get_all_asset_keys())
    assert job.executor_def is dg.in_process_executor


def tick(cursor: str | None) -> tuple[dg.RunRequest | dg.SkipReason, str | None]:
    context = dg.build_sensor_context(cursor=cursor)
    return inbox(context), context.cursor


def test_the_sensor_asks_for_one_run_once_per_content(home: Home) -> None:
    answer, cursor = tick(None)
    assert isinstance(answer, dg.SkipReason)
    (home.inbox / "beds.xlsx").write_bytes(b"one")
    answer, cursor = tick(cursor)
    assert isinstance(answer, dg.SkipReason)  # it may still be being copied
    (home.inbox / "beds.xlsx").write_bytes(b"one and more")
    answer, cursor = tick(cursor)
    assert isinstance(answer, dg.SkipReason)
    first, cursor = tick(cursor)
    second, cursor = tick(cursor)
    assert isinstance(first, dg.RunRequest)
    assert first.run_key == second.run_key  # Dagster starts one run per key
    (home.inbox / "finance.xlsx").write_bytes(b"two")
    _, cursor = tick(cursor)
    third, _ = tick(cursor)
    assert third.run_key != first.run_key


@pytest.fixture
def webhook():
    """A server on loopback that keeps what is posted to it."""
    posted = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            posted.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *args: object) -> None:
            """Say nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/", posted
    server.shutdown()


def test_a_failure_is_posted_where_the_webhook_is_set(home: Home, webhook, monkeypatch: pytest.MonkeyPatch) -> None:
    address, posted = webhook
    monkeypatch.setenv("LLR_ALERT_WEBHOOK", address)
    details = ["core.beds: 3 rows break its contract"]
    alert("Run 12345678 failed", details=details, next_step="Mend it.", log=logging.getLogger("test"))
    assert posted == [{"text": "Run 12345678 failed", "details": details, "next": "Mend it.", "home": str(home.root)}]


@pytest.mark.parametrize(
    ("error", "next_step"),
    [
        (HomeLocked("/srv/llr is in use by llr run"), "Wait until the other run ends"),
        (ValueError("“2031-01” is no round"), "Mend what is named above and run `llr run`"),
    ],
)
def test_an_alert_of_a_failed_run_has_the_reason_and_the_next_step(
    error: Exception, next_step: str, home: Home, webhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    address, posted = webhook
    monkeypatch.setenv("LLR_ALERT_WEBHOOK", address)

    @dg.op
    def step() -> None:
        raise error

    @dg.job
    def failing() -> None:
        step()

    with dg.DagsterInstance.ephemeral() as instance:
        result = failing.execute_in_process(instance=instance, raise_on_error=False)
        (failure,) = [event for event in result.all_events if event.is_failure and not event.is_step_event]
        context = dg.build_run_status_sensor_context(
            sensor_name="run_failed", dagster_instance=instance, dagster_run=result.dagster_run, dagster_event=failure
        )
        run_failed(context.for_run_failure())
    (told,) = posted
    assert told["details"] == [f"step: {error}"]
    assert told["next"].startswith("Nothing is lost, and the last published file stays. ")
    assert next_step in told["next"]


def test_the_alert_of_a_failed_check_leads_to_its_page() -> None:
    """The name of Dagster's own error, which no public module has."""
    from dagster._core.errors import DagsterAssetCheckFailedError

    assert "The check's page says what is not true" in NEXT_STEPS[DagsterAssetCheckFailedError.__name__]


@pytest.mark.parametrize("address", ["http://127.0.0.1:9/", "not an address"])
def test_an_alert_that_cannot_be_posted_is_logged_and_never_raised(
    address: str, home: Home, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("LLR_ALERT_WEBHOOK", address)
    alert("Run failed", details=[], next_step="", log=logging.getLogger("test"))
    assert "could not be posted" in caplog.text
    assert address not in caplog.text, "an address may hold a key"
