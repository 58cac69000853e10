"""Every error that biodata raises on purpose, and the refusal of a single row."""

from dataclasses import asdict, dataclass
from typing import Any, Final


class BiodataError(Exception):
    """The base of all errors raised on purpose; its text is one line that a user can act on.

    Attributes
    ----------
    code : str
        A stable name for programs, in the style of `INPUT_ENCODING_UNKNOWN`.
    """

    code = "BIODATA_ERROR"


class InputError(BiodataError):
    """Something that came from outside cannot be taken in; nothing was changed.

    Parameters
    ----------
    problem : str
        What was wrong.
    file, column, value : str, optional
        Where it was wrong; a value longer than 80 characters is cut in the message.
    row : int, optional
        Line of the file, the heading being line 1.
    expected : str, optional
        What would be right.
    code : str
        A stable name for programs.
    """

    def __init__(
        self,
        problem: str,
        *,
        file: str | None = None,
        row: int | None = None,
        column: str | None = None,
        value: str | None = None,
        expected: str | None = None,
        code: str = "INPUT_INVALID",
    ) -> None:
        self.problem, self.file, self.row, self.column = problem, file, row, column
        self.value, self.expected, self.code = value, expected, code
        place = ", ".join(
            part
            for part in (
                file or "",
                f"row {row}" if row is not None else "",
                f"column {column}" if column else "",
                f"value {shorten(value)!r}" if value is not None else "",
            )
            if part
        )
        message = f"{place}: {problem}" if place else problem
        super().__init__(" ".join((f"{message}; {expected}" if expected else message).split()))

    def without_value(self) -> str:
        """Return the text without the value, for what people may read who must not know it."""
        input_error = InputError(
            self.problem, file=self.file, row=self.row, column=self.column, expected=self.expected, code=self.code
        )
        return str(input_error)


class UnknownSourceError(BiodataError):
    """There is no source of that name."""

    code = "SOURCE_UNKNOWN"

    def __init__(self, name: str, known: list[str]) -> None:
        self.name, self.known = name, known
        super().__init__(f"no source called {name!r}; known sources: {', '.join(sorted(known))}")


class MissingExtraError(BiodataError):
    """An optional part is not installed."""

    code = "EXTRA_MISSING"

    def __init__(self, what: str, extra: str) -> None:
        self.what, self.extra = what, extra
        super().__init__(f"{what} needs the optional extra {extra!r}: pip install 'biodata[{extra}]'")


class NoReleaseError(BiodataError):
    """No release can be read."""

    code = "RELEASE_MISSING"

    def __init__(self, message: str = "there is no release yet; `biodata release` makes one") -> None:
        super().__init__(message)


class StoreError(BiodataError):
    """The store cannot do what was asked and is as it was."""

    code = "STORE_ERROR"


class QueryTimeoutError(StoreError):
    """A question took longer than a question may."""

    code = "QUERY_TIMEOUT"


class DiskFullError(StoreError):
    """There is no room for what was asked; everything is as it was."""

    code = "DISK_FULL"


class JobStoppedError(StoreError):
    """A job is not held any more: it was cancelled, its worker is to end, or another worker took it over."""

    code = "JOB_STOPPED"


class RemoteError(BiodataError):
    """A remote service answered with something that cannot be used."""

    code = "REMOTE_ERROR"


class SharingError(BiodataError):
    """A sharing rule is not valid, or a table has what may not leave."""

    code = "SHARING_ERROR"


class RulesUnreadableError(SharingError):
    """The sharing rules are missing, cut or changed, so nothing is decided that needs them until they are back."""

    code = "RULES_UNREADABLE"


_BY_RULE: Final = (
    "SCORE_LOW", "PICTURE_FAILED", "PICTURE_REPEATED", "DEPLOYMENT_REPEATED", "DEPLOYMENT_BLOCKED", "HEADING_ROW_REPEATED",
)  # fmt: skip
"""Reasons for which a row stays out and has nothing to mend itself, beside those that end with `_LEFT_OUT`."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """One row that was not taken in, and why; the shape of `ingest --json`'s `refusals`."""

    file: str
    row: int | None
    column: str | None
    value: str | None
    code: str
    message: str
    sheet: str | None = None

    @property
    def by_rule(self) -> bool:
        """True where a row stays out for what it is, with nothing to mend: a blank picture, the same animals once more."""
        return self.code.endswith("_LEFT_OUT") or self.code in _BY_RULE

    def as_dict(self) -> dict[str, Any]:
        """Return the refusal as plain values for JSON; a sheet only where there is one."""
        return {name: value for name, value in asdict(self).items() if name != "sheet" or value is not None}


def shorten(value: str, length: int = 80) -> str:
    """Return `value` cut to `length` characters, with … where it was cut."""
    return value if len(value) <= length else value[: length - 1] + "…"
