"""Gap analysis: how much of each country, feature and target is protected, at dates.

`coverage.coverage`, `representation.representation` and `coverage.survey_gaps` are the tables that it gives.
Areas that a source only proposes are counted apart, never as protected.
"""
