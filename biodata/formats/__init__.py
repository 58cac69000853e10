"""File formats of the field, read and written without interpreting what they say.

`delimited.read` streams tables of text, `archives.open_archive` opens zips, tars and folders, `workbooks.read_grids` reads
spreadsheets cell by cell; the others are of one program or standard each. What strangers send is bounded before it is
unpacked, and refused with file, row and column.

No format decides what a value means, and none writes a file by a name that came with the data.
"""
