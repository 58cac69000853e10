"""Networks in Conefor's files as an engine of kept runs."""

from pathlib import Path
from types import MappingProxyType
from typing import Final

import polars as pl

from biodata.run_engines.work import Outcome, Parameters, Work, parameter
from biodata.run_records import RunInput

PARAMETERS: Final = Parameters(
    ("nodes", "connections"),
    MappingProxyType(
        dict.fromkeys(("kind", "distance", "probability", "threshold", "total_area", "between"))
        | {"importances": True, "links": True, "paths": 3}
    ),
    paths=frozenset({"nodes", "connections"}),
)


def run(work: Work) -> Outcome:
    """Analyse Conefor's files; the tables of nodes, links and the whole are the results.

    Parameters are `nodes` and `connections` (paths), and optionally those of `analysis.network.analyse`.
    """
    import tempfile

    from biodata.analysis.networks.network import analyse
    from biodata.exports.networks import write_tables
    from biodata.formats.conefor import read_connections, read_nodes
    from biodata.formats.conefor_options import Kind

    files = {name: Path(parameter(work, name, str)) for name in ("nodes", "connections")}
    nodes = read_nodes(files["nodes"])
    choices = {k: v for k, v in work.parameters.items() if k not in ("nodes", "connections", "kind")}
    told = parameter(work, "kind", str | None)
    connections = read_connections(files["connections"], nodes, kind=None if told is None else Kind(told))
    found = analyse(nodes, connections, executor=work.executor, progress=work.progress, **choices)
    with tempfile.TemporaryDirectory(prefix="biodata-") as folder:
        tables = {path.stem: pl.read_csv(path) for path in write_tables(found, Path(folder))}
    return Outcome(tuple(RunInput.of_file(name, path) for name, path in files.items()), tables)
