"""Every error leaves as problem+json (RFC 9457): a code, a field, what would be right, a request id; no stack trace."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from biodata.errors import shorten

PROBLEM_TYPE: Final = "application/problem+json"

_FEW: Final = 30
"""So many values of a vocabulary are listed in an error."""


@dataclass(frozen=True, slots=True)
class Problem:
    """A kind of error.

    Attributes
    ----------
    status : int
        HTTP status.
    title : str
        The same short sentence each time.
    """

    status: int
    title: str


class Code(StrEnum):
    """A kind of error; its value is a stable name for programs."""

    PARAMETER_UNKNOWN = "PARAMETER_UNKNOWN"
    PARAMETER_UNAVAILABLE = "PARAMETER_UNAVAILABLE"
    PARAMETER_INVALID = "PARAMETER_INVALID"
    PARAMETERS_TOO_MANY = "PARAMETERS_TOO_MANY"
    GEOMETRY_INVALID = "GEOMETRY_INVALID"
    FILTER_INVALID = "FILTER_INVALID"
    CURSOR_INVALID = "CURSOR_INVALID"
    WINDOW_EXCEEDED = "WINDOW_EXCEEDED"
    REQUEST_INVALID = "REQUEST_INVALID"
    UPLOAD_INVALID = "UPLOAD_INVALID"
    KEY_MISSING = "KEY_MISSING"
    NOT_FOUND = "NOT_FOUND"
    RECORD_MISSING = "RECORD_MISSING"
    AREA_MISSING = "AREA_MISSING"
    BODY_INVALID = "BODY_INVALID"
    BODY_TOO_LARGE = "BODY_TOO_LARGE"
    DOWNLOAD_MISSING = "DOWNLOAD_MISSING"
    DOWNLOAD_UNFINISHED = "DOWNLOAD_UNFINISHED"
    DOWNLOAD_GONE = "DOWNLOAD_GONE"
    DOWNLOADS_TOO_MANY = "DOWNLOADS_TOO_MANY"
    RANGE_INVALID = "RANGE_INVALID"
    CITATION_MISSING = "CITATION_MISSING"
    CITATION_UNFINISHED = "CITATION_UNFINISHED"
    REPLAY_MISSING = "REPLAY_MISSING"
    REPLAY_GONE = "REPLAY_GONE"
    DOI_UNAVAILABLE = "DOI_UNAVAILABLE"
    JOBS_TOO_MANY = "JOBS_TOO_MANY"
    METHOD_NOT_ALLOWED = "METHOD_NOT_ALLOWED"
    NOT_ACCEPTABLE = "NOT_ACCEPTABLE"
    IDEMPOTENCY_KEY_REUSED = "IDEMPOTENCY_KEY_REUSED"
    RELEASE_GONE = "RELEASE_GONE"
    UPLOAD_TOO_LARGE = "UPLOAD_TOO_LARGE"
    RATE_LIMITED = "RATE_LIMITED"
    NOT_FROM_HERE = "NOT_FROM_HERE"
    URI_TOO_LONG = "URI_TOO_LONG"
    INTERNAL = "INTERNAL"
    RELEASE_MISSING = "RELEASE_MISSING"
    QUERY_TIMEOUT = "QUERY_TIMEOUT"
    STORE_ERROR = "STORE_ERROR"
    DISK_FULL = "DISK_FULL"
    BOX_INVALID = "BOX_INVALID"
    COLUMN_UNKNOWN = "COLUMN_UNKNOWN"
    FILTER_TOO_LARGE = "FILTER_TOO_LARGE"
    FILTER_VALUE = "FILTER_VALUE"
    PAGE_INVALID = "PAGE_INVALID"
    TILE_UNKNOWN = "TILE_UNKNOWN"
    DATASET_FORBIDDEN = "DATASET_FORBIDDEN"
    FORBIDDEN = "FORBIDDEN"
    LOGIN_FAILED = "LOGIN_FAILED"
    TERMS_NOT_ACCEPTED = "TERMS_NOT_ACCEPTED"
    TERMS_VERSION = "TERMS_VERSION"
    TERMS_MISSING = "TERMS_MISSING"
    PERMIT_INVALID = "PERMIT_INVALID"
    PERMIT_MISSING = "PERMIT_MISSING"
    LOGINS_TOO_MANY = "LOGINS_TOO_MANY"
    CHECKS_TOO_MANY = "CHECKS_TOO_MANY"
    PASSWORD_INVALID = "PASSWORD_INVALID"
    CODE_INVALID = "CODE_INVALID"
    FIELD_INVALID = "FIELD_INVALID"
    ACCOUNT_MISSING = "ACCOUNT_MISSING"
    REQUEST_MISSING = "REQUEST_MISSING"
    REQUEST_DECIDED = "REQUEST_DECIDED"
    NOTHING_GRANTED = "NOTHING_GRANTED"
    REPORT_OVERDUE = "REPORT_OVERDUE"
    GRANT_REFUSED = "GRANT_REFUSED"
    GRANT_INVALID = "GRANT_INVALID"
    OUTPUT_UNKNOWN = "OUTPUT_UNKNOWN"
    OUTPUT_CHANGED = "OUTPUT_CHANGED"
    IF_MATCH_MISSING = "IF_MATCH_MISSING"
    ANSWER_UNKNOWN = "ANSWER_UNKNOWN"
    SIGNATURE_INVALID = "SIGNATURE_INVALID"
    NODE_UNKNOWN = "NODE_UNKNOWN"
    NODE_DECIDES = "NODE_DECIDES"
    WORD_INVALID = "WORD_INVALID"
    ACCOUNT_EXISTS = "ACCOUNT_EXISTS"
    ACCOUNT_CLOSED = "ACCOUNT_CLOSED"
    ROLE_NOT_GIVEN = "ROLE_NOT_GIVEN"
    OWN_APPOINTMENT = "OWN_APPOINTMENT"
    CONFIRMATION_FORBIDDEN = "CONFIRMATION_FORBIDDEN"
    LAST_ADMINISTRATOR = "LAST_ADMINISTRATOR"
    KEY_UNKNOWN = "KEY_UNKNOWN"
    IDENTITY_UNKNOWN = "IDENTITY_UNKNOWN"
    PROVIDER_UNKNOWN = "PROVIDER_UNKNOWN"
    PROVIDER_FAILED = "PROVIDER_FAILED"
    SUBMISSION_CHANGED = "SUBMISSION_CHANGED"
    SUBMISSION_DECIDED = "SUBMISSION_DECIDED"
    REVIEW_FORBIDDEN = "REVIEW_FORBIDDEN"
    VERSION_UNKNOWN = "VERSION_UNKNOWN"
    IDENTIFIER_IN_TWO_PARTS = "IDENTIFIER_IN_TWO_PARTS"
    DATASET_UNKNOWN = "DATASET_UNKNOWN"


PROBLEMS: Final = MappingProxyType(
    {
        Code.PARAMETER_UNKNOWN: Problem(400, "There is no parameter of that name."),
        Code.PARAMETER_UNAVAILABLE: Problem(400, "GBIF has this parameter; it cannot be honoured here."),
        Code.PARAMETER_INVALID: Problem(400, "A parameter's value cannot be used."),
        Code.PARAMETERS_TOO_MANY: Problem(400, "There are too many parameters."),
        Code.GEOMETRY_INVALID: Problem(400, "The geometry cannot be used as a filter."),
        Code.FILTER_INVALID: Problem(400, "The filter cannot be read."),
        Code.CURSOR_INVALID: Problem(400, "The cursor was not made by this service for this request."),
        Code.WINDOW_EXCEEDED: Problem(400, "Offset paging ends at 100,000 records; a cursor has no such end."),
        Code.REQUEST_INVALID: Problem(400, "The request cannot be read."),
        Code.UPLOAD_INVALID: Problem(400, "The upload cannot be read."),
        Code.KEY_MISSING: Problem(401, "An API key or a token is needed, and the one given, if any, cannot be taken."),
        Code.NOT_FOUND: Problem(404, "There is nothing here."),
        Code.RECORD_MISSING: Problem(404, "There is no such record in this release."),
        Code.AREA_MISSING: Problem(404, "There is no such area."),
        Code.BODY_INVALID: Problem(400, "The body cannot be read."),
        Code.BODY_TOO_LARGE: Problem(413, "The body is larger than what is taken."),
        Code.DOWNLOAD_MISSING: Problem(404, "There is no such download."),
        Code.DOWNLOAD_UNFINISHED: Problem(409, "The download is not done yet."),
        Code.DOWNLOAD_GONE: Problem(410, "The download has no file, or has it no longer."),
        Code.DOWNLOADS_TOO_MANY: Problem(429, "Too many downloads wait."),
        Code.RANGE_INVALID: Problem(416, "The file has no such part."),
        Code.CITATION_MISSING: Problem(404, "There is no such citation."),
        Code.CITATION_UNFINISHED: Problem(409, "What is asked for is not done yet."),
        Code.REPLAY_MISSING: Problem(404, "The citation was not asked again yet."),
        Code.REPLAY_GONE: Problem(410, "The rows of the replay are not told any more."),
        Code.JOBS_TOO_MANY: Problem(429, "Too much waits for the worker."),
        Code.DOI_UNAVAILABLE: Problem(409, "No DOI can be registered here."),
        Code.METHOD_NOT_ALLOWED: Problem(405, "This method is not answered here."),
        Code.NOT_ACCEPTABLE: Problem(406, "This is not told in any of the accepted types."),
        Code.IDEMPOTENCY_KEY_REUSED: Problem(409, "The same Idempotency-Key came with another file."),
        Code.RELEASE_GONE: Problem(410, "The release that the cursor belongs to is no longer open."),
        Code.UPLOAD_TOO_LARGE: Problem(413, "The upload is larger than what is taken."),
        Code.URI_TOO_LONG: Problem(414, "The address is longer than what is taken."),
        Code.RATE_LIMITED: Problem(429, "There were more requests than are answered."),
        Code.NOT_FROM_HERE: Problem(403, "This is answered to this machine, or with a token."),
        Code.INTERNAL: Problem(500, "Something went wrong on our side."),
        Code.RELEASE_MISSING: Problem(503, "No release can be read yet."),
        Code.QUERY_TIMEOUT: Problem(503, "The query took too long and was stopped."),
        Code.STORE_ERROR: Problem(503, "The store cannot answer now."),
        Code.DISK_FULL: Problem(507, "There is no room on the disk for it."),
        Code.BOX_INVALID: Problem(400, "The box is not on Earth."),
        Code.COLUMN_UNKNOWN: Problem(400, "There is no property of that name."),
        Code.FILTER_TOO_LARGE: Problem(400, "The filter has too many parts."),
        Code.FILTER_VALUE: Problem(400, "A value does not fit its property."),
        Code.PAGE_INVALID: Problem(400, "There is no such page."),
        Code.TILE_UNKNOWN: Problem(404, "There is no such tile."),
        Code.DATASET_FORBIDDEN: Problem(403, "The key uploads to another dataset."),
        Code.FORBIDDEN: Problem(403, "Your roles do not reach so far."),
        Code.TERMS_NOT_ACCEPTED: Problem(403, "The terms of use have to be accepted first."),
        Code.TERMS_VERSION: Problem(409, "These are not the terms that hold."),
        Code.TERMS_MISSING: Problem(404, "There are no terms of use here."),
        Code.PERMIT_INVALID: Problem(422, "The permit cannot be taken."),
        Code.PERMIT_MISSING: Problem(404, "There is no such permit."),
        Code.LOGIN_FAILED: Problem(401, "Name and password do not belong together, or the login was refused."),
        Code.LOGINS_TOO_MANY: Problem(429, "Too many log in at once."),
        Code.CHECKS_TOO_MANY: Problem(429, "Too many surveys wait for their check."),
        Code.PASSWORD_INVALID: Problem(400, "This cannot be a password."),
        Code.CODE_INVALID: Problem(400, "The code cannot be used."),
        Code.FIELD_INVALID: Problem(422, "A field of the body cannot be taken."),
        Code.ACCOUNT_MISSING: Problem(404, "There is no such account."),
        Code.REQUEST_MISSING: Problem(404, "There is no such request of yours, or that you decide."),
        Code.NOTHING_GRANTED: Problem(404, "Nothing of this request is granted now."),
        Code.REQUEST_DECIDED: Problem(409, "The country has decided already."),
        Code.REPORT_OVERDUE: Problem(409, "A report of what was made of earlier records is overdue."),
        Code.GRANT_REFUSED: Problem(403, "The exact store does not take the grant."),
        Code.GRANT_INVALID: Problem(422, "This is no grant."),
        Code.OUTPUT_UNKNOWN: Problem(404, "There is no such output that concerns a country of yours."),
        Code.OUTPUT_CHANGED: Problem(412, "The output is not as it was when it was looked at."),
        Code.IF_MATCH_MISSING: Problem(428, "A decision or an answer tells what was looked at: If-Match is missing."),
        Code.ANSWER_UNKNOWN: Problem(422, "This is no answer."),
        Code.SIGNATURE_INVALID: Problem(422, "The node's own signature is needed."),
        Code.NODE_UNKNOWN: Problem(422, "You are not asked for this country."),
        Code.NODE_DECIDES: Problem(403, "Who speaks for a country is its own to say."),
        Code.WORD_INVALID: Problem(422, "This is no word of that node."),
        Code.ACCOUNT_EXISTS: Problem(409, "There is an account of this name already."),
        Code.ACCOUNT_CLOSED: Problem(409, "The account is closed."),
        Code.ROLE_NOT_GIVEN: Problem(404, "The account has no such role."),
        Code.OWN_APPOINTMENT: Problem(403, "Nobody appoints themselves: one person gives a role, another confirms it."),
        Code.CONFIRMATION_FORBIDDEN: Problem(403, "Only who decides here confirms an appointment."),
        Code.LAST_ADMINISTRATOR: Problem(409, "Somebody has to administer the installation."),
        Code.IDENTITY_UNKNOWN: Problem(404, "No provider calls your account so."),
        Code.KEY_UNKNOWN: Problem(404, "You have no such key."),
        Code.PROVIDER_UNKNOWN: Problem(404, "Nobody logs in here by a provider of this name."),
        Code.PROVIDER_FAILED: Problem(502, "The provider does not answer as it should."),
        Code.SUBMISSION_CHANGED: Problem(412, "The survey is not as it was when it was looked at."),
        Code.IDENTIFIER_IN_TWO_PARTS: Problem(409, "An identifier stands in another part of the dataset."),
        Code.SUBMISSION_DECIDED: Problem(409, "The survey is in no state for this."),
        Code.REVIEW_FORBIDDEN: Problem(403, "This is not yours to review."),
        Code.VERSION_UNKNOWN: Problem(404, "The dataset has no such version."),
        Code.DATASET_UNKNOWN: Problem(404, "There is no such dataset that concerns you."),
    }
)
"""Status and title of every code; the documentation page lists them."""


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
        Code.PARAMETER_INVALID, f"{field}={shorten(value)!r} cannot be used", field=field, expected=expected
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
    near = _near(value, words)
    if near:
        expected = f"did you mean {' or '.join(near)}?"
    else:
        expected = f"one of {', '.join(words)}" if 0 < len(words) <= _FEW else "a value that /docs lists"
    detail = f"{field}: {shorten(value)!r} is not known"
    return ProblemError(Code.PARAMETER_INVALID, detail, field=field, expected=expected, near=near)


def unknown_parameter(name: str, known: Iterable[str]) -> ProblemError:
    """Return the error for a parameter that is not known, with the names nearest to it."""
    near = _near(name, known)
    return ProblemError(
        Code.PARAMETER_UNKNOWN,
        f"there is no parameter called {shorten(name)!r} here",
        field=shorten(name),
        expected=f"did you mean {' or '.join(near)}?" if near else "see /docs for the parameters of each address",
        near=near,
    )


def _near(word: str, known: Iterable[str]) -> list[str]:
    """Return the words nearest to one, in any letter case."""
    by_lower = {k.lower(): k for k in known}
    return [by_lower[k] for k in get_close_matches(shorten(word).lower(), by_lower, n=3, cutoff=0.6)]
