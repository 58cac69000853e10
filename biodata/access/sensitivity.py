"""How many records are withheld, by list, as far as it may be told: tens of them, and never by a place."""

from typing import Any, Final

from biodata.store.registry import Registry

LEAST: Final = 10
"""Fewer withheld records than this are told as fewer than this; more, in steps of it: one more or less shows nothing."""


def withheld(registry: Registry, release_id: str) -> list[dict[str, Any]]:
    """Tell what may be told of the withheld records of a release.

    Returns
    -------
    list of dict
        list, at_least (a multiple of `LEAST`; 0 where they are fewer); by list.
    """
    told = registry.sensitive_counts(release_id)["withheld"]
    return [{"list": name, "at_least": count // LEAST * LEAST} for name, count in sorted(told.items()) if count]
