"""A network's indices and importances as JSON, and as the tables that Conefor writes."""

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

if TYPE_CHECKING:
    from biodata.analysis.network import Network


def write_json(network: "Network", path: Path) -> None:
    """Write parameters, overall indices, nodes and links; what is not known is null. The file appears whole or not."""
    nodes, links = (_columns(table) for table in (network.nodes, network.links))
    text = json.dumps(
        {
            "parameters": network.parameters,
            "overall": {name: _plain(value) for name, value in network.overall.items()},
            "nodes": nodes,
            "links": links,
        },
        indent=1,
        allow_nan=False,
    )
    part = path.with_name(f"{path.name}.part")
    part.write_text(text, encoding="utf-8")
    part.replace(path)


def write_tables(network: "Network", folder: Path) -> list[Path]:
    """Write overall_indices.csv, node_importances.csv and link_importances.csv; what is not known is empty."""
    folder.mkdir(parents=True, exist_ok=True)
    overall = pd.DataFrame({"index": list(network.overall), "value": list(network.overall.values())}, dtype=object)
    written = []
    for name, table in (
        ("overall_indices", overall),
        ("node_importances", network.nodes),
        ("link_importances", network.links),
    ):
        path = folder / f"{name}.csv"
        table.to_csv(path, index=False, lineterminator="\n")
        written.append(path)
    return written


def _columns(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Return rows as plain values."""
    columns = {name: [_plain(value) for value in table[name].tolist()] for name in table.columns}
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _plain(value: Any) -> Any:
    """Return null for numbers that JSON does not know."""
    return None if isinstance(value, float) and not math.isfinite(value) else value
