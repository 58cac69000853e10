"""Shared outputs and what the nodes of their countries answered, from the lake and the registry."""

from dataclasses import dataclass

from biodata import assessments, places
from biodata.core.settings import Settings
from biodata.store import consents
from biodata.store.lake import Lake
from biodata.store.registry import Registry
from biodata.store.rules_in_force import rules_in_force


@dataclass(frozen=True, slots=True)
class Output:
    """A shared output.

    Attributes
    ----------
    table, name : str
        The table, and the output's id.
    states : dict of str to str
        What each concerned country answered.
    public : bool
        Whether it may go public now.
    """

    table: str
    name: str
    states: dict[str, str]
    public: bool


def outputs(settings: Settings) -> list[Output]:
    """Return every output that touches several countries, drafts among them, and put down what their nodes are asked."""
    boundaries = places.load_boundaries(settings.boundaries)
    found = []
    with (
        Registry.open(settings) as registry,
        Lake.open(settings.data, memory_limit=settings.memory_limit) as lake,
    ):
        known = consents.Consents.read(registry, settings)
        rules = rules_in_force(settings, lake)
        for table, key in consents.SHARED.items():
            shown = assessments.published_results(lake, table, rules=rules, boundaries=boundaries)
            consents.ask_nodes(registry, table, shown)
            for row in shown.sort(key).iter_rows(named=True):
                states = known.states(table, row)
                if states:
                    found.append(Output(table, row[key], states, known.lets_out(states)))
    return found
