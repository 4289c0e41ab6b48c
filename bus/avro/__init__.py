"""Contracts, their registry and the codec; the only package that imports fastavro."""
