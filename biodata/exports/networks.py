"""A network's indices and importances as JSON, and as the tables that Conefor writes."""

from pathlib import Path
from typing import TYPE_CHECKING

import orjson
import pandas as pd

if TYPE_CHECKING:
    from biodata.analysis.networks.network import Network


def write_json(network: "Network", path: Path) -> None:
    """Write parameters, overall indices, nodes, links and paths; what is not known is null. The file appears whole or not."""
    found = {
        "parameters": network.parameters,
        "overall": network.overall,
        "nodes": network.nodes.to_dict("records"),
        "links": network.links.to_dict("records"),
        "paths": network.paths,
    }
    part = path.with_name(f"{path.name}.part")
    part.write_bytes(orjson.dumps(found, option=orjson.OPT_INDENT_2 | orjson.OPT_SERIALIZE_NUMPY))
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
