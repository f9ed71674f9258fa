"""What a process of its own measures: its time and memory are nobody else's."""

import json
import os
import subprocess
import sys


def figures(script: str, *arguments: str) -> dict[str, float]:
    """The figures that a script prints as JSON in its last line.

    Args:
        script: The name of a file in this folder.
        *arguments: Its command line.
    """
    output = subprocess.run(
        [sys.executable, "-m", f"tests.benchmarks.{script}", *arguments],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
    ).stdout
    found: dict[str, float] = json.loads(output.splitlines()[-1])
    return found
