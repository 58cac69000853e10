"""The question of a command: the same parameters as the API's search, read by the same code into the one filter tree."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from biodata.core.errors import InputError

if TYPE_CHECKING:
    from biodata.core.settings import Settings
    from biodata.store.query.filters import Filter


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of a release.

    Attributes
    ----------
    release : str
        The release's id.
    created : str
        When it was made, ISO 8601.
    file : Path
        Its file, which is not removed while the question is open.
    filter : Filter or None
        Which records.
    asked : list of (name, value)
        The parameters.
    """

    release: str
    created: str
    file: Path
    filter: "Filter | None"
    asked: list[tuple[str, str]]


def read_pairs(arguments: Sequence[str]) -> list[tuple[str, str]]:
    """Read ``--name value`` and ``--name=value``.

    Raises
    ------
    InputError
        If an argument is neither, or a value is missing.
    """
    pairs = []
    waiting = list(arguments)
    while waiting:
        text = waiting.pop(0)
        name, equals, value = text.removeprefix("--").partition("=")
        if not text.startswith("--") or not name:
            problem = "this is no search parameter"
            raise InputError(problem, value=text, expected="--name value, such as --year 2000,2010")
        if not equals:
            if not waiting:
                problem = "the parameter has no value"
                raise InputError(problem, column=text, expected=f"{text} value")
            value = waiting.pop(0)
        pairs.append((name, value))
    return pairs


def country_codes(values: Sequence[str]) -> list[str]:
    """Return the codes of countries stated by code or by name.

    Raises
    ------
    InputError
        If there is no such country.
    """
    from api.errors import ProblemError
    from api.name_readers import country_code

    try:
        return [country_code("country", value) for value in values]
    except ProblemError as error:
        raise InputError(error.detail, column=error.field, expected=error.expected, code=str(error.code)) from error


@contextmanager
def asked_of(
    settings: "Settings", pairs: Sequence[tuple[str, str]], box: tuple[float, float, float, float] | None = None
) -> Iterator[Question]:
    """Open the question: parameters as the API reads them, and a box beside them.

    Raises
    ------
    NoReleaseError
        If there is no release.
    InputError
        If a parameter is not known or cannot be honoured, or its value cannot be used.
    """
    from api.dependencies import Service
    from api.errors import ProblemError
    from api.gbif_names import ACCEPTED
    from api.parameters import every, read
    from biodata.store.query.filters import InBox
    from biodata.store.release_use import in_use

    facts = dict(pairs)
    try:
        with Service(settings) as service, service.open(None, release_id=facts.get("snapshot")) as release:
            asked = read(pairs, release, own=("snapshot",))
            filters = asked.filters | ({"box": InBox(*box)} if box is not None else {})
            found, created = release.file.id, str(release.file.info["created"])
    except ProblemError as error:
        raise InputError(error.detail, column=error.field, expected=error.expected, code=str(error.code)) from error
    used = [(name, value) for name, value in pairs if name not in ACCEPTED]
    question = used + ([("box", ",".join(map(str, box)))] if box is not None else [])
    with in_use(settings.data, found) as file:
        yield Question(found, created, file, every(filters), question)
