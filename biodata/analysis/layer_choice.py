"""Which of the known layers a name means."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from biodata.analysis.layer_reading import LayerFile
from biodata.errors import InputError


def choose(rows: Sequence[dict[str, Any]], wanted: str, *, where: str, otherwise: str) -> dict[str, Any]:
    """Return the row of the layer that a name means.

    Parameters
    ----------
    rows : sequence of dict
        Each with `name` and `theme`.
    wanted : str
        The layer's own name, or what it shows where one layer alone shows that.
    where : str
        Where the layers are, for the message.
    otherwise : str
        What else would be right, for the message.

    Raises
    ------
    InputError
        If there is none, or several (LAYER_UNKNOWN).
    """
    chosen = [row for row in rows if row["name"] == wanted]
    chosen = chosen or [row for row in rows if row["theme"] == wanted]
    if len(chosen) == 1:
        return chosen[0]
    listed = ", ".join(sorted(row["name"] for row in chosen or rows)) or "none, as there is no layer"
    problem = f"{len(chosen) or 'no'} layer{'s are' if len(chosen) > 1 else ' is'} called so or shows it"
    expected = f"one of {listed}, {otherwise}"
    raise InputError(problem, file=where, column="layer", value=wanted, expected=expected, code="LAYER_UNKNOWN")


def layer_file(row: dict[str, Any], path: Path, *, version: str) -> LayerFile:
    """Return a layer by its row of the lake's table `layers`, and the file that holds it."""
    return LayerFile(
        row["name"], row["theme"], row["form"] or "raster", path, row["kind"], row["crs"], row["sha256"],
        row["legend"], version, tuple(row["notes"] or ()),
    )  # fmt: skip
