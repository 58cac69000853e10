"""Verbatim records out of somewhere: one file a source."""
