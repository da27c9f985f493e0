"""Finds an interpreter that has Azure's own Python library, as `tests/parts.py` finds Azurite."""

from __future__ import annotations

import os
import subprocess
import sys

SETTING = "TOBAN_TEST_AZURE_PYTHON"
NEEDED = "import azure_functions_runtime, azure.functions, obstore, onnxruntime, pydantic, sklearn, skl2onnx"


def find_azure_python() -> tuple[str, str | None]:
    """Return the interpreter that the setting names, or the present one; and why it will not do, or None."""
    python = os.environ.get(SETTING) or sys.executable
    tried = subprocess.run([python, "-c", NEEDED], capture_output=True, text=True, check=False)
    if tried.returncode == 0:
        return python, None
    why = (tried.stderr.strip().splitlines() or [f"status {tried.returncode}"])[-1]
    return python, f"no Python 3.13 with azure-functions-runtime ({why}; {SETTING} may name one)"
