"""`biodata conefor`."""

from pathlib import Path
from typing import Annotated, Final

import typer

from biodata.cli.options import say, show_progress
from biodata.errors import InputError

_CONEFOR: Final = """Run what a script asks of Conefor's command line, and write the files that Conefor writes.

The options are Conefor's own: -nodeFile, -conFile, -t dist|prob|adj all|notall, -confAdj, -confProb, -PC, -IIC and the
other indices, onlyoverall, -add, -removal, -landArea, -prefix. Answers stand in overall_indices.txt,
node_importances.txt, link_importances.txt and, for all runs together, results_all_overall_indices.txt and
results_all_EC(PC).txt. `biodata network` has the same answers as JSON.

Example: biodata conefor -nodeFile sample_data/planning/nodes.txt -conFile sample_data/planning/distances.txt -t dist notall -confProb 10000 0.5 -PC
"""


def add_commands(app: typer.Typer) -> None:
    """Add this file's command to the application."""
    # -h is no help here: Conefor's options with an h in them, such as -change, would be taken for it.
    context = {"ignore_unknown_options": True, "help_option_names": ["--help"]}
    app.command(name="conefor", help=_CONEFOR, context_settings=context)(run_conefor)


def run_conefor(
    options: Annotated[list[str], typer.Argument(help="Conefor's options.")],
    out: Annotated[Path, typer.Option(help="Folder that gets the files.", file_okay=False)] = Path(),
) -> None:
    """Read the options and the files, compute, write, say what was written."""
    from biodata.analysis.networks.graphs import IIC, PC
    from biodata.analysis.networks.network import analyse
    from biodata.exports.corridors import write_conefor
    from biodata.formats import conefor_options
    from biodata.formats.conefor import read_connections, read_nodes

    asked = conefor_options.read(options)
    nodes = read_nodes(asked.node_file)
    if asked.add and nodes.existing.all():
        problem = "there is no node to add"
        expected = "0 in the third column of the nodes that could be added"
        raise InputError(problem, file=asked.node_file.name, column="-add", expected=expected, code="OPTION_UNFIT")
    probable = [index for index in asked.indices if index in conefor_options.PROBABILISTIC]
    for option in asked.without_effect:
        typer.echo(f"biodata: {option} changes nothing here", err=True)
    found = analyse(
        nodes,
        read_connections(asked.connection_file, nodes, kind=asked.kind),
        distance=asked.distance,
        probability=asked.probability,
        threshold=asked.threshold,
        total_area=asked.total_area,
        indices=[*([PC] if probable else []), *([IIC] if len(probable) < len(asked.indices) else [])],
        importances=not asked.only_overall,
        links=asked.removal,
        progress=show_progress(),
    )
    written = write_conefor(found, asked.indices, out, prefix=asked.prefix)
    say(f"{len(found.nodes)} nodes, {', '.join(asked.indices)} → {', '.join(path.name for path in written)}")
