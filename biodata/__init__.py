"""A shared biodiversity record for Southwest China and ASEAN: ingest, harmonise, analyse, share.

The names below are what a notebook uses; each is loaded when it is first asked for, so `import biodata` stays quick.
"""

from importlib import import_module
from types import MappingProxyType
from typing import Any, Final

_NAMES: Final = MappingProxyType(
    {
        "BiodataError": "biodata.core.errors:BiodataError", "InputError": "biodata.core.errors:InputError",
        "Lake": "biodata.store.lake:Lake", "Settings": "biodata.core.settings:Settings",
        "clean_protected_areas": "biodata.harmonise.area_cleaning:clean_protected_areas",
        "explain": "biodata.stories:explain", "find_corridors": "biodata.runs:find_corridors",
        "load_boundaries": "biodata.places:load_boundaries", "locate": "biodata.places:locate",
        "protconn": "biodata.analysis.networks.protconn:protconn", "read_results": "biodata.runs:read_results",
        "release": "biodata.pipeline:release", "take_in": "biodata.pipeline:ingest",
    }
)  # fmt: skip
"""Name → 'module:attribute'; no name is that of a module, which Python would put in its place."""

__all__ = [
    "BiodataError", "InputError", "Lake", "Settings", "clean_protected_areas", "explain", "find_corridors",
    "load_boundaries", "locate", "protconn",
]  # fmt: skip
__all__ += ["read_results", "release", "take_in"]


def __getattr__(name: str) -> Any:
    """Load one of the names above (PEP 562)."""
    if name in _NAMES:
        module, _, attribute = _NAMES[name].partition(":")
        return getattr(import_module(module), attribute)
    message = f"module 'biodata' has no attribute {name!r}"
    raise AttributeError(message)


def __dir__() -> list[str]:
    return sorted(_NAMES)
