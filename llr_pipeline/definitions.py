"""The composition root: every asset of `assets/`, the job, the schedule, the sensors and the warehouse."""

from __future__ import annotations

import dagster as dg

import assets
from llr_pipeline.automation import inbox, job, run_failed, schedule
from llr_pipeline.tables import Warehouse

defs = dg.Definitions(
    assets=dg.load_assets_from_package_module(assets),
    jobs=[job],
    schedules=[schedule],
    sensors=[inbox, run_failed],
    resources={"warehouse": Warehouse()},
    executor=dg.in_process_executor,
)
