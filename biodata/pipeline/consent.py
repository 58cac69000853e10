"""Shared outputs and what the nodes of their countries answered, from the lake and the registry."""

from dataclasses import dataclass
from typing import Any

from biodata import assessments, places
from biodata.errors import InputError
from biodata.settings import Settings
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
    row : dict
        The output as it would be published.
    public : bool
        Whether it may go public now.
    """

    table: str
    name: str
    states: dict[str, str]
    row: dict[str, Any]
    public: bool


def outputs(settings: Settings) -> list[Output]:
    """Return every output that touches several countries, drafts among them: for their nodes alone."""
    boundaries = places.load_boundaries(settings.boundaries)
    with Registry.open(settings) as registry:
        known = consents.Consents.read(registry, settings)
    found = []
    with Lake.open(settings.data, memory_limit=settings.memory_limit) as lake:
        rules = rules_in_force(settings, lake)
        for table, key in consents.SHARED.items():
            shown = assessments.published_results(lake, table, rules=rules, boundaries=boundaries)
            for row in shown.sort(key).iter_rows(named=True):
                states = known.states(table, row)
                agreed = all(state == "agree" for state in states.values())
                if states:
                    found.append(Output(table, row[key], states, row, agreed or not known.required))
    return found


def give(settings: Settings, name: str, country: str, answer: str, *, note: str = "", by: str = "command line") -> None:
    """Put down what a country's node answers to an output.

    Raises
    ------
    InputError
        If there is no such output, it does not concern the country, or the answer is none.
    """
    output = next((one for one in outputs(settings) if one.name == name), None)
    if output is None:
        problem = "there is no shared output of this name"
        raise InputError(problem, value=name, expected="one that `biodata consent list` tells", code="OUTPUT_UNKNOWN")
    with Registry.open(settings) as registry, registry.session() as session, session.begin():
        consents.answer(session, output.row, output.table, country.strip().upper(), answer, note=note, by=by)
