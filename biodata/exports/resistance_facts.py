"""What a file of resistance tells of itself: by which table, of which layers, with which choices, by which code."""

import json
from collections.abc import Mapping
from importlib.metadata import version
from typing import TYPE_CHECKING

from biodata.store.code_version import code_hash

if TYPE_CHECKING:
    from biodata.analysis.layers import LayerFile
    from biodata.analysis.resistance import ResistanceLayer
    from biodata.analysis.resistance_rules import RuleTable


def resistance_tags(
    made: "ResistanceLayer",
    rules: "RuleTable",
    layers: "Mapping[str, LayerFile]",
    *,
    cell_m: float | None,
    resampling: str,
) -> dict[str, str]:
    """Return the metadata of a file of resistance.

    Parameters
    ----------
    made : ResistanceLayer
    rules : RuleTable
        The lines that it was made by.
    layers : mapping of str to LayerFile
        What it was made of.
    cell_m : float, optional
        The side of a cell that was asked for, metres.
    resampling : str
        Of classes.

    Returns
    -------
    dict of str to str
        Names begin with `BIODATA_`.
    """
    told = {
        name: {
            "layer": layer.name, "sha256": layer.sha256, "version": layer.version, "crs": layer.crs,
            "legend": layer.legend, "notes": list(layer.notes),
        }
        for name, layer in layers.items()
    }  # fmt: skip
    choices = {"cell_m": cell_m, "resampling": resampling, "counts": dict(made.counts)}
    facts = {
        "TABLE": rules.name,
        "TABLE_SHA256": rules.sha256,
        "TABLE_VERSION": rules.version,
        "SPECIES": rules.species or "",
        "LAYERS": json.dumps(told, ensure_ascii=False, sort_keys=True),
        "PARAMETERS": json.dumps(choices, sort_keys=True),
        "CODE": f"biodata {version('biodata')} {code_hash()[:16]}",
    }
    return {f"BIODATA_{name}": value for name, value in facts.items() if value}


def file_name_of(species: str) -> str:
    """Return a species' name as part of a file's name: letters and digits with `_` between them."""
    return "_".join("".join(c if c.isalnum() else " " for c in species.lower()).split()) or "species"
