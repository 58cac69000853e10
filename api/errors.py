"""Every error leaves as problem+json (RFC 9457): a code, a field, what would be right, a request id; no stack trace."""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from enum import Enum
from typing import Final

from biodata.core.errors import shorten
from biodata.core.phrases import Phrase, joined

PROBLEM_TYPE: Final = "application/problem+json"

_FEW: Final = 30
"""So many values of a vocabulary are listed in an error."""


class Code(Enum):
    """A kind of error: a stable name for programs, with the status and the title of its answer."""

    PARAMETER_UNKNOWN = 400, "There is no parameter of that name."
    PARAMETER_UNAVAILABLE = 400, "GBIF has this parameter; it cannot be honoured here."
    PARAMETER_INVALID = 400, "A parameter's value cannot be used."
    PARAMETERS_TOO_MANY = 400, "There are too many parameters."
    GEOMETRY_INVALID = 400, "The geometry cannot be used as a filter."
    FILTER_INVALID = 400, "The filter cannot be read."
    CURSOR_INVALID = 400, "The cursor was not made by this service for this request."
    WINDOW_EXCEEDED = 400, "Offset paging ends at 100,000 records; a cursor has no such end."
    REQUEST_INVALID = 400, "The request cannot be read."
    UPLOAD_INVALID = 400, "The upload cannot be read."
    KEY_MISSING = 401, "An API key or a token is needed, and the one given, if any, cannot be taken."
    NOT_FOUND = 404, "There is nothing here."
    RECORD_MISSING = 404, "There is no such record in this release."
    AREA_MISSING = 404, "There is no such area."
    BODY_INVALID = 400, "The body cannot be read."
    BODY_TOO_LARGE = 413, "The body is larger than what is taken."
    DOWNLOAD_MISSING = 404, "There is no such download."
    DOWNLOAD_UNFINISHED = 409, "The download is not done yet."
    DOWNLOAD_GONE = 410, "The download has no file, or has it no longer."
    DOWNLOADS_TOO_MANY = 429, "Too many downloads wait."
    CITATION_MISSING = 404, "There is no such citation."
    CITATION_UNFINISHED = 409, "What is asked for is not done yet."
    REPLAY_MISSING = 404, "The citation was not asked again yet."
    DOI_UNAVAILABLE = 409, "No DOI can be registered here."
    JOBS_TOO_MANY = 429, "Too much waits for the worker."
    METHOD_NOT_ALLOWED = 405, "This method is not answered here."
    NOT_ACCEPTABLE = 406, "This is not told in any of the accepted types."
    RELEASE_GONE = 410, "The release that the cursor belongs to is no longer open."
    UPLOAD_TOO_LARGE = 413, "The upload is larger than what is taken."
    RATE_LIMITED = 429, "There were more requests than are answered."
    NOT_FROM_HERE = 403, "This is answered to this machine, or with a token."
    URI_TOO_LONG = 414, "The address is longer than what is taken."
    INTERNAL = 500, "Something went wrong on our side."
    RELEASE_MISSING = 503, "No release can be read yet."
    QUERY_TIMEOUT = 503, "The query took too long and was stopped."
    STORE_ERROR = 503, "The store cannot answer now."
    DISK_FULL = 507, "There is no room on the disk for it."
    BOX_INVALID = 400, "The box is not on Earth."
    COLUMN_UNKNOWN = 400, "There is no property of that name."
    FILTER_TOO_LARGE = 400, "The filter has too many parts."
    FILTER_VALUE = 400, "A value does not fit its property."
    PAGE_INVALID = 400, "There is no such page."
    TILE_UNKNOWN = 404, "There is no such tile."
    DATASET_FORBIDDEN = 403, "The key uploads to another dataset."
    FORBIDDEN = 403, "Your roles do not reach so far."
    LOGIN_FAILED = 401, "Name and password do not belong together, or the login was refused."
    TERMS_NOT_ACCEPTED = 403, "The terms of use have to be accepted first."
    TERMS_VERSION = 409, "These are not the terms that hold."
    TERMS_MISSING = 404, "There are no terms of use here."
    PERMIT_INVALID = 422, "The permit cannot be taken."
    PERMIT_MISSING = 404, "There is no such permit."
    LOGINS_TOO_MANY = 429, "Too many log in at once."
    CHECKS_TOO_MANY = 429, "Too many surveys wait for their check."
    PASSWORD_INVALID = 400, "This cannot be a password."
    CODE_INVALID = 400, "The code cannot be used."
    FIELD_INVALID = 422, "A field of the body cannot be taken."
    ACCOUNT_MISSING = 404, "There is no such account."
    REQUEST_MISSING = 404, "There is no such request of yours, or that you decide."
    REQUEST_DECIDED = 409, "The country has decided already."
    NOTHING_GRANTED = 404, "Nothing of this request is granted now."
    REPORT_OVERDUE = 409, "A report of what was made of earlier records is overdue."
    GRANT_REFUSED = 403, "The exact store does not take the grant."
    GRANT_INVALID = 422, "This is no grant."
    OUTPUT_UNKNOWN = 404, "There is no such output that concerns a country of yours."
    OUTPUT_CHANGED = 412, "The output is not as it was when it was looked at."
    IF_MATCH_MISSING = 428, "A decision or an answer tells what was looked at: If-Match is missing."
    ANSWER_UNKNOWN = 422, "This is no answer."
    SIGNATURE_INVALID = 422, "The node's own signature is needed."
    NODE_UNKNOWN = 422, "You are not asked for this country."
    NODE_DECIDES = 403, "Who speaks for a country is its own to say."
    WORD_INVALID = 422, "This is no word of that node."
    ACCOUNT_EXISTS = 409, "There is an account of this name already."
    ACCOUNT_CLOSED = 409, "The account is closed."
    ROLE_NOT_GIVEN = 404, "The account has no such role."
    OWN_APPOINTMENT = 403, "Nobody appoints themselves: one person gives a role, another confirms it."
    CONFIRMATION_FORBIDDEN = 403, "Only who decides here confirms an appointment."
    LAST_ADMINISTRATOR = 409, "Somebody has to administer the installation."
    KEY_UNKNOWN = 404, "You have no such key."
    SUBMISSION_CHANGED = 412, "The survey is not as it was when it was looked at."
    SUBMISSION_DECIDED = 409, "The survey is in no state for this."
    REVIEW_FORBIDDEN = 403, "This is not yours to review."
    VERSION_UNKNOWN = 404, "The dataset has no such version."
    IDENTIFIER_IN_TWO_PARTS = 409, "An identifier stands in another part of the dataset."
    DATASET_UNKNOWN = 404, "There is no such dataset that concerns you."

    def __init__(self, status: int, title: str) -> None:
        self.status, self.title = status, title

    def __str__(self) -> str:
        return self.name

    @classmethod
    def named(cls, name: str, *, default: "Code") -> "Code":
        """Return the code of a name; the default where there is none."""
        return cls.__members__.get(name, default)


