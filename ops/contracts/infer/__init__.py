"""A contract from examples of data."""

from ops.contracts.infer.proposal import Proposal, infer

__all__ = ["Proposal", "infer"]
