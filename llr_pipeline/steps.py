"""The three steps that are more than one table: loading the reference tables, taking in the inbox, publishing.

A table of its own SELECT is in `tables.py`. What intake and publishing do is in `intake.py` and `publishing.py`; here
they become assets, with what a run's page shows about them.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import dagster as dg
import duckdb
from pydantic import Field

from llr_pipeline import intake
from llr_pipeline.checks import check_specs
from llr_pipeline.contracts import contracts
from llr_pipeline.findings import presentable
from llr_pipeline.housekeeping import Removed, tidy
from llr_pipeline.manifests import account
from llr_pipeline.paths import current_home
from llr_pipeline.publishing import publish
from llr_pipeline.raw_tables import raw_descriptions
from llr_pipeline.repair import Request
from llr_pipeline.reports import made_in, show_latest
from llr_pipeline.tables import checked, column_schema, definitions, key_and_source, load_reference

KEPT_CHECK = "every_return_in_use_can_be_read_again"
ROWS_SHOWN = 50
LEFT_TOLD = 5
PIPELINE_OWN = ("raw.schema_migrations", "raw.table_builds")  # kept by the warehouse itself, made by no step


def reference_tables(*, group: str = "reference") -> dg.AssetsDefinition:
    """One step that loads every `sql/reference/*.csv` as its contract says, each table with its contract check."""
    found = [contract for contract in contracts().values() if contract.is_list]

    @dg.multi_asset(
        name="reference_tables",
        specs=[
            dg.AssetSpec(
                ["reference", contract.table],
                description=f"{contract.description}\n\n{key_and_source(contract)}",
                group_name=group,
                kinds={"duckdb", "csv"},
                metadata={"dagster/column_schema": column_schema(contract.columns)},
            )
            for contract in found
        ],
        check_specs=[spec for contract in found for spec in check_specs(contract)],
        required_resource_keys={"warehouse"},
    )
    def load(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult]:
        connection = context.resources.warehouse
        load_reference(connection, run_id=context.run.run_id)
        for contract in found:
            rows = connection.execute(f"select count(*) from {contract.name}").fetchone()[0]
            results = checked(connection, contract)
            yield dg.MaterializeResult(
                asset_key=["reference", contract.table], metadata={"dagster/row_count": rows}, check_results=results
            )

    return load


class IntakeConfig(dg.Config):
    """What to do besides taking in the inbox; a launchpad run or `llr reread` and `llr withdraw` fill it in."""

    reread: list[str] = Field(
        default=[],
        description="Read again from the archive: submission_id, round, month, template, organisation or all",
    )
    withdraw: list[str] = Field(default=[], description="Take out of use, keeping the history: as for reread")
    by: str = Field(default="not stated", description="Who asks for it")
    reason: str = Field(default="", description="Why")


def received_tables(*, group: str = "intake") -> dg.AssetsDefinition:
    """One step that takes in the inbox: the register, the findings and every raw table."""
    key = dg.AssetKey(["raw", "submissions"])
    found = {name: about for name, about in raw_descriptions().items() if f"raw.{name}" not in PIPELINE_OWN}

    @dg.multi_asset(
        name="intake",
        specs=[
            dg.AssetSpec(
                ["raw", name],
                deps=[["reference", c.table] for c in contracts().values() if c.is_list],
                description=description,
                group_name=group,
                kinds={"duckdb", "excel"},
                metadata={"dagster/column_schema": column_schema(columns)},
            )
            for name, (description, columns) in found.items()
        ],
        check_specs=[
            dg.AssetCheckSpec("nothing_was_refused", asset=key, description="No file of this run was refused."),
            dg.AssetCheckSpec(
                KEPT_CHECK,
                asset=key,
                blocking=True,
                description="Every return in use could be read again after a contract or the reader changed. One that "
                "could not is left as it was, and nothing is published until the contract or the return is mended.",
            ),
        ],
        required_resource_keys={"warehouse"},
    )
    def take_in(context: dg.AssetExecutionContext, config: IntakeConfig) -> Iterator[dg.MaterializeResult]:
        connection, home = context.resources.warehouse, current_home()
        try:
            removed = tidy(home, context.instance, in_use=set(made_in(connection).values()))
            if removed != Removed():
                context.log.info(str(removed))
        except OSError as error:
            context.log.warning(f"What is old could not be removed: {error}")

        def progress(done: int, total: int, name: str) -> None:
            context.log.info(f"intake {done} of {total}: {name}")

        request = Request(tuple(config.reread), tuple(config.withdraw), config.by, config.reason)
        took = intake.take_in(connection, home, run_id=context.run.run_id, request=request, progress=progress)
        for sentence in _taken_in_words(took):
            context.log.info(sentence)
        for sentence in _left_in_words(took):
            context.log.warning(sentence)
        about = _intake_metadata(took)
        for name in found:
            (rows,) = connection.execute(f"select count(*) from raw.{name}").fetchone()
            is_register = name == "submissions"
            yield dg.MaterializeResult(
                asset_key=["raw", name],
                metadata={"dagster/row_count": rows, **(about if is_register else {})},
                check_results=_intake_checks(key, took) if is_register else [],
            )

    return take_in


def _intake_metadata(took: intake.Intake) -> dict[str, Any]:
    """What the register's page shows of one intake: counts, and in tables what needs somebody's eyes."""
    about: dict[str, Any] = {
        "accepted": len(took.accepted),
        "superseded": len(took.superseded),
        "duplicate": len(took.duplicate),
        "refused": len(took.refused),
        "withdrawn": len(took.withdrawn),
        "left_in_the_inbox": len(took.left),
        "read_again": took.read_again,
        "values_changed": len(took.changed),
        "workbooks_opened": took.opened,
    }
    changed = [(c.submission_id, f"{c.sheet}!{c.cell}", c.column, c.before, c.after) for c in took.changed]
    for what, heads, rows in (
        ("refused_files", ("file", "why"), took.refused),
        ("files_left_in_the_inbox", ("file", "why"), took.left),
        ("files_left_as_they_were", ("file", "why"), took.kept),
        ("changed_values", ("submission", "cell", "column", "before", "now"), changed),
    ):
        if rows:
            about[what] = dg.MetadataValue.md(_markdown_table(heads, rows))
    return about


def _taken_in_words(took: intake.Intake) -> list[str]:
    """What came in, and what was refused and why; after a few, how many more."""
    counts = [(len(getattr(took, what)), what) for what in ("accepted", "superseded", "duplicate", "refused")]
    came = ", ".join(f"{count:,} {what}" for count, what in counts if count) or "nothing new"
    said = [f"Refused: {presentable(name)}: {why}" for name, why in took.refused[:LEFT_TOLD]]
    more = len(took.refused) - LEFT_TOLD
    said += [f"Refused: {more} more, which the page of raw/submissions names"] if more > 0 else []
    return [f"Took in: {came}; {took.opened:,} workbooks opened.", *said]


def _left_in_words(took: intake.Intake) -> list[str]:
    """What somebody must take out of the inbox, or mend there; after a few, how many more."""
    said = [f"Left in the inbox: {presentable(name)} {why}" for name, why in took.left]
    more = [f"Left in the inbox: {len(said) - LEFT_TOLD} more, which the page of raw/submissions names"]
    return said if len(said) <= LEFT_TOLD else said[:LEFT_TOLD] + more


def _markdown_table(heads: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """At most ROWS_SHOWN rows; what came from a file cannot end its cell."""

    def line(cells: Sequence[object]) -> str:
        shown = ("" if cell is None else str(cell).replace("|", "\\|").replace("\n", " ") for cell in cells)
        return f"| {' | '.join(shown)} |"

    more = [f"\n{len(rows) - ROWS_SHOWN} more."] if len(rows) > ROWS_SHOWN else []
    return "\n".join([line(heads), line(["---"] * len(heads)), *map(line, rows[:ROWS_SHOWN]), *more])


def _intake_checks(key: dg.AssetKey, took: intake.Intake) -> list[dg.AssetCheckResult]:
    kept = "; ".join(f"{name}: {reason}" for name, reason in took.kept)
    return [
        dg.AssetCheckResult(
            check_name="nothing_was_refused",
            asset_key=key,
            passed=not took.refused,
            severity=dg.AssetCheckSeverity.WARN,
            metadata={"refused": len(took.refused)},
        ),
        dg.AssetCheckResult(
            check_name=KEPT_CHECK, asset_key=key, passed=not took.kept, metadata={"left_as_they_were": kept or "none"}
        ),
    ]


def system_name(connection: duckdb.DuckDBPyConnection) -> str:
    """Whose reports these are: the organisation that the others form together."""
    (name,) = connection.execute(
        "select any_value(organisation_name) from reference.organisations where organisation_kind = 'system'"
    ).fetchone()
    return name or "Reports"


def published_file(*, group: str = "publishing") -> dg.AssetsDefinition:
    """The step that publishes: it stands on every table, so a blocking check that fails anywhere stops it."""
    every = [contract.name for contract in contracts().values()] + [f"raw.{name}" for name in raw_descriptions()]

    @dg.asset(
        key=["published", "llr"],
        deps=[dg.AssetKey(name.split(".")) for name in sorted(set(every) - set(PIPELINE_OWN))],
        description="What analysts open: a copy of the warehouse, the same in Parquet files, and a manifest, swapped "
        "into place together when every check passed.",
        group_name=group,
        kinds={"duckdb"},
        required_resource_keys={"warehouse"},
    )
    def publish_file(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        connection, home = context.resources.warehouse, current_home()
        about = account(connection, run_id=context.run.run_id)
        published = publish(connection, home.published, definitions=definitions(), about=about)
        show_latest(home, made_in(connection), title=system_name(connection))
        as_it_was = "" if published.is_new else ", as they were"
        context.log.info(f"published {published.tables} tables, {published.size_bytes:,} bytes{as_it_was}")
        return dg.MaterializeResult(
            metadata={
                "path": dg.MetadataValue.path(str(published.path)),
                "size_bytes": published.size_bytes,
                "sha256": published.sha256,
                "tables": published.tables,
                "edition": published.edition,
            }
        )

    return publish_file
