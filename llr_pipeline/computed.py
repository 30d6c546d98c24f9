"""Tables that SQL cannot say: `computed_tables` is the asset of those that a Python function makes from others.

The function gets the tables that it names, as data frames, and nothing else: what it reads, the asset depends on.
Contracts and checks are those of any table; a contract without a `.sql` beside it says `made_by`.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import dagster as dg
import duckdb
import pyarrow as pa

from llr_pipeline.checks import Warn, check_specs, checks_before, checks_read, warn_spec
from llr_pipeline.contracts import Contract, contracts
from llr_pipeline.tables import checked, column_schema, definition, key_and_source, summary, warnings
from llr_pipeline.warehouse import build_of, identifier, inputs_of, replace_table

if TYPE_CHECKING:
    import pandas as pd

Compute = Callable[[Mapping[str, "pd.DataFrame"], Callable[[str], None]], Mapping[str, "pd.DataFrame"]]
"""Tables read by name, and a function that takes progress in words -> tables made by name; a lacking one is empty."""


def computed_tables(
    name: str,
    *,
    reads: Sequence[str],
    makes: Sequence[str],
    compute: Compute,
    warns: Mapping[str, Sequence[Warn]] = MappingProxyType({}),
) -> dg.AssetsDefinition:
    """The asset of the tables that `compute` makes, all in one step. `core.x_current` is read from the view.

    Rows come in one order, whatever order the tables have them in. Tables whose inputs and code have not changed since
    they were made stay as they are.
    `warns`: of a table, by its name, the checks that only warn.
    """
    made = [contracts()[table] for table in makes]
    deps = sorted({read.removesuffix("_current") for read in reads})

    @dg.multi_asset(
        name=name,
        specs=[
            dg.AssetSpec(
                [contract.layer, contract.table],
                deps=[read.split(".") for read in deps],
                description=f"{contract.description}\n\n{key_and_source(contract)}",
                group_name=contract.group,
                kinds={"duckdb", "python"},
                code_version=definition(contract.name),
                metadata={
                    "dagster/relation_identifier": contract.name,
                    "dagster/column_schema": column_schema(contract.columns),
                },
            )
            for contract in made
        ],
        check_specs=[
            spec
            for contract in made
            for spec in (*check_specs(contract), *(warn_spec(contract, warn) for warn in warns.get(contract.name, ())))
        ],
        required_resource_keys={"warehouse"},
    )
    def build(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult]:
        connection, run_id = context.resources.warehouse, context.run.run_id
        inputs = inputs_of(connection, {*deps, *(table for contract in made for table in checks_read(contract))})
        before = {c.name: build_of(connection, c.name, [*inputs, definition(c.name)]) for c in made}
        is_kept = all(before.values())
        if is_kept:
            context.log.info(f"{name}: as they were, since nothing that they stand on has changed")
        else:
            read = {table: connection.execute(f"select * from {table} order by all").df() for table in reads}
            frames = compute(read, context.log.info)
        for contract in made:
            if not is_kept:
                _replace(connection, contract, frames.get(contract.name), inputs=inputs, run_id=run_id)
            results = checks_before(contract, before[contract.name]) if is_kept else checked(connection, contract)
            is_sound = all(result.passed for result in results)
            results += warnings(context, contract, warns.get(contract.name, ()), is_sound=is_sound)
            yield dg.MaterializeResult(
                asset_key=[contract.layer, contract.table],
                metadata=summary(connection, contract),
                check_results=results,
            )

    return build


def rows(frame: "pd.DataFrame", **equal: str) -> list[dict[str, Any]]:
    """The rows of a frame where columns equal these values, as plain values; None for what is missing."""
    for name, value in equal.items():
        frame = frame[frame[name] == value]
    return frame.astype(object).where(frame.notna(), None).to_dict("records")


def together(parts: "Iterable[pd.DataFrame]") -> "pd.DataFrame":
    """The rows of all parts under each other; without a row, an empty frame."""
    import pandas as pd  # takes 0.3 s: not when the definitions are loaded

    filled = [part for part in parts if not part.empty]
    return pd.concat(filled, ignore_index=True) if filled else pd.DataFrame()


def _replace(
    connection: duckdb.DuckDBPyConnection,
    contract: Contract,
    frame: "pd.DataFrame | None",
    *,
    inputs: Sequence[str],
    run_id: str,
) -> None:
    """Replace the table by the frame, its columns taken by name and made the contract's types."""
    columns = ", ".join(f"{identifier(c.name)}::{c.type} as {identifier(c.name)}" for c in contract.columns)
    names = [column.name for column in contract.columns]
    if frame is None or frame.empty:
        rows = pa.table({name: pa.array([], pa.string()) for name in names})
    else:
        rows = pa.Table.from_pandas(frame[names], preserve_index=False)  # NaN becomes NULL
    connection.register("computed", rows)
    try:
        replace_table(
            connection,
            contract.name,
            f"select {columns} from computed",
            description=contract.description,
            columns=contract.columns,
            inputs=[*inputs, definition(contract.name)],
            run_id=run_id,
        )
    finally:
        connection.unregister("computed")
