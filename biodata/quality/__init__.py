"""TDWG BDQ Core: tests of data quality on single records, as column expressions with the standard's labels and GUIDs."""
