"""A Python class for a contract, as source."""

from ops.contracts.model.module import model_source

__all__ = ["model_source"]
