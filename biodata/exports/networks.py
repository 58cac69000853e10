"""A network's indices and importances as JSON, as tables, and in the files that Conefor 2.6 writes."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import orjson
import pandas as pd

if TYPE_CHECKING:
    import pandas as pd

    from biodata.analysis.networks.network import Network

_OVERALL: Final = (
    "NL", "NC", "H", "CCP", "LCP", "IICnum", "EC(IIC)", "IIC", "F", "AWF", "PCnum", "EC(PC)", "PC", "PCintra(%)", "PCdirect(%)",
    "PCstep(%)",
)  # fmt: skip
_OF_NODES: Final = (
    "dA", "dIIC", "dIICintra", "dIICflux", "dIICconnector", "dPC", "dPCintra", "dPCflux", "dPCconnector",
)  # fmt: skip
"""Rows and columns of Conefor's files, in its order."""


def write_conefor(network: "Network", folder: Path) -> None:
    """Write overall_indices.txt, node_importances.txt and link_importances.txt as Conefor 2.6 does.

    Numbers have ten digits where Conefor rounds to seven; what is not known is left out.
    """
    folder.mkdir(parents=True, exist_ok=True)
    rows = [(name, _number_text(network.overall[name])) for name in _OVERALL if network.overall.get(name) is not None]
    _write_tabbed(folder / "overall_indices.txt", rows)
    nodes = [("Node", "node"), *((name, name) for name in _OF_NODES if name in network.nodes)]
    _write_tabbed(folder / "node_importances.txt", _tabbed_rows(network.nodes, nodes))
    links = [(name, name) for name in ("dIIC", "dPC") if name in network.links]
    if links:
        columns = [("Node1", "first"), ("Node2", "second"), *links]
        _write_tabbed(folder / "link_importances.txt", _tabbed_rows(network.links, columns))


def _number_text(value: Any) -> str:
    """Return a number as text, whole ones without a point."""
    return f"{value:.10g}" if isinstance(value, float) else str(value)


def _tabbed_rows(table: "pd.DataFrame", columns: Sequence[tuple[str, str]]) -> list[tuple[str, ...]]:
    """Return a heading and rows; each ends with a tab, as Conefor's do."""
    found = [(*(name for name, _ in columns), "")]
    values = table[[own for _, own in columns]].itertuples(index=False, name=None)
    found += [(*("" if value != value else _number_text(value) for value in row), "") for row in values]
    return found


def _write_tabbed(path: Path, rows: Sequence[tuple[str, ...]]) -> None:
    """Write rows with tabs."""
    path.write_text("".join("\t".join(row) + "\n" for row in rows), encoding="utf-8", newline="\n")


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
