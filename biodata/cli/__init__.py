"""The command line: parse, call, print. Each command loads what it needs when it is called, so `--help` is quick."""

import os
import sys
from typing import Final

import typer

from biodata.cli import (
    access,
    accounts,
    assess,
    audit,
    candidates,
    circuit,
    cite,
    climate,
    cluster,
    conefor,
    consent,
    corridors,
    corridors_uncertainty,
    corridors_validate,
    cost_distance,
    dataset,
    datum,
    demo,
    engine_inputs,
    exact,
    explain,
    export,
    gaps,
    ingest,
    keys,
    movement,
    names,
    network,
    nodes,
    parse,
    protconn,
    protected_areas,
    pull,
    quality,
    report,
    reserves,
    resistance,
    rights,
    rules,
    run_records,
    scenarios,
    sensitive,
    serve,
    species,
    survey,
    survey_design,
    upkeep,
    withdraw,
)
from biodata.errors import BiodataError

app: Final = typer.Typer(
    help="A shared biodiversity record for Southwest China and ASEAN.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for module in (
    demo,
    ingest,
    pull,
    dataset,
    protected_areas,
    quality,
    serve,
    sensitive,
    rules,
    survey,
    survey_design,
    species,
    survey,
    movement,
    corridors,
    corridors_uncertainty,
    corridors_validate,
    candidates,
    scenarios,
    climate,
    cost_distance,
    resistance,
    run_records,
    network,
    conefor,
    report,
    reserves,
    protconn,
    gaps,
    export,
    engine_inputs,
    circuit,
    cite,
    exact,
    explain,
    accounts,
    access,
    keys,
    nodes,
    cluster,
    consent,
    audit,
    rights,
    datum,
    parse,
    names,
    assess,
    upkeep,
    withdraw,
):
    module.add_commands(app)


def main() -> None:
    """Run the command; what goes wrong is one line on standard error and an exit code that is not 0."""
    # Read when Polars is loaded. What is freed is kept for a second, since much is wanted again at once, and then given back.
    os.environ.setdefault("_RJEM_MALLOC_CONF", "background_thread:true,dirty_decay_ms:1000,muzzy_decay_ms:0")
    if sys.stderr.isatty() and not os.get_terminal_size(sys.stderr.fileno()).columns:
        # A terminal that tells no size, as `script` makes: bars would not be seen. Read when tqdm is loaded.
        os.environ.setdefault("TQDM_NCOLS", "80")
        os.environ.setdefault("TQDM_NROWS", "24")
    try:
        app()
    except BiodataError as error:
        _stop(str(error))
    except OSError as error:
        _stop(f"{error.filename}: {error.strerror}" if error.filename else str(error))
    except KeyboardInterrupt:
        _stop("stopped")


def _stop(message: str) -> None:
    """Print the one line, or raise again where a developer asked for the whole story."""
    if os.environ.get("BIODATA_DEBUG"):
        raise  # called only while an exception is handled
    print(f"biodata: {' '.join(message.split())}", file=sys.stderr)  # noqa: T201
    sys.exit(1)
