"""Published NHS statistics: what happened, for every organisation in England."""

import duckdb

from llr_pipeline.checks import Seen
from llr_pipeline.documents import rows_of
from llr_pipeline.tables import table


def specialties_add_up_to_their_sector(connection: duckdb.DuckDBPyConnection) -> Seen:
    """The beds occupied by specialty of every trust and quarter are those of their sector, to a hundredth of a bed."""
    found = rows_of(
        connection,
        """
        with specialties as (
            select submission_id, quarter, organisation_code, opening, sector, sum(occupied_beds) as occupied_beds,
            from core.nhs_beds_by_specialty_current
            group by all
        )
        select quarter, organisation_code, opening, sector, specialties.occupied_beds as by_specialty,
            sectors.occupied_beds as by_sector,
        from specialties
        inner join core.nhs_beds_current as sectors
            using (submission_id, quarter, organisation_code, opening, sector)
        where abs(specialties.occupied_beds - sectors.occupied_beds) > 0.01
        order by all
        """,
    )
    return Seen(
        passed=not found,
        sentences=[
            f"{row['organisation_code']}, {row['quarter']}, {row['sector']}, {row['opening']}: specialties add up to "
            f"{row['by_specialty']:,.2f} beds occupied, the sector has {row['by_sector']:,.2f}"
            for row in found
        ],
        counts={"sectors_apart": len(found)},
    )


TABLES = [
    table("core.nhs_beds"),
    table("core.nhs_beds_by_specialty", reads_too=["core.nhs_beds"], warns=[specialties_add_up_to_their_sector]),
    table("core.nhs_sitrep"),
    table("core.nhs_discharges"),
    table("core.nhs_discharge_breakdowns"),
    table("core.nhs_emergency"),
    table("core.nhs_absence"),
    table("core.nhs_workforce"),
    table("core.nhs_nationality"),
    table("core.population"),
    table("mart.nhs_bed_years"),
    table("mart.plan_against_actuals"),
    table("mart.peer_comparison"),
    table("mart.layout_changes"),
]
