"""Projects of Circuitscape as an engine of kept runs."""

from pathlib import Path
from types import MappingProxyType
from typing import Final

import polars as pl

from biodata.run_engines.work import Outcome, Parameters, Work, parameter
from biodata.run_records import RunInput

PARAMETERS: Final = Parameters(
    ("ini",), MappingProxyType({"solver": "auto", "out": None}), silent=frozenset({"ini", "out"})
)


def run(work: Work) -> Outcome:
    """Run a project of Circuitscape; the files that it writes are told by name, size and checksum.

    Parameters are `ini` (path), and optionally `solver` and `out` (a folder that keeps the files).
    """
    import tempfile

    from biodata.analysis.circuit.project import read_project
    from biodata.exports.circuits import run_project

    ini = Path(parameter(work, "ini", str))
    inputs = [RunInput.of_file("ini", ini)]
    # What a project names lies beside it; what else lies there is an input, too, rather than one be missed.
    inputs += [
        RunInput.of_file(file.name, file) for file in sorted(ini.parent.iterdir()) if file.is_file() and file != ini
    ]
    with tempfile.TemporaryDirectory(prefix="biodata-") as made:
        folder = Path(parameter(work, "out", str | None) or made)
        report = run_project(read_project(ini), folder, solver=parameter(work, "solver", str))
        rows = [
            {
                "file": str(file.relative_to(folder)),
                "bytes": file.stat().st_size,
                "sha256": RunInput.of_file("", file).sha256,
            }
            for file in sorted(folder.rglob("*"))
            if file.is_file()
        ]
    return Outcome(tuple(inputs), {"files": pl.DataFrame(rows)}, notes=tuple(report.notes))
