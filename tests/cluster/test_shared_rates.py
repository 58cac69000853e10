"""Tries to log in that several machines count together."""

import pytest

from api.callers import SharedRates
from biodata.core.errors import StoreError
from cluster_servers import Postgres

pytestmark = pytest.mark.cluster


def test_a_client_has_its_limit_once_whichever_machine_it_asks(postgres: Postgres):
    address = postgres.database()
    with (
        SharedRates(4, address, name="client", key=b"k") as one,
        SharedRates(4, address, name="client", key=b"k") as other,
        SharedRates(4, address, name="account", key=b"k") as accounts,
    ):
        taken = [machine.take("10.0.0.1") for machine in (one, other, one, other)]
        assert [each.allowed for each in taken] == [True] * 4
        assert [each.remaining for each in taken] == [3, 2, 1, 0]
        refused = one.take("10.0.0.1")
        assert not refused.allowed
        assert 0 < refused.wait_s <= 15
        assert other.take("10.0.0.2").allowed
        assert accounts.take("10.0.0.1").allowed, "an account's tries are counted beside"
        one._connection.close()  # as when the server was started again
        assert one.take("10.0.0.3").allowed


def test_a_database_that_does_not_answer_lets_nobody_in():
    rates = SharedRates(4, "postgresql://biodata@127.0.0.1:1/none", name="client", key=b"k")
    with rates, pytest.raises(StoreError, match="does not answer"):
        rates.take("10.0.0.1")
