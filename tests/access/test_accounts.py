"""Accounts, roles and keys: deny by default, bound as told, nobody gives more than they have, every change audited."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

import appointed
from biodata.access import accounts, credentials
from biodata.access.roles import (
    MAY,
    PUBLIC,
    SCOPES,
    Action,
    Principal,
    Role,
    RoleBinding,
    may,
    may_grant,
    may_somewhere,
    read_role,
    role_in_words,
)
from biodata.core.errors import InputError
from biodata.store.models import AuditEntry
from biodata.store.registry import Registry


def of(*roles: RoleBinding) -> Principal:
    return Principal(1, "ana", roles)


COUNTRIES, VALUES = ("LA", "CN"), ("a", "b")
BOUND = st.builds(
    RoleBinding,
    st.sampled_from([role for role in Role if role is not Role.PUBLIC]),
    country=st.none() | st.sampled_from(COUNTRIES),
    **{name: st.none() | st.sampled_from(VALUES) for name in SCOPES if name != "country"},
)
GUARDED = st.sampled_from([action for action in Action if action is not Action.READ_PUBLISHED])
THING = st.fixed_dictionaries(
    {},
    optional={"country": st.sampled_from(COUNTRIES), **{n: st.sampled_from(VALUES) for n in SCOPES if n != "country"}},
)


def test_every_action_has_its_roles():
    assert set(MAY) == set(Action)


def test_what_no_table_names_nobody_may():
    assert not may(of(RoleBinding(Role.ADMINISTRATOR)), "read everything", country="LA")  # type: ignore[arg-type]


@pytest.mark.parametrize("action", list(Action))
def test_the_public_reads_what_is_published_and_nothing_else(action: Action):
    assert may(PUBLIC, action) is may_somewhere(PUBLIC, action) is (action is Action.READ_PUBLISHED)


def test_an_administrator_decides_nothing_for_a_country():
    administrator = of(RoleBinding(Role.ADMINISTRATOR))
    for action in (Action.DECIDE_REQUEST, Action.ANSWER_CONSENT, Action.CHANGE_RULES, Action.READ_GRANTED,
                   Action.WITHDRAW):  # fmt: skip
        assert not may(administrator, action, country="LA")


def test_a_node_manager_decides_for_one_country():
    laos = of(RoleBinding(Role.NODE_MANAGER, country="LA"))
    assert may(laos, Action.DECIDE_REQUEST, country="LA")
    assert not may(laos, Action.DECIDE_REQUEST, country="CN")
    assert not may(laos, Action.DECIDE_REQUEST), "a thing without a country is nobody's"


def test_a_taxon_stands_for_what_is_within_it():
    cats = of(RoleBinding(Role.REVIEWER, taxon="Felidae"))
    assert may(cats, Action.REVIEW_SUBMISSION, taxon=["Panthera tigris", "Panthera", "Felidae", "Carnivora"])
    assert not may(cats, Action.REVIEW_SUBMISSION, taxon=["Carnivora"])


@given(BOUND, THING, GUARDED)
def test_a_bound_role_never_goes_further_than_an_unbound_one(bound: RoleBinding, thing: dict[str, str], action: Action):
    free = RoleBinding(bound.role)
    if may(of(bound), action, **thing):
        assert may(of(free), action, **thing)
        assert all(value is None or thing[name] == value for name, value in bound.scope().items())


@given(st.lists(BOUND, max_size=3), THING, GUARDED)
def test_two_roles_together_are_no_more_than_each_alone(
    roles: list[RoleBinding], thing: dict[str, str], action: Action
):
    alone = [may(of(role), action, **thing) for role in roles]
    assert may(of(*roles), action, **thing) is any(alone)


@given(BOUND, BOUND, THING, GUARDED)
def test_nobody_gives_what_goes_further_than_their_own(
    own: RoleBinding, wanted: RoleBinding, thing: dict[str, str], action: Action
):
    if may_grant(of(own), wanted):
        assert own.role in (Role.ADMINISTRATOR, Role.NODE_MANAGER)
        if own.role is Role.NODE_MANAGER:
            assert wanted.role is not Role.ADMINISTRATOR
        if may(of(wanted), action, **thing):
            assert all(value is None or thing[name] == value for name, value in own.scope().items())


def test_a_key_is_told_once_and_kept_as_a_hash(registry: Registry, tmp_path: Path):
    key = credentials.key_for_uploads(registry, "Nam Ha team", dataset="nam-ha")
    found = credentials.holder_of_key(registry, key)
    assert found == Principal(1, "nam-ha-team", (RoleBinding(Role.UPLOADER, dataset="nam-ha"),), 1)
    for wrong in (key + "x", "\ud800", "", key.removeprefix("biodata_"), "biodata_" + "x" * 10_000):
        assert credentials.holder_of_key(registry, wrong) is None
    credentials.revoke_key(registry, 1)
    assert credentials.holder_of_key(registry, key) is None
    assert not any(key.encode() in file.read_bytes() for file in tmp_path.rglob("registry.sqlite*"))
    with pytest.raises(InputError, match="no key of this number"):
        credentials.revoke_key(registry, 7)


def test_a_key_has_no_more_than_its_account(registry: Registry):
    roles = [RoleBinding(Role.UPLOADER), RoleBinding(Role.REVIEWER, dataset="seima"), RoleBinding(Role.PLANNER)]
    appointed.new(registry, "ana", roles=roles)
    keys = {
        "all": credentials.new_key(registry, "ana"),
        "one role": credentials.new_key(registry, "ana", role=Role.PLANNER),
        "a role it lacks": credentials.new_key(registry, "ana", role=Role.ADMINISTRATOR),
        "one dataset": credentials.new_key(registry, "ana", dataset="nam-ha"),
    }
    told = {
        name: [role_in_words(role) for role in credentials.holder_of_key(registry, key).roles]
        for name, key in keys.items()
    }
    assert told == {
        "all": ["uploader", "reviewer dataset=seima", "planner"],
        "one role": ["planner"],
        "a role it lacks": [],
        "one dataset": ["uploader dataset=nam-ha", "planner dataset=nam-ha"],
    }
    accounts.unbind(registry, "ana", RoleBinding(Role.PLANNER))
    assert credentials.holder_of_key(registry, keys["one role"]).roles == (), "what the account lost its keys lost"
    accounts.revoke(registry, "ana")
    assert not any(credentials.holder_of_key(registry, key) for key in keys.values())
    with pytest.raises(InputError, match="closed"):
        credentials.new_key(registry, "ana")
    accounts.reopen(registry, "ana")
    assert credentials.holder_of_key(registry, keys["all"]).roles == tuple(roles[:2])


@pytest.mark.parametrize(("role", "scope", "match"), [
    pytest.param("root", {}, "no such role.*researcher, uploader", id="no role"),
    pytest.param("public", {}, "everybody is public", id="everybody's"),
    pytest.param("node_manager", {}, "the country whose node", id="a node of no country"),
    pytest.param("reviewer", {"country": "LAO"}, "ISO 3166", id="three letters"),
    pytest.param("reviewer", {"country": "ZZ"}, "ISO 3166", id="no country"),
    pytest.param("reviewer", {"dataset": ""}, "1 to 255", id="an empty dataset"),
    pytest.param("reviewer", {"taxon": "Felidae\x00"}, "1 to 255", id="NUL"),
])  # fmt: skip
def test_a_role_that_cannot_be(role: str, scope: dict[str, str], match: str):
    with pytest.raises(InputError, match=match):
        read_role(role, **scope)


@pytest.mark.parametrize("name", ["", "Ana", "a b", "../a", "a" * 101, "-a", "аna", "ana\n"])
def test_a_name_that_cannot_be(registry: Registry, name: str):
    with pytest.raises(InputError, match="cannot be called so"):
        accounts.new(registry, name)


def test_every_change_stands_in_the_audit(registry: Registry):
    accounts.new(registry, "ana", roles=[read_role("reviewer", country="la")], actor="root")
    accounts.bind(registry, "ana", RoleBinding(Role.REVIEWER, country="LA"))
    accounts.unbind(registry, "ana", RoleBinding(Role.REVIEWER, country="LA"))
    accounts.revoke(registry, "ana")
    accounts.revoke(registry, "ana")
    with pytest.raises(InputError, match="already"):
        accounts.new(registry, "ana")
    with pytest.raises(InputError, match="no role that is bound so"):
        accounts.unbind(registry, "ana", RoleBinding(Role.REVIEWER))
    with registry.session(read_only=True) as session:
        told = [(entry.actor, entry.action, entry.subject) for entry in session.scalars(select(AuditEntry))]
    assert told[1:] == [("root", "account made", "ana"), ("root", "role given", "ana"),
                        ("command line", "role taken", "ana"), ("command line", "account closed", "ana")]  # fmt: skip
    assert registry.first_broken_audit_entry() is None
    assert accounts.find(registry, "ana") is None
    assert accounts.lines(registry) == ["ana (ana): no role, closed"]
