"""One PostgreSQL and one S3-compatible server for all tests of this folder."""

import os
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import count

import pytest

import cluster_servers
from biodata.store.cluster import Cluster, Storage


@pytest.fixture(scope="session")
def postgres() -> Iterator[cluster_servers.Postgres]:
    with cluster_servers.postgres() as server:
        yield server


@pytest.fixture(scope="session")
def storage() -> Iterator[str]:
    """Return the address of a running S3-compatible server; its key stands in the environment."""
    with ExitStack() as stack, pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ACCESS_KEY_ID", "a-key")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "its-secret")
        yield stack.enter_context(cluster_servers.s3())


_BUCKETS = count(1)


@pytest.fixture
def shared_lake(postgres: cluster_servers.Postgres, storage: str) -> Cluster:
    bucket = f"bucket-{os.getpid()}-{next(_BUCKETS)}"
    cluster_servers.make_bucket(storage, bucket)
    return Cluster(postgres.database(), Storage(f"s3://{bucket}/biodata", endpoint=storage))
