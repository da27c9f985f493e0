"""A model that can answer: an ONNX graph loaded by onnxruntime, behind one way in and one way out.

Training judges candidates with this class and serving answers with it, so what was measured is what is
served. Nothing but ONNX is ever loaded: no pickle, no code.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import numpy as np
import onnxruntime

from ml.errors import Corrupt
from ml.recipe import Predicted, Recipe, Table

TEXTS, NUMBERS = "texts", "numbers"
"""The graph's inputs: strings [rows, texts] and float32 [rows, numbers], columns in the recipe's order."""

ANSWER = "answer"
"""The graph's output: float32 [rows], or probabilities [rows, classes]."""

QUIET = 3
"""onnxruntime's log level from which it says only errors; they come as exceptions as well."""


NOTHING_BESIDE = ("session.model_external_initializers_file_folder_path", os.devnull)
"""Where weights that a graph keeps in other files would be: nowhere, else it could read ours from beside us.

Source: https://github.com/microsoft/onnxruntime/blob/main/include/onnxruntime/core/session/onnxruntime_session_options_config_keys.h
"""


class LoadedModel:
    """A recipe's model of one version, ready to answer; safe to share between threads.

    Args:
        recipe: What gives meaning to the columns.
        data: An ONNX file.
        path: What names the file in errors.
        threads: Threads that one call may use.

    Raises:
        Corrupt: It is no ONNX file, does not hold all of itself, or has other inputs and outputs than the
            recipe's.
    """

    def __init__(self, recipe: Recipe, data: bytes, path: str = "model.onnx", threads: int = 1) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = QUIET
        options.add_session_config_entry(*NOTHING_BESIDE)
        try:
            self._session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime raises a class of its own per kind of damage
            raise Corrupt(path, f"is no ONNX model that can be loaded ({_first_line(error)})") from error
        self._recipe = recipe
        wanted = ({TEXTS} if recipe.texts else set()) | {NUMBERS}
        found = {node.name for node in self._session.get_inputs()}
        outputs = [node.name for node in self._session.get_outputs()]
        if found != wanted or outputs != [ANSWER]:
            raise Corrupt(path, f"takes {sorted(found)} and gives {outputs}; the recipe has {sorted(wanted)}")

    def predict(self, table: Table) -> Predicted:
        """Return the answers for typed rows."""
        return self.run(graph_inputs(self._recipe, self._recipe.features(table), len(table)), table)

    def run(self, inputs: Mapping[str, Any], table: Table) -> Predicted:
        """Return the answers for rows of which `graph_inputs` made *inputs*."""
        return self._recipe.answer(self._session.run([ANSWER], inputs)[0], table)


def graph_inputs(recipe: Recipe, features: Mapping[str, np.ndarray], rows: int) -> dict[str, Any]:
    """Return what is fed to a recipe's graph; numbers are rounded to float32 here and nowhere else."""
    numbers = np.empty((rows, len(recipe.numbers)), dtype=np.float32)
    for place, name in enumerate(recipe.numbers):
        numbers[:, place] = features[name]
    if not recipe.texts:
        return {NUMBERS: numbers}
    texts = np.empty((rows, len(recipe.texts)), dtype=object)
    for place, name in enumerate(recipe.texts):
        texts[:, place] = features[name]
    return {TEXTS: texts, NUMBERS: numbers}


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n")[0][:200]
