"""Options that the commands of surveys share."""

from typing import Annotated

import typer

from biodata.errors import InputError

LanguageOption = Annotated[
    str,
    typer.Option(help="Language of the answer: en, zh, th, vi, lo, km, my, ms, id or fil.", envvar="BIODATA_LANGUAGE"),
]


def language_told(told: str) -> str:
    """Return the language of a tag such as `lo` or `zh-TW`.

    Raises
    ------
    InputError
        If it is none of the ten.
    """
    from biodata.surveys import words

    language = words.language_of(told)
    if language is None:
        problem, expected = "there are no words in this language", f"one of {', '.join(words.LANGUAGES)}"
        raise InputError(problem, column="--language", value=told, expected=expected, code="LANGUAGE_UNKNOWN")
    return language
