"""Projects of Circuitscape as an engine of kept runs."""

from pathlib import Path
from types import MappingProxyType
from typing import Final

import polars as pl

from biodata.run_engines.work import Outcome, Parameters, Work, parameter
from biodata.run_records import RunInput

PARAMETERS: Final = Parameters(
    ("ini",),
    MappingProxyType({"solver": "auto", "out": None}),
    paths=frozenset({"ini"}),
    outputs=frozenset({"out"}),
)


def run(work: Work) -> Outcome:
    """Run a project of Circuitscape; the files that it writes are told by name, size and checksum.

    Parameters are `ini` (path), and optionally `solver` and `out` (a folder that keeps the files).
    """
    import tempfile

    from biodata.analysis.circuit.project import read_project
    from biodata.exports.circuits import run_project

    ini = Path(parameter(work, "ini", str))
    project = read_project(ini)
    inputs = [RunInput.of_file("ini", ini), *(RunInput.of_file(*named) for named in sorted(project.files.items()))]
    system = project.files["habitat_file"].with_suffix(".prj")  # it goes into what is written
    if system.is_file():
        inputs.append(RunInput.of_file("habitat_prj", system))
    with tempfile.TemporaryDirectory(prefix="biodata-") as made:
        folder = Path(parameter(work, "out", str | None) or made)
        solver = parameter(work, "solver", str)
        report = run_project(project, folder, solver=solver, executor=work.executor, progress=work.progress)
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
