"""Text in; value, issues and confidence out: dates, numbers, coordinates, countries, names and their checklists.

`dates.parse_dates`, `coordinate_pairs.parse_two_columns` and `matcher.NameMatcher.match` are the three most used. A
column is parsed once for each distinct value. Nothing here opens a file of a user, guesses in silence or knows a store.
"""
