"""The composition root: every asset of `assets/`, the job, the schedule, the sensors and the warehouse."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

import dagster as dg

import assets
from llr_pipeline.automation import inbox, job, run_failed, schedule
from llr_pipeline.catalogue import catalogued
from llr_pipeline.tables import Warehouse

# of a subject that is a package, the tables alone: what computes them is imported when it runs
subjects = [
    import_module(f"assets.{module.name}{'.tables' if module.ispkg else ''}")
    for module in iter_modules(assets.__path__)
    if module.name != "sample"
]

defs = dg.Definitions(
    assets=catalogued(dg.load_assets_from_modules(subjects)),
    jobs=[job],
    schedules=[schedule],
    sensors=[inbox, run_failed],
    resources={"warehouse": Warehouse()},
    executor=dg.in_process_executor,
)
