"""Beds: what is planned, the schemes that change it, beds needed by simulation, and why they change."""
