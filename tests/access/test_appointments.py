"""Who speaks for a country is the country's to say: no administrator of a hub puts themselves into its place."""

import json

import pytest

from biodata.access import accounts, appointments, credentials
from biodata.access.roles import Role, RoleBinding
from biodata.core.errors import InputError
from biodata.core.settings import Settings
from biodata.formats import node_keys
from biodata.store.account_models import Node
from biodata.store.registry import Registry

LAOS = RoleBinding(Role.NODE_MANAGER, country="LA")
REVIEWER = RoleBinding(Role.REVIEWER, country="LA")
KEY = node_keys.new_key()


@pytest.fixture
def registry(tmp_path):
    with Registry.open(Settings(data=tmp_path / "data")) as opened:
        accounts.new(opened, "root", roles=[RoleBinding(Role.ADMINISTRATOR)])
        accounts.new(opened, "second", roles=[RoleBinding(Role.ADMINISTRATOR)])
        accounts.new(opened, "friend")
        accounts.new(opened, "noy")
        yield opened


def trust(registry):
    with registry.session() as session, session.begin():
        session.add(Node(code="LA", public_key=node_keys.public_of(KEY), told={}))


def word(name, *, given=True, node="LA", key=KEY):
    text = appointments.word(node, name, given=given)
    return {"text": text, "signature": node_keys.sign(appointments.PURPOSE, text.encode(), key)}


def refused(call, *args, **more) -> str:
    with pytest.raises(InputError) as caught:
        call(*args, **more)
    return caught.value.code


def test_the_first_manager_is_somebody_else_and_the_next_is_not_the_administrator_s_to_make(registry):
    assert refused(accounts.bind, registry, "root", LAOS, actor="root") == "OWN_APPOINTMENT"
    accounts.bind(registry, "noy", LAOS, actor="root")
    accounts.confirm(registry, "noy", LAOS, actor="second")
    assert refused(accounts.bind, registry, "friend", LAOS, actor="root") == "NODE_DECIDES"
    accounts.revoke(registry, "noy", actor="root")
    assert refused(accounts.bind, registry, "friend", LAOS, actor="root") == "NODE_DECIDES", "closing gives no place"
    accounts.reopen(registry, "noy", actor="root")
    accounts.unbind(registry, "noy", LAOS, actor="root")
    assert refused(accounts.bind, registry, "friend", LAOS, actor="root") == "NODE_DECIDES"
    accounts.bind(registry, "noy", REVIEWER, actor="root")


@pytest.mark.parametrize(
    "wanted", [LAOS, REVIEWER, RoleBinding(Role.ADMINISTRATOR, country="LA")], ids=lambda one: str(one.role)
)
def test_an_appointment_counts_once_somebody_else_than_its_maker_and_its_holder_confirmed_it(registry, wanted):
    assert refused(accounts.bind, registry, "root", wanted, actor="root") == "OWN_APPOINTMENT"
    assert not accounts.bind(registry, "noy", wanted, actor="root")
    assert accounts.find(registry, "noy").roles == ()
    assert accounts.waiting(registry)[0]["given_by"] == "root"
    for actor in ("root", "noy"):
        assert refused(accounts.confirm, registry, "noy", wanted, actor=actor) == "OWN_APPOINTMENT"
    for actor in ("friend", "nobody", accounts.COMMAND_LINE):
        assert refused(accounts.confirm, registry, "noy", wanted, actor=actor) == "CONFIRMATION_FORBIDDEN"
    accounts.confirm(registry, "noy", wanted, actor="second")
    assert accounts.find(registry, "noy").roles == (wanted,)
    assert refused(accounts.confirm, registry, "noy", wanted, actor="second") == "ROLE_NOT_GIVEN"


def test_a_friend_whom_one_makes_an_administrator_is_no_second_person_before_a_third_says_so(registry):
    accounts.bind(registry, "friend", RoleBinding(Role.ADMINISTRATOR), actor="root")
    accounts.bind(registry, "noy", REVIEWER, actor="root")
    assert refused(accounts.confirm, registry, "noy", REVIEWER, actor="friend") == "CONFIRMATION_FORBIDDEN"


def test_a_word_confirms_the_role_of_a_manager_and_no_other(registry):
    accounts.bind(registry, "noy", REVIEWER, actor="root", signed={"text": "", "signature": ""})
    assert accounts.find(registry, "noy").roles == ()


def test_a_manager_makes_a_second_one_and_sees_to_their_password(registry):
    accounts.bind(registry, "noy", LAOS, actor="root")
    accounts.confirm(registry, "noy", LAOS, actor="second")
    accounts.bind(registry, "friend", LAOS, actor="noy")
    assert refused(credentials.new_code, registry, "friend", actor="root") == "NODE_DECIDES"
    assert credentials.new_code(registry, "friend", actor="noy")
    assert credentials.new_code(registry, "root", actor="root")


def test_an_administrator_sets_no_password_of_a_reviewer_who_has_one(registry):
    accounts.bind(registry, "noy", REVIEWER, actor="root")
    accounts.confirm(registry, "noy", REVIEWER, actor="second")
    assert credentials.new_code(registry, "noy", actor="root"), "their first"
    with registry.session() as session, session.begin():
        accounts.need(session, "noy").password = "hashed"
    assert refused(credentials.new_code, registry, "noy", actor="root") == "NODE_DECIDES"
    assert credentials.new_code(registry, "noy")


def test_where_the_node_s_key_is_known_its_signed_word_alone_appoints_and_dismisses(registry):
    trust(registry)
    for actor in ("root", accounts.COMMAND_LINE):
        assert refused(accounts.bind, registry, "noy", LAOS, actor=actor) == "NODE_DECIDES"
    said = word("noy")
    for wrong in (word("friend"), word("noy", given=False), word("noy", node="CN"),
                  word("noy", key=node_keys.new_key()), {**said, "text": said["text"].replace("noy", "nox")},
                  {"text": "[]", "signature": said["signature"]}, {}):  # fmt: skip
        assert refused(accounts.bind, registry, "noy", LAOS, actor="root", signed=wrong) == "WORD_INVALID"
    accounts.bind(registry, "noy", LAOS, actor="root", signed=said)
    assert LAOS in accounts.find(registry, "noy").roles
    assert refused(accounts.unbind, registry, "noy", LAOS, actor="root") == "NODE_DECIDES"
    accounts.unbind(registry, "noy", LAOS, actor="root", signed=word("noy", given=False))
    assert refused(accounts.bind, registry, "noy", LAOS, actor="root", signed=said) == "WORD_INVALID", "followed once"
    assert json.loads(said["text"])["account"] == "noy"
