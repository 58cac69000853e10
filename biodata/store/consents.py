"""Who has to agree before a shared output goes public, and what they answered; a draft stays until every one agreed."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import polars as pl
from sqlalchemy import select
from sqlalchemy.orm import Session

from biodata.errors import InputError
from biodata.settings import Settings
from biodata.store import audit
from biodata.store.node_models import ConsentAnswer, Node
from biodata.store.registry import Registry

SHARED: Final = {"corridors": "corridor_id", "reserve_candidates": "candidate_id", "considered_ground": "considered_id"}
"""The tables of outputs that may touch several countries, and the column that names a row."""
ANSWERS: Final = ("agree", "refuse", "ask")
SILENT: Final = "silent"
NO_NODE: Final = "no node is registered"
NOBODY_ASKED: Final = "nobody was asked: no national node is registered here"
NOT_REQUIRED: Final = "nobody was asked: this installation requires no consent"


@dataclass(frozen=True, slots=True)
class Consents:
    """The registered nodes and their answers.

    Attributes
    ----------
    required : bool
        Whether a shared output waits for answers.
    nodes : frozenset of str
        Countries that have a node here.
    answers : mapping of (output, content, country) to (answer, note)
        The last answer of each.
    """

    required: bool
    nodes: frozenset[str]
    answers: Mapping[tuple[str, str, str], tuple[str, str]]

    @classmethod
    def read(cls, registry: Registry, settings: Settings) -> "Consents":
        """Read them from the registry."""
        with registry.session(read_only=True) as session:
            registered = {node.code: node.distrusted for node in session.scalars(select(Node))}
            answers = {
                (one.output, one.content, one.country): (one.answer, one.note)
                for one in session.scalars(select(ConsentAnswer).order_by(ConsentAnswer.number))
            }
        asked, nodes = settings.consent, frozenset(code for code, ended in registered.items() if ended is None)
        # A node whose key is trusted no longer was asked all the same: what it refused stays a draft.
        return cls(bool(registered) if asked is None else asked == "required", nodes, answers)

    def states(self, table: str, row: Mapping[str, Any]) -> dict[str, str]:
        """Return what each concerned country answered to an output; silence is one of the answers.

        Parameters
        ----------
        table : str
            A table of `SHARED`.
        row : mapping
            An output as it would be published.

        Returns
        -------
        dict of str to str
            By country: agree, refuse, ask, silent, or that it has no node. Empty for an output of one country.
        """
        countries = sorted(set(row["country_codes"] or []))
        if len(countries) < 2:
            return {}
        output, content = row[SHARED[table]], content_of(row)
        return {
            code: self.answers.get((output, content, code), (SILENT, ""))[0] if code in self.nodes else NO_NODE
            for code in countries
        }

    def public(self, table: str, frame: pl.DataFrame) -> pl.DataFrame:
        """Return the outputs that may go public, each with who agreed in its evidence.

        Parameters
        ----------
        table : str
            Any table of results; those that are not in `SHARED` are returned as they are.
        frame : polars.DataFrame of n rows
            As the sharing rules let them out.

        Returns
        -------
        polars.DataFrame of at most n rows
            Drafts are left out.
        """
        if table not in SHARED or frame.is_empty():
            return frame
        keep, evidence = [], []
        for row in frame.iter_rows(named=True):
            states = self.states(table, row)
            agreed = all(state == "agree" for state in states.values())
            keep.append(agreed or not self.required)
            evidence.append(_told(row["evidence"], states, self._said(states)))
        return frame.with_columns(evidence=pl.Series(evidence, dtype=pl.String)).filter(
            pl.Series(keep, dtype=pl.Boolean)
        )

    def _said(self, states: Mapping[str, str]) -> str:
        """Return the sentence that an output carries."""
        if not states:
            return "it lies in one country"
        if self.required:
            return f"agreed by the national nodes of {', '.join(states)}"
        return NOT_REQUIRED if self.nodes else NOBODY_ASKED


def content_of(row: Mapping[str, Any]) -> str:
    """Return the SHA-256 of what an output says: an answer is to this, and to nothing that bears its name later."""
    plain = {name: value.hex() if isinstance(value, bytes) else value for name, value in row.items()}
    return hashlib.sha256(json.dumps(plain, sort_keys=True, ensure_ascii=False, default=str).encode()).hexdigest()


def answer(
    session: Session, row: Mapping[str, Any], table: str, country: str, given: str, *, note: str, by: str
) -> None:
    """Put down what a country's node answers to an output, inside a transaction.

    Parameters
    ----------
    session : Session
        Of the registry.
    row : mapping
        The output, as it would be published.
    table : str
        A table of `SHARED`.
    country : str
        Whose node answers.
    given : str
        agree, refuse or ask.
    note : str
        Why, or what is asked.
    by : str
        Who answers.

    Raises
    ------
    InputError
        If the output does not concern the country, the country has no node here, or the answer is none.
    """
    output = row[SHARED[table]]
    if given not in ANSWERS:
        problem = "this is no answer"
        raise InputError(problem, value=given, expected=f"one of {', '.join(ANSWERS)}", code="ANSWER_UNKNOWN")
    node = session.get(Node, country)
    if country not in (row["country_codes"] or []) or node is None or node.distrusted is not None:
        problem = f"the node of this country is not asked about {output}"
        raise InputError(problem, value=country, expected="a country of it that has a node here", code="NODE_UNKNOWN")
    last = session.scalars(
        select(ConsentAnswer.number)
        .where(ConsentAnswer.output == output, ConsentAnswer.country == country)
        .order_by(ConsentAnswer.number.desc())
        .limit(1)
    ).first()
    content = content_of(row)
    number = (last or 0) + 1
    session.add(
        ConsentAnswer(output=output, content=content, country=country, number=number, answer=given, note=note, by=by)
    )
    details = {"country": country, "answer": given, "content": content, "note": note}
    audit.append(session, actor=by, action="consent", subject=output, details=details)


def _told(evidence: str | None, states: Mapping[str, str], said: str) -> str:
    """Put what was answered into an output's evidence."""
    told = json.loads(evidence or "{}")
    told["consent"] = {"said": said, "answers": dict(states)}
    return json.dumps(told, ensure_ascii=False, sort_keys=True)
