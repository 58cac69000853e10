"""Who has to agree before a shared output goes public, and what they answered; a draft stays until every one agreed."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import polars as pl
from sqlalchemy import select
from sqlalchemy.orm import Session

from biodata.core.settings import Settings
from biodata.formats import node_keys
from biodata.store import audit
from biodata.store.account_models import Account, Binding, ConsentAnswer, Node, SharedOutput
from biodata.store.models import now
from biodata.store.registry import Registry

SHARED: Final = {"corridors": "corridor_id", "reserve_candidates": "candidate_id", "considered_ground": "considered_id"}
"""The tables of outputs that may touch several countries, and the column that names a row."""
AGREE: Final = "agree"
HOLDS_BACK: Final = ("refuse", "ask")
"""Answers that keep an output a draft, also where nothing else waits for answers."""
ANSWERS: Final = (AGREE, *HOLDS_BACK)
SILENT: Final = "silent"
UNSIGNED: Final = "agree, not signed by its node"
NO_NODE: Final = "no node is registered"
NOT_TRUSTED: Final = "its node is not trusted any more"
NOBODY_ASKED: Final = "nobody was asked: none of its countries has a national node here"
NOT_REQUIRED: Final = "nobody was asked: this installation requires no consent"
_MANAGER: Final = "node_manager"
_PURPOSE: Final = b"biodata consent\n"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a country's node answered to one content of an output.

    Attributes
    ----------
    state : str
        agree, refuse, ask, or `UNSIGNED`: an agreement that the node itself did not sign counts for nothing.
    number : int
        Which answer of that country to that output it is.
    note : str
        Why, or what is asked.
    date : datetime
        When.
    signature : str, optional
        The node's own, in base 64, over `text_to_sign`.
    """

    state: str
    number: int
    note: str
    date: datetime
    signature: str | None


@dataclass(frozen=True, slots=True)
class Consents:
    """The registered nodes and their answers.

    Attributes
    ----------
    required : bool or None
        Whether shared outputs wait for answers; None where those do that concern a country which ever had a node here. A
        refusal or a question holds back one that does not wait, too.
    keys : mapping of str to (str or None)
        By country that ever had a node here, its public key; None where it is not trusted any more.
    answers : mapping of (output, content, country) to Answer
        The last answer of each.
    held : mapping of (output, country) to Answer
        The last answer to whatever bore that name, where it was a refusal or a question.
    asks : bool
        Whether anybody here answers for a country: a node, or a manager of one.
    """

    required: bool | None
    keys: Mapping[str, str | None]
    answers: Mapping[tuple[str, str, str], Answer]
    held: Mapping[tuple[str, str], Answer]
    asks: bool

    @classmethod
    def read(cls, registry: Registry, settings: Settings) -> "Consents":
        """Read them from the registry."""
        with registry.session(read_only=True) as session:
            return cls.of(session, settings.consent)

    @classmethod
    def of(cls, session: Session, asked: str | None) -> "Consents":
        """Read them in a transaction; `asked` is the setting `consent`.

        A node that is not trusted any more is still waited for: what it refused does not go public by that.
        """
        keys = {
            node.code: node.public_key if node.distrusted is None else None for node in session.scalars(select(Node))
        }
        answers, last = {}, {}
        for one in session.scalars(select(ConsentAnswer).order_by(ConsentAnswer.number)):
            answer = Answer(_state(one, keys.get(one.country)), one.number, one.note, one.created, one.signature)
            answers[one.output, one.content, one.country] = last[one.output, one.country] = answer
        held = {which: answer for which, answer in last.items() if answer.state in HOLDS_BACK}
        asks = bool(keys) or _has_manager(session)
        return cls(None if asked is None else asked == "required", keys, answers, held, asks)

    def waits(self, countries: Iterable[str]) -> bool:
        """Return whether an output of these countries waits for their answers."""
        return any(code in self.keys for code in countries) if self.required is None else self.required

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
            By country: agree, refuse, ask, silent, `UNSIGNED`, or that it has no node, or none that is trusted. Empty for
            an output of one country.
        """
        countries = sorted(set(row["country_codes"] or []))
        if len(countries) < 2:
            return {}
        return self.states_of(row[SHARED[table]], content_of(row), countries)

    def states_of(self, output: str, content: str, countries: list[str]) -> dict[str, str]:
        """Return the same of an output by its name and content."""
        found = {}
        for code in countries:
            one = self.answers.get((output, content, code))
            if one is None and not self.waits(countries):
                # Nothing waits for a new answer here: a new content must not take a country's refusal away.
                one = self.held.get((output, code))
            if one is not None and one.state in HOLDS_BACK:
                found[code] = one.state
            elif code not in self.keys:
                found[code] = NO_NODE
            elif self.keys[code] is None:
                found[code] = NOT_TRUSTED
            else:
                found[code] = one.state if one is not None else SILENT
        return found

    def lets_out(self, states: Mapping[str, str]) -> bool:
        """Return whether an output of these states may go public."""
        if any(state in HOLDS_BACK for state in states.values()):
            return False
        return not self.waits(states) or all(state == AGREE for state in states.values())

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
            keep.append(self.lets_out(states))
            evidence.append(self._with_answers(row, row[SHARED[table]], states))
        return frame.with_columns(evidence=pl.Series(evidence, dtype=pl.String)).filter(
            pl.Series(keep, dtype=pl.Boolean)
        )

    def _with_answers(self, row: Mapping[str, Any], output: str, states: Mapping[str, str]) -> str:
        """Put what was answered into an output's evidence; with each signature, which anybody can check."""
        facts = json.loads(row["evidence"] or "{}")
        said: dict[str, Any] = {"said": self._sentence(states), "answers": dict(states)}
        content, signed = content_of(row), {}
        for code, state in states.items():
            one, key = self.answers.get((output, content, code)), self.keys.get(code)
            if state == AGREE and one is not None and key is not None:
                signed[code] = {
                    "number": one.number, "note": one.note, "date": one.date.date().isoformat(),
                    "key": node_keys.fingerprint(key), "signature": one.signature,
                }  # fmt: skip
        if signed:
            said |= {"content": content, "signed": signed}
        facts["consent"] = said
        return json.dumps(facts, ensure_ascii=False, sort_keys=True)

    def _sentence(self, states: Mapping[str, str]) -> str:
        """Return the sentence that an output carries."""
        if not states:
            return "it lies in one country"
        if self.waits(states):
            return f"agreed by the national nodes of {', '.join(states)}"
        return NOT_REQUIRED if any(code in self.keys for code in states) else NOBODY_ASKED


