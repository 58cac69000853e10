"""The command line: parse, call, print. Each command loads what it needs when it is called, so `--help` is quick."""

import os
import sys
from importlib import import_module
from typing import Any, Final

import typer
from typer.core import TyperGroup

from biodata.core.errors import BiodataError

PANELS: Final = {
    "Take in": {
        "demo": "Take in the sample data, analyse it, release it and serve the map.",
        "pull": "Fetch records, protected areas and lists from services on the internet.",
        "ingest": "Take in files: records, protected areas, checklists, layers.",
        "survey": "Templates, checks, sending, review and results of field surveys.",
        "dataset": "Title, licence, citation and DOI of each dataset.",
        "protected-areas": "Clean a file of protected areas.",
        "checklist": "Checklists that names are matched to.",
    },
    "Look": {
        "explain": "Show a record's story: each value as it came, as it was read and as it goes out.",
        "species": "What a name is, and a species' occupancy, extent, richness, habitat and model.",
        "names": "Match the scientific names of a table to checklists.",
        "parse": "Read one kind of value in a CSV file: dates, coordinates, countries, names.",
        "datum": "Rank the coordinate systems that the points of a table may have.",
        "quality": "Test the quality of records (TDWG BDQ Core).",
        "assess": "Find clusters of likely doubles, and places that look wrong.",
    },
    "Analyse": {
        "candidates": "Write the candidate transboundary reserves of the last runs.",
        "corridors": "Find corridors between areas: line, polygon, width and cost of each pair.",
        "corridors-uncertainty": "How often each cell is in a corridor when the uncertain inputs vary.",
        "corridors-validate": "Test whether held-out records stand nearer to corridors than chance.",
        "resistance": "Turn layers into resistance to movement, by a table.",
        "cost-distance": "Accumulate the cost of moving away from sources.",
        "circuit": "Run a Circuitscape project.",
        "network": "Connectivity of a network of patches, and what each patch and link is worth.",
        "protconn": "ProtConn: the protected and connected share of a country or landscape.",
        "gaps": "How much is protected and what is missing, by country and jointly.",
        "reserves": "Select reserves: planning units and Marxan's projects.",
        "scenarios": "Compare corridors with the border open and closed.",
        "climate": "How fast climates move, and corridors to where an area's climate will be.",
        "survey-design": "Propose the survey that would settle a corridor or candidate.",
        "analysis-inputs": "Write published data as a project of Marxan, Circuitscape or Conefor.",
        "runs": "List, repeat and compare analyses.",
        "report": "Write the printable report of a candidate, a corridor, or ground that was looked at.",
    },
    "Share": {
        "release": "Publish what the sharing rules let out.",
        "serve": "Serve the API and the map of the current release.",
        "export": "Write a table of the current release: CSV, Darwin Core, GeoParquet, GeoPackage, ...",
        "cite": "Cite records of the current release.",
        "replay": "Ask a citation again, under today's sharing rules.",
        "rules": "Sharing rules: what is hidden, and who decides.",
        "sensitive": "Make a taxon sensitive from now on, or lift its rule.",
        "consent": "A country's consent to shared outputs.",
        "rights": "Labels of communities, permits and terms of use.",
        "exact": "The exact records of sensitive species, kept apart.",
        "access": "Requests for exact records, and grants.",
        "withdraw": "Take back a dataset or records.",
    },
    "Run a node": {
        "worker": "Do the work that waits in the queue.",
        "account": "Accounts and their roles.",
        "key": "Keys of programs that use the API.",
        "cluster": "Several machines: a shared lake, and releases for those that serve.",
        "node": "National nodes: keys, exports, and which nodes a hub trusts.",
        "audit": "The log of who did what; leaks; openness.",
        "verify": "Check every file of an installation.",
        "backup": "Copy an installation.",
        "restore": "Make an installation from a backup.",
        "purge": "Remove every file that still holds a withdrawn record.",
        "compact": "Make few files of the lake's many small ones.",
    },
}  # fmt: skip
"""What `biodata --help` shows: the commands in the order in which a person needs them, each with its line."""


class _InOrder(TyperGroup):
    """Lists the commands as `PANELS` has them."""

    def list_commands(self, ctx: Any) -> list[str]:
        order = [name for panel in PANELS.values() for name in panel]
        return sorted(super().list_commands(ctx), key=order.index)


app: Final = typer.Typer(
    cls=_InOrder,
    help="A shared biodiversity record for Southwest China and ASEAN.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
_MODULES: Final = (
    "access accounts analyses audit candidates cite demo explain export gaps ingest names nodes parse "
    "pull quality reserves rights rules serve species survey upkeep"
)
for module in _MODULES.split():
    import_module(f"biodata.cli.{module}").add_commands(app)
registered: Final[list[Any]] = [*app.registered_commands, *app.registered_groups]
for command in registered:
    panel = next(panel for panel, commands in PANELS.items() if command.name in commands)
    command.rich_help_panel, command.short_help = panel, PANELS[panel][command.name]


def main() -> None:
    """Run the command; what goes wrong is one line on standard error and an exit code that is not 0."""
    # Read when Polars is loaded. What is freed is kept for a second, since much is wanted again at once, and then given back.
    os.environ.setdefault("_RJEM_MALLOC_CONF", "background_thread:true,dirty_decay_ms:1000,muzzy_decay_ms:0")
    if sys.stderr.isatty() and not os.get_terminal_size(sys.stderr.fileno()).columns:
        # A terminal that states no size, as `script` makes: bars would not be seen. Read when tqdm is loaded.
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
