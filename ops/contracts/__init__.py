"""Contracts as operators and developers handle them: models printed from schemas, schemas proposed from data."""
