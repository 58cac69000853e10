"""A network's indices and importances as JSON, as tables, and in the files that Conefor 2.6 writes."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import orjson
import pandas as pd

if TYPE_CHECKING:
    import pandas as pd

    from biodata.analysis.networks.network import Network

_OVERALL: Final[Mapping[str, tuple[str, ...]]] = {
    "NL": ("NL",),
    "NC": ("NC",),
    "H": ("H",),
    "CCP": ("CCP",),
    "LCP": ("LCP",),
    "IIC": ("IICnum", "EC(IIC)", "IIC"),
    "F": ("F",),
    "AWF": ("AWF",),
    "PC": ("PCnum", "EC(PC)", "PC", "PCintra(%)", "PCdirect(%)", "PCstep(%)"),
}
"""Rows of the overall file for each index that is asked for."""
_OF_NODES: Final[Mapping[str, tuple[tuple[str, str], ...]]] = {
    "IIC": tuple((name, name) for name in ("dIIC", "dIICintra", "dIICflux", "dIICconnector")),
    "BC": (("BC", "BC"),),
    "BCIIC": (("BC(IIC)", "BC(IIC)"),),
    "PC": tuple((name, name) for name in ("dPC", "dPCintra", "dPCflux", "dPCconnector")),
    "BCPC": (("BC(PC)", "BC(PC)"),),
}
"""Columns of the node file, and those of ours that they are."""


def write_conefor(network: "Network", indices: Collection[str], folder: Path, *, prefix: str = "") -> list[Path]:
    """Write overall_indices.txt, node_importances.txt and link_importances.txt, and add to the files of all runs.

    Parameters
    ----------
    network : Network
    indices : collection of str
        Conefor's names of those that are asked for.
    folder : Path
    prefix : str
        Names begin with it and an underscore; the files of all runs, results_all_overall_indices.txt, results_all_EC(PC).txt and
        results_all_EC(IIC).txt, tell it in their first column.

    Returns
    -------
    list of Path
        Numbers have ten digits where Conefor rounds to seven; what is not known is left out.
    """
    folder.mkdir(parents=True, exist_ok=True)
    start = f"{prefix}_" if prefix else ""
    overall = {name: network.overall.get(name) for index in _OVERALL if index in indices for name in _OVERALL[index]}
    rows = [(name, _number_text(value)) for name, value in overall.items() if value is not None]
    written = [_write_tabbed(folder / f"{start}overall_indices.txt", rows)]
    known = [pair for index in _OF_NODES if index in indices for pair in _OF_NODES[index] if pair[1] in network.nodes]
    if known:
        columns = [("Node", "node"), ("dA", "dA"), *known]
        written.append(_write_tabbed(folder / f"{start}node_importances.txt", _tabbed_rows(network.nodes, columns)))
    links = [name for name in ("dIIC", "dPC") if name in network.links]
    if links:
        columns = [("Node1", "first"), ("Node2", "second"), *((name, name) for name in links)]
        written.append(_write_tabbed(folder / f"{start}link_importances.txt", _tabbed_rows(network.links, columns)))
    used = network.parameters
    distance = used["threshold"] if used["distance"] is None else used["distance"]
    run = [prefix, "" if distance is None else _number_text(distance), _number_text(used["probability"] or "")]
    every = [(*run, *row) for row in rows]
    written.append(_add(folder / "results_all_overall_indices.txt", None, every))
    for name in ("EC(PC)", "EC(IIC)"):
        if overall.get(name) is not None:
            heading = ("Prefix", "Distance", "Probability", name)
            written.append(_add(folder / f"results_all_{name}.txt", heading, [(*run, _number_text(overall[name]))]))
    return written


def _number_text(value: Any) -> str:
    """Return a number as text, whole ones without a point."""
    return f"{value:.10g}" if isinstance(value, float) else str(value)


def _tabbed_rows(table: "pd.DataFrame", columns: Sequence[tuple[str, str]]) -> list[tuple[str, ...]]:
    """Return a heading and rows; each ends with a tab, as Conefor's do."""
    found = [(*(name for name, _ in columns), "")]
    values = table[[own for _, own in columns]].itertuples(index=False, name=None)
    found += [(*("" if value != value else _number_text(value) for value in row), "") for row in values]
    return found


def _write_tabbed(path: Path, rows: Sequence[tuple[str, ...]]) -> Path:
    """Write rows with tabs."""
    path.write_text("".join("\t".join(row) + "\n" for row in rows), encoding="utf-8", newline="\n")
    return path


def _add(path: Path, heading: tuple[str, ...] | None, rows: Sequence[tuple[str, ...]]) -> Path:
    """Add rows to the file of all runs; the heading stands once."""
    with path.open("a", encoding="utf-8", newline="\n") as file:
        for row in ([heading] if heading and file.tell() == 0 else []) + list(rows):
            file.write("\t".join(row) + "\n")
    return path


# A network's indices and importances as JSON, and as the tables that Conefor writes.
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
