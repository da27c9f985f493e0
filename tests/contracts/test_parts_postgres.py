"""The tests' own PostgreSQL server."""

from __future__ import annotations

import psycopg
import pytest

from tests.parts_postgres import Cluster


@pytest.mark.postgres
def test_each_test_has_an_empty_database_of_its_own(postgres_cluster: Cluster, postgres_url: str) -> None:
    """What one database holds, the next one does not see."""
    with psycopg.connect(postgres_url) as first:
        first.execute("CREATE TABLE kept (n int)")
    with psycopg.connect(postgres_cluster.create_database()) as second:
        found = second.execute("SELECT to_regclass('public.kept')").fetchone()
    assert found == (None,)
