"""Published NHS statistics: what happened, for every organisation in England."""

from llr_pipeline.tables import table

TABLES = [
    table("core.nhs_beds"),
    table("core.nhs_sitrep"),
    table("core.nhs_discharges"),
    table("core.nhs_emergency"),
    table("core.nhs_absence"),
    table("core.nhs_workforce"),
    table("core.nhs_nationality"),
    table("core.population"),
    table("mart.plan_against_actuals"),
    table("mart.peer_comparison"),
]
