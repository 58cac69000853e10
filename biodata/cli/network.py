"""`biodata network`."""

import os
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from biodata.cli.options import check_outputs, say, show_progress
from biodata.errors import InputError
from biodata.formats.conefor_options import Kind, Layout

if TYPE_CHECKING:
    from biodata.analysis.networks.network import Network

_NETWORK = """Compute how connected a network is, and what every node and link is worth, from Conefor's files.

NODES has a row for each node: identifier, area, and 0 in a third column for nodes to add. CONNECTIONS has a row for
each pair: two identifiers and a probability; or a distance, with --distance and --probability or --threshold; or
nothing more, for mere links. Matrices in the order of NODES, whole or half, are read too. The JSON has PC, ECA, IIC
and the other indices, dPC and dIIC of nodes with their fractions, dPC and dIIC of links, and the spanning tree.

Example: biodata network --nodes sample_data/planning/nodes.txt --connections sample_data/planning/distances.txt --distance 10000 --probability 0.5 --out network.json
"""


class _Index(StrEnum):
    """What can be asked for."""

    PC = "PC"
    IIC = "IIC"


def add_commands(app: typer.Typer) -> None:
    """Add this file's command to the application."""
    app.command(name="network", help=_NETWORK)(analyse_network)


def analyse_network(
    nodes: Annotated[Path, typer.Option(help="Conefor's node file.", dir_okay=False)],
    connections: Annotated[Path, typer.Option(help="Conefor's connection file.", dir_okay=False)],
    out: Annotated[Path | None, typer.Option(help="JSON file to write.", dir_okay=False)] = None,
    kind: Annotated[
        Kind | None, typer.Option(help="What the connections tell; distances where a distance is told, else found.")
    ] = None,
    distance: Annotated[
        float | None, typer.Option(help="Distance whose probability is known, in the file's unit.")
    ] = None,
    probability: Annotated[
        float | None, typer.Option(help="That probability (0.5 if not told); or the probability of mere links.")
    ] = None,
    threshold: Annotated[
        float | None,
        typer.Option(help="Longest distance, or least probability, of a link in the binary indices [--distance]."),
    ] = None,
    total_area: Annotated[
        float | None, typer.Option("--total-area", help="Area of the landscape (AL), in the unit of the nodes' areas.")
    ] = None,
    layout: Annotated[Layout | None, typer.Option(help="List of pairs or matrix; found if not told.")] = None,
    index: Annotated[
        list[_Index] | None, typer.Option(help="Only this index and what goes with it; both if not told.")
    ] = None,
    only_overall: Annotated[bool, typer.Option("--only-overall", help="No importance of nodes and links.")] = False,
    links: Annotated[bool, typer.Option("--links/--no-links", help="Importance of links too.")] = True,
    between: Annotated[
        tuple[int, int] | None, typer.Option(help="Two nodes that the best paths are asked for of.")
    ] = None,
    paths: Annotated[int, typer.Option(help="How many paths.", min=1)] = 3,
    estimate: Annotated[bool, typer.Option("--estimate", help="Only tell nodes, links, memory and seconds.")] = False,
    tables: Annotated[
        Path | None, typer.Option(help="Folder that gets the same as CSV: overall, nodes, links.", file_okay=False)
    ] = None,
) -> None:
    """Read, compute, write, say the indices."""
    from biodata.analysis.networks import network as estimates
    from biodata.analysis.networks.graphs import parameters_of
    from biodata.analysis.networks.network import analyse
    from biodata.exports.corridors import write_json, write_tables
    from biodata.formats.conefor import contradicted, read_connections, read_nodes

    if out is None and not estimate:
        problem = "the file to write is not told"
        raise InputError(problem, column="--out", expected="--out FILE.json, or --estimate", code="OPTION_MISSING")
    check_outputs([out], [nodes, connections])
    indices = [name.value for name in index or _Index]
    if kind is None and (distance is not None or (threshold is not None and threshold > 1)):
        kind = Kind.DISTANCE
    landscape = read_nodes(nodes)
    read = read_connections(connections, landscape, kind=kind, layout=layout)
    if again := contradicted(read):
        typer.echo(f"biodata: {again} pairs stand again with another value; of each the best way counts", err=True)
    used: dict[str, Any] = {
        "distance": distance,
        "probability": probability,
        "threshold": threshold,
        "total_area": total_area,
    }
    asked: dict[str, Any] = {"indices": indices, "importances": not only_overall, "links": links}
    if estimate or out is None:
        parameters = parameters_of(read.kind, **used)
        say(estimates.estimate(landscape, read, parameters, workers=os.cpu_count() or 1, **asked).told())
        return
    found = analyse(
        landscape,
        read,
        **used,
        **asked,
        between=between,
        paths=paths,
        progress=show_progress(),
    )
    write_json(found, out)
    if tables is not None:
        write_tables(found, tables)
    _say(found, out)


def _say(network: "Network", out: Path) -> None:
    """Print the indices and the nodes that matter most."""
    used = {name: value for name, value in network.parameters.items() if value is not None}
    say(", ".join(f"{name} {value if isinstance(value, str) else f'{value:g}'}" for name, value in used.items()))
    for name, value in network.overall.items():
        if value is not None:
            say(f"{name:>8} {value:.10g}")
    for name in ("dPC", "dIIC"):
        if name in network.nodes and network.nodes[name].notna().any():
            first = network.nodes.sort_values(name, ascending=False, kind="stable").head(5)
            told = ", ".join(f"{node} {worth:.4g} %" for node, worth in zip(first["node"], first[name], strict=True))
            say(f"{name:>8} {told}")
    for path in network.paths:
        chance = f", probability {path['probability']:.6g}" if "probability" in path else ""
        say(f"    path {' - '.join(map(str, path['nodes']))}{chance}")
    say(f"{len(network.nodes)} nodes, {len(network.links)} links → {out}")
