"""Status lists: what red lists, registers of alien species, CITES and national laws say of taxa, and where.

A status is a row: taxon, area, kind, value, year and authority. `read` finds the statuses in a checklist's rows, `table`
makes the release's table `taxon_statuses` of them, and `changes` says what a list's new version changed. Nothing here
decides how exactly a record goes out; that is `sharing`.
"""

from biodata.lists.reading import (
    CITES,
    ENDEMIC,
    GLOBAL,
    GROUPS,
    INVASIVE,
    KINDS,
    LISTS,
    MEANS,
    PROTECTION,
    RED,
    changes,
    read,
    statuses,
    table,
)

__all__ = [
    "CITES",
    "ENDEMIC",
    "GLOBAL",
    "GROUPS",
    "INVASIVE",
    "KINDS",
    "LISTS",
    "MEANS",
    "PROTECTION",
    "RED",
    "changes",
    "read",
    "statuses",
    "table",
]
