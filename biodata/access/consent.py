"""What a country's node is asked, sees and answers about a shared output; nobody else hears that there is one."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from biodata import assessments, places
from biodata.access.roles import Action, Principal, may
from biodata.core.errors import InputError
from biodata.core.settings import Settings
from biodata.store import audit, consents, jobs
from biodata.store.account_models import ConsentAnswer, Node, SharedOutput
from biodata.store.consents import AGREE, ANSWERS, Consents
from biodata.store.lake import Lake
from biodata.store.registry import Registry
from biodata.store.rules_in_force import rules_in_force

RELEASE_JOB: Final = "release"
_MOST_NOTE: Final = 2000


def asked(registry: Registry, who: Principal, required: str | None) -> list[dict[str, Any]]:
    """Return the shared outputs that concern countries whose node somebody is, by name.

    Parameters
    ----------
    registry : Registry
    who : Principal
    required : str, optional
        The setting `consent`.
    """
    with registry.session(read_only=True) as session:
        known = Consents.of(session, required)
        rows = session.scalars(select(SharedOutput).where(SharedOutput.gone.is_(None)).order_by(SharedOutput.name))
        return [_output_summary(known, one) for one in rows if _concerns(who, one)]


def look(registry: Registry, who: Principal | None, name: str, required: str | None) -> dict[str, Any]:
    """Return a shared output with the states and answers of its countries.

    Parameters
    ----------
    registry : Registry
    who : Principal, optional
        Who asks; whoever has the machine where nobody is stated.
    name : str
        The output.
    required : str, optional
        The setting `consent`.

    Returns
    -------
    dict
        `output`, `table`, `content`, `since`, `public`, `states`, `history`, `next` (the number of each country's next
        answer, which is part of what it signs) and `row`: the output as it would be published.

    Raises
    ------
    InputError
        With OUTPUT_UNKNOWN, if there is none, or it is none of theirs.
    """
    with registry.session(read_only=True) as session:
        one = _need(session, who, name)
        return _output_view(session, Consents.of(session, required), one)


def version(facts: dict[str, Any]) -> str:
    """Return what changes whenever an output says something else, or somebody answers."""
    seen = json.dumps([facts["content"], facts["next"]], sort_keys=True)
    return hashlib.sha256(seen.encode()).hexdigest()[:32]


def give(
    registry: Registry, who: Principal | None, name: str, country: str, given: str, *, required: str | None,
    note: str = "", signature: str | None = None, seen: str | None = None, actor: str = "command line",
) -> None:  # fmt: skip
    """Put down what a country's node answers, and let a release be made where that changes what is public.

    To agree takes the node's own signature, so that nobody at the hub, its administrator neither, agrees in its place. To
    refuse or to ask holds an output back, which needs none, nor a node; a signature that is given is checked in any case.
    Where a country has no node, its manager takes a refusal back by agreeing without a signature, which counts for no more
    than that: where answers are waited for, the output stays a draft.

    Parameters
    ----------
    registry : Registry
    who : Principal, optional
        Who answers; whoever has the machine where nobody is stated.
    name : str
        The output.
    country : str
        Whose node answers.
    given : str
        agree, refuse or ask.
    required : str, optional
        The setting `consent`.
    note : str
        Why, or what is asked.
    signature : str, optional
        The node's, in base 64, over `consents.text_to_sign`.
    seen : str, optional
        The `version` that was answered to; another than the present one is refused.
    actor : str
        What the audit calls whoever has the machine.

    Raises
    ------
    InputError
        With OUTPUT_UNKNOWN, if it is none of theirs; OUTPUT_CHANGED, if it says something else by now, or somebody
        answered meanwhile; ANSWER_UNKNOWN, if it is no answer; NODE_UNKNOWN, if that
        country is not asked, or its node not trusted any more; SIGNATURE_INVALID, if an agreement is not signed by the node.
    """
    with registry.session() as session, session.begin():
        one = _need(session, who, name)
        known = Consents.of(session, required)
        facts = _output_view(session, known, one)
        country = country.strip().upper()
        if country not in facts["next"] or (who is not None and not may(who, Action.ANSWER_CONSENT, country=country)):
            problem = f"you are not asked about {name} for this country"
            asked = ", ".join(facts["next"])
            expected = f"one of {asked}" if who is None else f"one of {asked} whose node you are"
            raise InputError(problem, column="country", value=country, expected=expected, code="NODE_UNKNOWN")
        if seen is not None and seen != version(facts):
            problem = "it says something else by now, or somebody answered meanwhile; look at it again"
            raise InputError(problem, column="If-Match", value=name, code="OUTPUT_CHANGED")
        _check(given, note)
        node = session.get(Node, country)
        if node is not None and node.distrusted is not None:
            problem = f"the node of this country is not trusted any more; it answers nothing about {name}"
            expected = "a country of it whose node is trusted here"
            raise InputError(problem, column="country", value=country, expected=expected, code="NODE_UNKNOWN")
        if node is not None:
            _check_signature(node, one, given, note, signature, facts["next"][country])
        elif signature is not None or (given == AGREE and who is None):
            problem = f"{country} has no node here, whose key an agreement or a signature is checked with"
            expected = f"`biodata node trust {country} KEYFILE` first; to refuse or to ask needs neither"
            raise InputError(problem, column="signature", value=country, expected=expected, code="SIGNATURE_INVALID")
        before = known.lets_out(known.states_of(name, one.content, list(facts["next"])))
        by = who.label if who is not None else actor
        number = facts["next"][country]
        session.add(
            ConsentAnswer(output=name, content=one.content, country=country, number=number, answer=given, note=note,
                          by=by, signature=signature)
        )  # fmt: skip
        session.flush()
        details = {"country": country, "answer": given, "content": one.content, "note": note, "number": number,
                   "signed": signature is not None}  # fmt: skip
        audit.append(session, actor=by, action="consent", subject=name, details=details)
        known = Consents.of(session, required)
        after = known.lets_out(known.states_of(name, one.content, list(facts["next"])))
        if after != before:
            # What somebody took back must not stay in the release before either.
            jobs.add(session, RELEASE_JOB, {"alone": True} if before else {})


def text_of(facts: dict[str, Any], country: str, given: str, note: str) -> bytes:
    """Return what a country's node signs to give an answer to what `look` stated.

    Raises
    ------
    InputError
        If the country is not asked, or the output is not what its content's hash says: then somebody changed it.
    """
    _check(given, note)
    if country not in facts["next"]:
        problem = f"this country is not asked about {facts['output']}"
        raise InputError(problem, value=country, expected=", ".join(facts["next"]), code="NODE_UNKNOWN")
    if consents.content_of(facts["row"]) != facts["content"]:
        problem = "what it says is not what would be agreed to: its hash is another"
        raise InputError(
            problem, value=facts["content"], expected=consents.content_of(facts["row"]), code="OUTPUT_CHANGED"
        )
    return consents.text_to_sign(output=facts["output"], content=facts["content"], country=country,
                                 number=facts["next"][country], answer=given, note=note)  # fmt: skip


def _check(given: str, note: str) -> None:
    """Refuse what is no answer."""
    if given not in ANSWERS:
        problem = "this is no answer"
        expected = f"one of {', '.join(ANSWERS)}"
        raise InputError(problem, column="answer", value=given, expected=expected, code="ANSWER_UNKNOWN")
    if len(note) > _MOST_NOTE:
        problem, expected = "the note is too long", f"at most {_MOST_NOTE:,} characters"
        raise InputError(problem, column="note", value=note[:40], expected=expected, code="FIELD_INVALID")


def _check_signature(node: Node, one: SharedOutput, given: str, note: str, signature: str | None, number: int) -> None:
    """Refuse an agreement without the node's signature, and a signature that is not its."""
    if signature is None and given != AGREE:
        return
    text = consents.text_to_sign(output=one.name, content=one.content, country=node.code, number=number, answer=given,
                                 note=note)  # fmt: skip
    if signature is None or not consents.signed_by(text, signature, node.public_key):
        problem = f"only the node of {node.code} itself agrees for it" if signature is None else (
            f"this is not the signature of the node of {node.code} over answer {number}")  # fmt: skip
        expected = "what `biodata consent sign` writes at the node, of this output as it is now"
        raise InputError(problem, column="signature", value=node.code, expected=expected, code="SIGNATURE_INVALID")


