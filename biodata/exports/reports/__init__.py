"""Printable reports of candidates and corridors, made of a release: published values only.

`material.read` reads what a report tells, `page.page` writes it as HTML, `pdf.write` the same page as PDF.
"""
