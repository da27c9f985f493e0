"""Finds an interpreter that has Azure's own Python library, as `tests/parts.py` finds Azurite."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

SETTING = "TOBAN_TEST_AZURE_PYTHON"
SECOND = Path(__file__).resolve().parent.parent / ".venv-3.13" / "bin" / "python"
"""What `make setup-3.13` sets up."""
NEEDED = "import azure_functions_runtime, azure.functions, obstore, onnxruntime, pydantic, sklearn, skl2onnx"


def find_azure_python() -> tuple[str, str | None]:
    """Return the interpreter that will do, and why not where none does, or None.

    Where the setting names one, only that is tried; else the present one, then that of `make setup-3.13`.
    """
    named = os.environ.get(SETTING)
    candidates = [named] if named else [sys.executable, *([str(SECOND)] if SECOND.exists() else [])]
    why_not = None
    for python in candidates:
        why_not = _why_not(python)
        if why_not is None:
            return python, None
    return candidates[-1], (
        f"no Python 3.13 with azure-functions-runtime ({why_not}; "
        f"`make setup-3.13` sets one up, {SETTING} may name one)"
    )


def _why_not(python: str) -> str | None:
    tried = subprocess.run([python, "-c", NEEDED], capture_output=True, text=True, check=False)
    if tried.returncode == 0:
        return None
    return (tried.stderr.strip().splitlines() or [f"status {tried.returncode}"])[-1]