def _need(session: Session, who: Principal | None, name: str) -> SharedOutput:
    """Return an output that somebody may see; another's is not there."""
    one = session.get(SharedOutput, name)
    if one is None or one.gone is not None or not (who is None or _concerns(who, one)):
        problem = "there is no shared output of this name that concerns a country of yours"
        raise InputError(problem, value=name, expected="one that `biodata consent list` tells", code="OUTPUT_UNKNOWN")
    return one


def _concerns(who: Principal, one: SharedOutput) -> bool:
    """Return whether an output concerns a country whose node somebody is."""
    return any(may(who, Action.READ_DRAFT, country=code) for code in _countries(one))


def _countries(one: SharedOutput) -> list[str]:
    return sorted(set(one.row["country_codes"]))


def _output_summary(known: Consents, one: SharedOutput) -> dict[str, Any]:
    """Return what a list tells of an output: a country that is silent is silent since it was asked."""
    countries = _countries(one)
    states = known.states_of(one.name, one.content, countries)
    entries = []
    for code, state in states.items():
        answer = known.answers.get((one.name, one.content, code))
        since = one.since if answer is None or state == consents.SILENT else answer.date
        entries.append({"country": code, "state": state, "since": since})
    return {"output": one.name, "table": one.table_name, "content": one.content, "since": one.since,
            "public": known.lets_out(states), "states": entries}  # fmt: skip


