"""Models by name."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from ml.catalog import load_catalog, load_recipe
from ml.errors import Misconfigured, Refused
from ml.recipe import Row
from tests.stand_ins.parcels import Parcels

TOML = """
[models.parcels]
recipe = "tests.stand_ins.parcels:Parcels"

[models.gone]
recipe = "tests.stand_ins.nowhere:Gone"

[models.no-recipe]
recipe = "pathlib:Path"

[bot]
command = "/ml"
"""


def write(folder: Path, text: str = TOML) -> Path:
    """Return a toban.toml with this text."""
    path = folder / "toban.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_recipes_are_loaded_on_use(tmp_path: Path) -> None:
    """Reading the file imports nothing, so one broken recipe does not hide the others."""
    catalog = load_catalog(write(tmp_path))
    assert catalog.names == ("parcels", "gone", "no-recipe")
    assert "tests.stand_ins.nowhere" not in sys.modules
    assert catalog.recipe("parcels") is catalog.recipe("parcels")
    assert catalog.settings("parcels").approvers == ("owner",)


def test_an_unknown_name_is_told_with_the_nearest() -> None:
    """The example file's names, mistyped."""
    catalog = load_catalog(Path(__file__).parents[3] / "toban.toml")
    with pytest.raises(Refused) as caught:
        catalog.recipe("arival-delay")
    assert (caught.value.reason_code, caught.value.suggestions) == ("unknown_model", ("arrival-delay",))


@pytest.mark.parametrize(("model", "why"), [("gone", "nowhere"), ("no-recipe", "no subclass")])
def test_a_recipe_that_cannot_be_loaded_says_why(tmp_path: Path, model: str, why: str) -> None:
    """Import errors and other classes are named with the path from the file."""
    with pytest.raises(Misconfigured, match=why):
        load_catalog(write(tmp_path)).recipe(model)


class WithLists(Row):
    """No typed row."""

    legs: list[int]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"tolerance": None, "rule_text": None}, "does not say its rule_text, tolerance"),
        ({"paired_metric": "rmse"}, "'rmse' is none of its metrics"),
        ({"row": WithLists, "inputs": WithLists}, r"WithLists\.legs"),
    ],
)
def test_a_recipe_with_a_slip_says_so_when_it_is_loaded(
    monkeypatch: pytest.MonkeyPatch, change: dict[str, Any], why: str
) -> None:
    """And not when somebody waits for an answer."""
    for name, value in change.items():
        if value is None:
            monkeypatch.delattr(Parcels, name)
        else:
            monkeypatch.setattr(Parcels, name, value)
    with pytest.raises(Misconfigured, match=why):
        load_recipe("tests.stand_ins.parcels:Parcels")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[models", "cannot be read"),
        ('[models.x]\nrecipe = "no path"', "recipe"),
        ('[models.x]\nrecipe = "a.b:C"\nchanel = "c"', "chanel"),
        ('[models."X Y"]\nrecipe = "a.b:C"', "X Y"),
    ],
)
def test_a_wrong_file_is_explained(tmp_path: Path, text: str, why: str) -> None:
    """Whatever is wrong in the models' tables is named."""
    with pytest.raises(Misconfigured, match=why):
        load_catalog(write(tmp_path, text))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """The message holds the path that was looked for."""
    with pytest.raises(Misconfigured, match=r"toban\.toml"):
        load_catalog(tmp_path / "toban.toml")
