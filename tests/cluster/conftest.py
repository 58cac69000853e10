"""One PostgreSQL and one S3-compatible server for all tests of this folder."""

from collections.abc import Iterator

import pytest

import cluster_servers


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[cluster_servers.Postgres]:
    """Return a running PostgreSQL server."""
    with cluster_servers.postgres(tmp_path_factory.mktemp("postgres")) as server:
        yield server