class ProblemError(Exception):
    """An error that a handler answers with on purpose.

    Parameters
    ----------
    code : Code
        What kind of error.
    detail : str
        What was wrong this time, in one sentence.
    field : str, optional
        The parameter, header or column.
    expected : str, optional
        What would be right.
    near : iterable of str
        Names that may have been meant.
    headers : mapping of str to str, optional
        Headers of the answer.
    """

    def __init__(
        self,
        code: Code,
        detail: str,
        *,
        field: str | None = None,
        expected: str | None = None,
        near: Iterable[str] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.code, self.detail, self.field, self.expected = code, detail, field, expected
        self.near, self.headers = list(near), dict(headers or {})
        super().__init__(detail)


def invalid(*, field: str, value: str, expected: str) -> ProblemError:
    """Return the error for a parameter whose value cannot be used."""
    return ProblemError(
        Code.PARAMETER_INVALID,
        Phrase("{a} cannot be used", a=f"{field}={shorten(value)!r}"),
        field=field,
        expected=expected,
    )


def unavailable_parameter(name: str, instead: str) -> ProblemError:
    """Return the error for a parameter of GBIF's that cannot be honoured, with what can be asked instead."""
    detail = f"{name} cannot be honoured: what it asks for is not published here"
    nothing, _, reason = instead.partition("nothing: ")
    expected = reason if not nothing and reason else f"instead {instead}"
    return ProblemError(Code.PARAMETER_UNAVAILABLE, detail, field=name, expected=expected)


def unknown_value(*, field: str, value: str, known: Iterable[str]) -> ProblemError:
    """Return the error for a value outside a vocabulary, with the values nearest to it, or all where they are few."""
    words = list(known)
    near, expected = _near(value, words), "a value that /docs lists"
    if near:
        expected = _meant(near)
    elif 0 < len(words) <= _FEW:
        expected = Phrase("one of {a}", a=", ".join(words))
    detail = f"{field}: {shorten(value)!r} is not known"
    return ProblemError(Code.PARAMETER_INVALID, detail, field=field, expected=expected, near=near)


def unknown_parameter(name: str, known: Iterable[str]) -> ProblemError:
    """Return the error for a parameter that is not known, with the names nearest to it."""
    near = _near(name, known)
    return ProblemError(
        Code.PARAMETER_UNKNOWN,
        Phrase("there is no parameter called {a} here", a=repr(shorten(name))),
        field=shorten(name),
        expected=_meant(near) if near else "see /docs for the parameters of each address",
        near=near,
    )


def _meant(near: Iterable[str]) -> Phrase:
    return Phrase("did you mean {a}?", a=joined(near, "{a} or {b}"))


def _near(word: str, known: Iterable[str]) -> list[str]:
    """Return the words nearest to one, in any letter case."""
    by_lower = {k.lower(): k for k in known}
    return [by_lower[k] for k in get_close_matches(shorten(word).lower(), by_lower, n=3, cutoff=0.6)]
