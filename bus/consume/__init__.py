"""Fetch, schedule by tier, match, handle, settle, commit: the way of a message in."""