def plain_row(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return an output's row as JSON, bytes in hexadecimal."""
    plain = {name: value.hex() if isinstance(value, bytes) else value for name, value in row.items()}
    found: dict[str, Any] = json.loads(json.dumps(plain, ensure_ascii=False, default=str))
    return found


def content_of(row: Mapping[str, Any]) -> str:
    """Return the SHA-256 of what an output says: an answer is to this, and to nothing that bears its name later."""
    return hashlib.sha256(json.dumps(plain_row(row), sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def text_to_sign(*, output: str, content: str, country: str, number: int, answer: str, note: str) -> bytes:
    """Return what a node signs: canonical JSON of one answer, whose number lets nobody give it a second time."""
    facts = {"output": output, "content": content, "node": country, "number": number, "answer": answer, "note": note}
    return json.dumps(facts, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def sign(text: bytes, private_pem: bytes) -> str:
    """Sign an answer with a node's key."""
    return node_keys.sign(_PURPOSE, text, private_pem)


def signed_by(text: bytes, signature: str, public_pem: str) -> bool:
    """Return whether a node's key signed an answer."""
    return node_keys.holds(_PURPOSE, text, signature, public_pem)


def _has_manager(session: Session) -> bool:
    """Return whether somebody's account speaks for a country."""
    found = select(Binding.id).join(Account, Account.id == Binding.account_id)
    return (
        session.scalar(
            found.where(Binding.role == _MANAGER, Binding.in_force.is_not(None), Account.disabled.is_(None)).limit(1)
        )
        is not None
    )


def _state(one: ConsentAnswer, public_pem: str | None) -> str:
    """Return what an answer counts for."""
    if one.answer != AGREE:
        return one.answer
    text = text_to_sign(output=one.output, content=one.content, country=one.country, number=one.number,
                        answer=one.answer, note=one.note)  # fmt: skip
    signed = one.signature is not None and public_pem is not None and signed_by(text, one.signature, public_pem)
    return AGREE if signed else UNSIGNED


def ask_nodes(registry: Registry, table: str, frame: pl.DataFrame) -> int:
    """Keep what nodes are asked about; return how many are new or say something else than before.

    Parameters
    ----------
    registry : Registry
    table : str
        A table of `SHARED`.
    frame : polars.DataFrame
        All its rows that the sharing rules let out. Of an output that is not among them nothing is kept but its name.
    """
    name_of, news = SHARED[table], 0
    wanted = {row[name_of]: row for row in frame.iter_rows(named=True) if len(set(row["country_codes"] or [])) > 1}
    with registry.session() as session, session.begin():
        known = {one.name: one for one in session.scalars(select(SharedOutput).where(SharedOutput.table_name == table))}
        for name, one in known.items():
            if name not in wanted and one.gone is None:
                one.gone, one.row = now(), {}
        for name, row in wanted.items():
            content, before = content_of(row), known.get(name)
            if before is not None and before.gone is None and before.content == content:
                continue
            if before is None:
                before = SharedOutput(name=name, table_name=table)
                session.add(before)
            before.content, before.row, before.since, before.gone = content, plain_row(row), now(), None
            details = {"content": content, "countries": sorted(set(row["country_codes"]))}
            audit.append(session, actor="biodata", action="consent asked", subject=name, details=details)
            news += 1
    return news
