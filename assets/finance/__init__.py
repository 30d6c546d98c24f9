"""Finance: income and expenditure, savings and capital, and what the gap between cost and income comes to."""
