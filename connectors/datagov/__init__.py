"""Data.gov: the catalogue of the United States' open data."""
