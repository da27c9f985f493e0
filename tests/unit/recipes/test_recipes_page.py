"""The recipe on its page is a recipe."""

from __future__ import annotations

import re
import sys
import threading
from pathlib import Path

import pytest

from ml.catalog import Catalog
from ml.contract import ModelSettings
from ml.objects import open_store
from ml.registry import Registry
from ml.runs import Runs
from ml.training import execute

PAGE = Path(__file__).parents[3] / "docs" / "recipes.md"


def test_the_recipe_of_the_page_trains(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As it stands there, copied into a file and named by its path."""
    found = re.search(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None
    (tmp_path / "parcel_price.py").write_text(found[1], encoding="utf-8")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    store = open_store("memory://recipes-page")
    runs, registry = Runs(store), Registry(store)
    catalog = Catalog({"parcel-price": ModelSettings(recipe="parcel_price:ParcelPrice")})
    run_id = runs.create("parcel-price", "retrain", {"rows": 400}).run_id
    execute(
        run_id, runs=runs, registry=registry, catalog=catalog, worker="worker-1", stopping=threading.Event()
    )
    run = runs.view(run_id)
    assert run.result is not None, run.reason
    assert run.result.comparison is not None
    assert run.result.comparison.beats_rule
