"""The demonstration: a market and two public sources over a real broker, with every message accounted for."""
