"""Verbatim tables in, interpreted and flagged tables out; no files, no network."""
