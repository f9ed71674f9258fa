"""How scripts end: a sentence on stderr and an exit code, never a traceback."""

import errno
import io
import os
import signal
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import rich.console

from fruits.entry import exit_code
from fruits.errors import RefusedError, Terminated, about
from tests.once import once

pytestmark = once
EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture(autouse=True)
def _as_it_was(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    monkeypatch.setattr(sys, "unraisablehook", sys.unraisablehook)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


def raising(error: BaseException) -> Callable[[], int]:
    def main() -> int:
        raise error

    return main


@pytest.mark.parametrize(
    ("error", "code", "says"),
    [
        (RefusedError("tiny.toml: no"), 2, "tiny.toml: no\n"),
        (KeyboardInterrupt(), 130, "Interrupted.\n"),
        (Terminated(), 143, "Terminated.\n"),
        (
            OSError(errno.ENOSPC, "No space left on device", "/full/a.csv"),
            1,
            "/full/a.csv: No space left on device\n",
        ),
        (PermissionError(errno.EACCES, "Denied", "/a"), 1, "/a: Denied\n"),
        (OSError("it is gone"), 1, "it is gone\n"),
        (
            ModuleNotFoundError("No module named 'optuna'"),
            1,
            "No module named 'optuna'",
        ),
        (BrokenPipeError(), 141, ""),
    ],
)
def test_an_end_is_a_sentence_and_a_code(
    error: BaseException, code: int, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert exit_code(raising(error)) == code
    written = capsys.readouterr().err
    assert written.startswith(says)
    assert len(written.splitlines()) == bool(says)


@pytest.mark.parametrize(
    "error", [ValueError("first\nsecond"), KeyError("x"), MemoryError(), TypeError("")]
)
def test_what_nobody_thought_of_is_a_line_and_a_file(
    error: Exception, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert exit_code(raising(error)) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"{type(error).__name__}: ")
    assert "test_entry.py, line " in line
    (file,) = tmp_path.rglob("traceback.txt")
    assert line.endswith(f"the traceback is in {file}")
    assert "Traceback (most recent call last)" in file.read_text()


def test_where_no_file_can_be_written_the_line_is_all(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("tempfile.tempdir", "/dev/null")
    assert exit_code(raising(ValueError("odd"))) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("ValueError: odd (test_entry.py, line ")


@pytest.mark.parametrize(("returned", "code"), [(None, 0), (0, 0), (3, 3), (130, 130)])
def test_a_script_says_its_own_code(returned: int | None, code: int) -> None:
    assert exit_code(lambda: returned) == code


def test_the_help_of_a_script_is_no_error() -> None:
    with pytest.raises(SystemExit) as ended:
        exit_code(raising(SystemExit(0)))
    assert ended.value.code == 0


def test_a_signal_to_end_is_like_ctrl_c(capsys: pytest.CaptureFixture[str]) -> None:
    cleaned_up = []

    def main() -> None:
        try:
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(10)
        except KeyboardInterrupt:
            cleaned_up.append(True)
            raise

    assert exit_code(main) == 143
    assert cleaned_up
    assert capsys.readouterr().err == "Terminated.\n"


def test_a_warning_is_a_sentence_and_is_said_once(
    capsys: pytest.CaptureFixture[str],
) -> None:
    from matplotlib.figure import Figure

    def main() -> None:
        for _ in range(2):
            warnings.warn("This will end one day.", DeprecationWarning, stacklevel=1)
            figure = Figure()
            figure.text(0, 0, "苹果🍎")
            figure.savefig(io.BytesIO())

    with warnings.catch_warnings():
        warnings.simplefilter("always")
        assert exit_code(main) == 0
    assert capsys.readouterr().err.splitlines() == [
        "This will end one day.",
        "The font of the pictures lacks some letters, and has boxes for them.",
    ]


def test_an_error_says_what_it_is_about() -> None:
    with (
        pytest.raises(RefusedError, match="^tiny: data.path: no does not exist$"),
        about("tiny: data.path"),
    ):
        raise RefusedError("no does not exist")


def ended(code: str, shell: str) -> tuple[int, str]:
    """The exit code of Python code, run in a shell as `$RUN`, and its stderr."""
    program = f"import sys; sys.path.insert(0, {str(EXAMPLES)!r})\n{code}"
    result = subprocess.run(
        ["bash", "-c", shell],
        env={**os.environ, "PYTHON": sys.executable, "CODE": program},
        capture_output=True,
        text=True,
        check=False,
    )
    return result.returncode, result.stderr


LINES = """
import time
from fruits.entry import run
def main():
    time.sleep(0.5)
    for i in range({count}):
        print(i)
run(main)
"""


@pytest.mark.slow
@pytest.mark.parametrize("count", [10, 100_000])
def test_a_reader_who_is_gone_is_no_error(count: int) -> None:
    shell = 'set -o pipefail; "$PYTHON" -c "$CODE" | true'
    assert ended(LINES.format(count=count), shell) == (141, "")


def test_a_reader_who_is_gone_is_found_by_rich_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reader, writer = os.pipe()
    os.close(reader)

    def main() -> None:
        rich.console.Console().print("a table")

    with open(writer, "w") as pipe:
        monkeypatch.setattr("sys.stdout", pipe)
        assert exit_code(main) == 141


@pytest.mark.slow
@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_what_the_caller_has_closed_is_not_written_to_another_file(
    closed: str, tmp_path: Path
) -> None:
    code = """
import os, sys
from fruits.entry import run
def main():
    with open("file", "w") as file:
        assert file.fileno() > 2
        print("out", flush=True)
        print("err", file=sys.stderr, flush=True)
        os.write(1, b"1")
        os.write(2, b"2")
        return 5 if sys.stdin.read() == "" else 6
run(main)
"""
    shell = f'cd {tmp_path}; "$PYTHON" -c "$CODE" < /dev/null {closed}'
    status, _ = ended(code, shell)
    assert status == 5
    assert (tmp_path / "file").read_text() == ""


@pytest.mark.slow
def test_a_full_disk_is_a_sentence() -> None:
    for count in (10, 100_000):
        code = LINES.format(count=count)
        full = ended(code, '"$PYTHON" -c "$CODE" > /dev/full')
        assert full == (1, "No space left on device\n")


@pytest.mark.slow
def test_a_terminal_without_greek_is_written_to() -> None:
    code = "from fruits.entry import run\nrun(lambda: print('γ'))"
    shell = 'PYTHONIOENCODING=ascii "$PYTHON" -c "$CODE"'
    assert ended(code, shell) == (0, "")


@pytest.mark.slow
def test_processes_end_with_the_script() -> None:
    code = """
import os, time
from fruits.entry import run
from fruits.workers import workers
def main():
    with workers(2) as pool:
        started = [pool.submit(time.sleep, 600) for _ in range(2)]
        time.sleep(2)
        # To all of them, as Ctrl-C.
        os.killpg(0, 2)
        started[0].result()
if __name__ == "__main__":
    os.setpgrp()
    run(main)
"""
    begin = time.monotonic()
    assert ended(code, '"$PYTHON" -c "$CODE"') == (130, "Interrupted.\n")
    assert time.monotonic() - begin < 60


@pytest.mark.slow
def test_a_warning_that_cannot_be_written_ends_nothing() -> None:
    code = """
import warnings
from fruits.entry import run
def main():
    warnings.warn("odd")
    return 5
run(main)
"""
    assert ended(code, '"$PYTHON" -c "$CODE" 2> /dev/full')[0] == 5


LOST = """
import gc, signal, time
from fruits.entry import run
def main():
    def callback(phase, info):
        gc.callbacks.clear()
        signal.raise_signal({number})
    gc.callbacks.append(callback)
    gc.collect()
    for _ in range(100):
        time.sleep(0.05)
run(main)
"""


@pytest.mark.parametrize(
    ("number", "code", "says"),
    [(signal.SIGINT, 130, "Interrupted.\n"), (signal.SIGTERM, 143, "Terminated.\n")],
)
def test_a_signal_in_a_callback_is_not_lost(
    number: signal.Signals, code: int, says: str
) -> None:
    """Python prints what is raised there, and goes on."""
    program = LOST.format(number=int(number))
    assert ended(program, '"$PYTHON" -c "$CODE"') == (code, says)
