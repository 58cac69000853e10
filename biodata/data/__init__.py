"""Bundled data: boundary sets, code tables, vocabularies, the list of sensitive species."""
