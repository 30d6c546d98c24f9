"""Monitoring: indicators, milestones, what was claimed, and what changed between rounds."""
