"""The team's models as `toban.toml` names them; a recipe's code is imported when it is first asked for.

Only the `[models.*]` tables are read here; the rest of the file is the bot's.
"""

from __future__ import annotations

import importlib
import threading
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from ml.contract import MODEL_NAME_PATTERN, ModelSettings
from ml.errors import Misconfigured, Refused
from ml.problems import nearest, shorten
from ml.recipe import Recipe


class _ModelTables(BaseModel):
    """The part of `toban.toml` that is read here."""

    model_config = ConfigDict(extra="ignore", frozen=True, defer_build=True)

    models: dict[Annotated[str, StringConstraints(pattern=MODEL_NAME_PATTERN)], ModelSettings] = Field(
        default_factory=dict
    )


class Catalog:
    """Models by name; safe to share between threads.

    Args:
        settings: The `[models.*]` tables.
        path: The file they come from; None for a catalog made in code.
    """

    def __init__(self, settings: Mapping[str, ModelSettings], path: Path | None = None) -> None:
        self.path = path
        self._settings = dict(settings)
        self._recipes: dict[str, Recipe] = {}
        self._lock = threading.Lock()

    @property
    def names(self) -> tuple[str, ...]:
        """The models' names in the order of the file."""
        return tuple(self._settings)

    def suggest(self, name: str) -> tuple[str, ...]:
        """Return the known names nearest to *name*, best first."""
        return nearest(name, self._settings)

    def settings(self, model: str) -> ModelSettings:
        """Return a model's table.

        Raises:
            Refused: `unknown_model`, with the nearest names.
        """
        try:
            return self._settings[model]
        except KeyError:
            near = self.suggest(model)
            hint = f"; did you mean {' or '.join(near)}?" if near else ""
            raise Refused(
                "unknown_model", f"there is no model {shorten(model)!r}{hint}", suggestions=near
            ) from None

    def recipe(self, model: str) -> Recipe:
        """Return a model's recipe, importing it on first use.

        Raises:
            Refused: `unknown_model`.
            Misconfigured: The import path leads nowhere, or to something that is no recipe.
        """
        recipe = self._recipes.get(model)
        if recipe is None:
            path = self.settings(model).recipe
            with self._lock:
                recipe = self._recipes.get(model) or load_recipe(path)
                self._recipes[model] = recipe
        return recipe


def load_recipe(path: str) -> Recipe:
    """Return the recipe at an import path `package.module:Class`.

    Raises:
        Misconfigured: It cannot be imported, is no recipe, or is incomplete; says which and why.
    """
    module_name, _, class_name = path.partition(":")
    try:
        found = getattr(importlib.import_module(module_name), class_name)
        recipe = found()
        if isinstance(recipe, Recipe):
            recipe.require_whole()
    except Exception as error:  # a team's module may raise anything while it is imported
        raise Misconfigured(f"recipe {path} cannot be loaded: {type(error).__name__}: {error}") from error
    if not isinstance(recipe, Recipe):
        raise Misconfigured(f"recipe {path} is no subclass of ml.recipe.Recipe")
    return recipe


def load_catalog(path: Path) -> Catalog:
    """Return the catalog of a `toban.toml`; imports no recipe.

    Raises:
        Misconfigured: The file is not there or wrong; names every wrong value.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:  # no file, no text, no TOML, or too deep
        raise Misconfigured(f"{path} cannot be read: {error}") from error
    try:
        tables = _ModelTables.model_validate(content)
    except ValidationError as error:
        found = "; ".join(
            f"{'.'.join(str(part) for part in detail['loc'])}: {detail['msg']}" for detail in error.errors()
        )
        raise Misconfigured(f"{path}: {found}") from error
    return Catalog(tables.models, path)
