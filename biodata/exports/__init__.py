"""Published records and results as files that other programs read: archives, tables, layers, rasters, reports.

`write.export` writes chosen records of a release in one of its formats; `layers.write_layers` writes the tables of an
analysis as a GeoPackage; `reports.page.page` makes the report of a result. Pages, styles and XML are Jinja templates, in
the folder `templates` beside the module that fills them; `templating.environment` reads them. Whatever cannot go on
after a crash appears under its name whole or not at all.

Nothing here decides what may be seen, and nothing but releases and results is read.
"""
