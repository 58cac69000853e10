"""What every other package stands on: errors, settings, columns, vocabularies, flags and the geometry of the globe.

`terms` has every column (its published term or ours, type, unit and meaning), `errors` what is raised, `settings` where an
installation lies. Nothing here reads or writes data, and nothing here imports another package.
"""