def _output_view(session: Session, known: Consents, one: SharedOutput) -> dict[str, Any]:
    """Return all that its nodes see of an output; who at a node answered stands in the audit alone."""
    found = session.scalars(
        select(ConsentAnswer).where(ConsentAnswer.output == one.name).order_by(ConsentAnswer.id)
    ).all()
    history = [
        {"country": a.country, "number": a.number, "answer": a.answer, "note": a.note, "date": a.created,
         "signed": a.signature is not None, "to_this": a.content == one.content} for a in found
    ]  # fmt: skip
    return {**_output_summary(known, one), "history": history, "next": _next(found, _countries(one)), "row": one.row}


def _next(found: Sequence[ConsentAnswer], countries: Sequence[str]) -> dict[str, int]:
    """Return the number of each country's next answer."""
    last = dict.fromkeys(countries, 0) | {a.country: a.number for a in found if a.country in countries}
    return {code: number + 1 for code, number in last.items()}


@dataclass(frozen=True, slots=True)
class Output:
    """A shared output.

    Attributes
    ----------
    table, name : str
        The table, and the output's id.
    states : dict of str to str
        What each concerned country answered.
    public : bool
        Whether it may go public now.
    """

    table: str
    name: str
    states: dict[str, str]
    public: bool


def outputs(settings: Settings) -> list[Output]:
    """Return every output that touches several countries, drafts among them, and put down what their nodes are asked."""
    boundaries = places.load_boundaries(settings.boundaries)
    found = []
    with Registry.open(settings) as registry, Lake.open(settings.data, memory_limit=settings.memory_limit) as lake:
        known = Consents.read(registry, settings)
        rules = rules_in_force(settings, lake)
        for table, key in consents.SHARED.items():
            shown = assessments.published_results(lake, table, rules=rules, boundaries=boundaries)
            consents.ask_nodes(registry, table, shown)
            for row in shown.sort(key).iter_rows(named=True):
                if states := known.states(table, row):
                    found.append(Output(table, row[key], states, known.lets_out(states)))
    return found
