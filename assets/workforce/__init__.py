"""Workforce: who is in post, who leaves and joins, how many are needed, and what turnover alone can do."""
