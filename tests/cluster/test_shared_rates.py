"""Tries to log in that several machines count together."""

import pytest

from api.callers import LoginRates
from biodata.core.settings import Settings
from biodata.store.registry import Registry
from cluster_servers import Postgres

pytestmark = pytest.mark.cluster


def test_a_client_has_its_limit_once_whichever_machine_it_asks(postgres: Postgres, tmp_path):
    address = postgres.database()
    settings = [Settings(data=tmp_path / name, registry_url=address) for name in ("one", "other")]
    with Registry.open(settings[0]) as first, Registry.open(settings[1]) as second:
        one, other = (LoginRates(registry, 4, key=b"k") for registry in (first, second))
        taken = [machine.take("10.0.0.1", None) for machine in (one, other, one, other)]
        assert [each.allowed for each in taken] == [True] * 4
        assert [each.remaining for each in taken] == [3, 2, 1, 0]
        refused = one.take("10.0.0.1", None)
        assert not refused.allowed
        assert 0 < refused.wait_s <= 15
        assert other.take("10.0.0.2", None).allowed
        assert one.take("10.0.0.3", "10.0.0.1").remaining == 11, "an account's tries are counted beside"
