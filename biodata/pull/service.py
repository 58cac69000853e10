"""A service with a JSON API: who asks it, with which token, and whether its answers have the shape that they had."""

import os
import re
from collections.abc import Iterable, Sequence
from typing import Any, Final

import polars as pl

from biodata.errors import InputError, RemoteError
from biodata.ingest.http import Client
from biodata.ingest.http_answers import RefusedError
from biodata.settings import Settings


def client_for(url: str, settings: Settings, *, friends: Iterable[str] = ()) -> Client:
    """Return the client of a service, which tells who asks."""
    return Client(url, friends=set(friends), contact=settings.contact or "")


def plain_table(rows: Sequence[dict[str, Any]]) -> pl.DataFrame:
    """Return records of JSON as the table that a simple download is: what is one value, as text."""
    names = dict.fromkeys(name for row in rows for name, value in row.items() if not isinstance(value, (list, dict)))
    return pl.DataFrame({name: [_text(row.get(name)) for row in rows] for name in names})


def _text(value: Any) -> str:
    """Return a value of JSON as a cell."""
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None or isinstance(value, (list, dict)) else re.sub(r"[\t\r\n]+", " ", str(value))


_PAUSE_SECONDS: Final = 1.0
"""Between two questions: what these services ask of whoever asks often."""


class Service:
    """A service.

    Parameters
    ----------
    name : str
        What people call it.
    client : Client
    variable : str, optional
        Where its token stands in the environment.
    help : str
        Where to get a token, and what works without.

    Raises
    ------
    InputError
        With ACCOUNT_MISSING, if it needs a token and there is none.
    """

    def __init__(self, name: str, client: Client, *, variable: str | None = None, help: str = "") -> None:
        self.name, self.client, self.variable, self.help = name, client, variable, help
        self._asked = 0
        self._token = os.environ.get(variable, "").strip() if variable else None
        if variable and not self._token:
            problem = f"{name} needs a token"
            raise InputError(problem, expected=f"{variable} in the environment; {help}", code="ACCOUNT_MISSING")

    def ask(self, path: str, *needed: str, **parameters: Any) -> dict[str, Any]:
        """Return the JSON object that the service answers with.

        Raises
        ------
        RemoteError
            If it refuses, fails, or has nothing of the names that are needed.
        """
        if self._asked:
            self.client.sleep(_PAUSE_SECONDS)
        self._asked += 1
        told = {name: str(value) for name, value in parameters.items() if value is not None}
        try:
            answer = self.client.get_json(path, told, account=self._token)
        except RefusedError as error:
            if error.status in (401, 403) and self.variable:
                msg = f"{self.name} does not take the token in {self.variable}; {self.help}"
                raise RemoteError(msg) from error
            raise
        return self.check(answer, *needed)

    def check(self, answer: Any, *needed: str) -> dict[str, Any]:
        """Return an object that has all the names that are needed.

        Raises
        ------
        RemoteError
            If it has not.
        """
        if not isinstance(answer, dict) or not answer.keys() >= set(needed):
            lacking = ", ".join(set(needed) - (answer.keys() if isinstance(answer, dict) else set()))
            msg = f"{self.name} answers with JSON of another shape than it did, without {lacking}; nothing was taken"
            raise RemoteError(msg)
        return answer

    def rows(self, path: str, name: str, **parameters: Any) -> list[dict[str, Any]]:
        """Return a list of objects out of an answer.

        Raises
        ------
        RemoteError
            As `ask`.
        """
        rows = self.ask(path, name, **parameters)[name]
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            msg = f"{self.name} answers with JSON of another shape than it did ({name} is no list of objects); nothing was taken"
            raise RemoteError(msg)
        return rows
