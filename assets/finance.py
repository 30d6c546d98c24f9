"""Finance: income and expenditure, savings and capital."""

from llr_pipeline.tables import table

TABLES = [
    table("core.income_expenditure"),
    table("core.savings_schemes"),
    table("core.savings"),
    table("core.capital"),
]
