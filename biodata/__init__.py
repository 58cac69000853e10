"""A shared biodiversity record for Southwest China and ASEAN: ingest, harmonise, analyse, share.

The names below are what a notebook uses; each is loaded when it is first asked for, so `import biodata` stays quick.
"""

from importlib import import_module
from types import MappingProxyType
from typing import Any, Final

_NAMES: Final = MappingProxyType(
    {
        "Settings": "biodata.settings",
        "BiodataError": "biodata.errors",
        "InputError": "biodata.errors",
        "Lake": "biodata.store.lake",
        "ingest": "biodata.pipeline",
        "release": "biodata.pipeline",
        "find_corridors": "biodata.runs",
        "read_results": "biodata.runs",
        "locate": "biodata.places",
        "load_boundaries": "biodata.places",
    }
)

__all__ = ["BiodataError", "InputError", "Lake", "Settings", "find_corridors", "ingest", "load_boundaries"]
__all__ += ["locate", "read_results", "release"]


def __getattr__(name: str) -> Any:
    """Load one of the names above (PEP 562)."""
    if name in _NAMES:
        return getattr(import_module(_NAMES[name]), name)
    message = f"module 'biodata' has no attribute {name!r}"
    raise AttributeError(message)


def __dir__() -> list[str]:
    return sorted(_NAMES)
