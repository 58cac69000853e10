"""What a command of surveys cannot do is told in the language in which it answers."""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from biodata.errors import BiodataError, InputError, shorten

P = ParamSpec("P")
R = TypeVar("R")


def spoken(call: Callable[P, R]) -> Callable[P, R]:
    """Return a command that tells in its language why it cannot be done."""

    @wraps(call)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return call(*args, **kwargs)
        except InputError as error:
            # Loaded where something is wrong: no other command needs it.
            from biodata.surveys import words

            language = words.language_of(str(kwargs.get("language") or "en"))
            if language in (None, "en"):
                raise
            raise BiodataError(refusal(error, str(language))) from error

    return run


def refusal(error: InputError, language: str) -> str:
    """Return why something cannot be done, as one line: where, what is wrong, the value, what would be right."""
    from biodata.surveys import words
    from biodata.surveys.words.sentences import retold

    problem, expected = retold(error.problem, language), error.expected and retold(error.expected, language)
    code = words.code_of(error.code)
    if problem == error.problem and error.file is not None and code is not None:  # a reader's, which knows no languages
        problem, expected = words.told(code, {}, language)
    row = words.told("PLACE_ROW", {"row": error.row}, language)[0] if error.row is not None else None
    place = ", ".join(part for part in (error.file, row, error.column) if part)
    value = f" [{shorten(error.value)}]" if error.value is not None else ""
    return (f"{place}: " if place else "") + problem + value + (f" → {expected}" if expected else "")
