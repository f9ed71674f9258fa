"""How a run ends, whatever it was that ended its training."""

import collections
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import pytest

import train_fruits
from fruits import entry, training
from fruits.checkpoint import Checkpoint
from fruits.config import Config
from fruits.data import FruitData
from fruits.errors import RefusedError, Terminated
from fruits.monitor import RATE
from fruits.records import Records
from fruits.replicas import Workers
from fruits.report import write_report
from fruits.run import DIVERGED, FINISHED, INTERRUPTED, Run
from fruits.saved_model import save_model
from fruits.stored import StoredExamples
from tests.once import once

pytestmark = [once, pytest.mark.slow]
TINY = {
    "data": {"image_size": 16, "train_images": 13, "validation_images": 13},
    "model": {"width": 2, "stages": 1},
    "training": {"epochs": 3},
}


LOGS = dict.fromkeys(
    ("accuracy", "val_accuracy", "gamma", "learning_rate", "data_wait", RATE), 0.5
) | {"seconds": 1.0}


@pytest.fixture(scope="module")
def cache_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("data")


@pytest.fixture
def config(cache_dir: Path, tmp_path: Path) -> Config:
    content: dict[str, Any] = {key: dict(section) for key, section in TINY.items()}
    content["data"] |= {"test_images": 13, "cache_dir": str(cache_dir)}
    content["training"]["runs_dir"] = str(tmp_path / "runs")
    return Config.model_validate(content)


def trained(losses: list[tuple[float, float]], end: BaseException | None) -> Any:
    """Stands for the training: has these losses, is saved, and ends so."""

    def fit(
        _: Config,
        data: FruitData,
        model: Any,
        workers: Workers,
        resumed: Checkpoint | None,
        records: Records,
        save: Callable[[Checkpoint], None],
    ) -> None:
        for loss, val_loss in losses:
            records.add({**LOGS, "loss": loss, "val_loss": val_loss})
            if records.is_best:
                save_model(model, data.classes, records.folder / "best.keras")
        epoch = len(records.epochs)
        save(Checkpoint(epoch, 0, records.epochs, 1.0, [], []))
        if end is not None:
            raise end

    return fit


def train(config: Config) -> Run:
    run = training.train("run", config, FruitData(config))
    assert run is not None
    run.close()
    return run


def test_a_validation_that_overflows_ends_no_run(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It goes on if nobody interrupts it, and so it does after an interruption."""
    inf = float("inf")
    fit = trained([(1.0, 1.0), (1.0, inf)], KeyboardInterrupt())
    monkeypatch.setattr(training, "_fit", fit)
    run = train(config)
    assert (run.state, run.exit_code) == (INTERRUPTED, entry.INTERRUPTED)
    monkeypatch.setattr(training, "_fit", trained([(1.0, 1.0)], None))
    last = train(config)
    assert last.folder.path == run.folder.path
    assert (last.state, len(last.history["loss"])) == (FINISHED, 3)


def test_a_run_that_was_interrupted_as_it_diverged_says_so_afterwards(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    nan = float("nan")
    fit = trained([(1.0, 1.0), (nan, nan)], KeyboardInterrupt())
    monkeypatch.setattr(training, "_fit", fit)
    assert train(config).state == INTERRUPTED
    monkeypatch.setattr(training, "_fit", trained([(1.0, 1.0)], None))
    run = train(config)
    assert (run.state, run.exit_code) == (DIVERGED, entry.DIVERGED)
    assert len(run.history["loss"]) == 2


def test_a_run_that_begins_anew_has_nothing_of_the_old_one(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training, "_fit", trained([(1.0, 1.0)], KeyboardInterrupt()))
    run = train(config)
    write_report(run)
    folder = run.folder.path
    (folder / "checkpoint.npz").write_bytes(b"PK")
    # It is interrupted before its first epoch ends.
    monkeypatch.setattr(training, "_fit", trained([], KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt):
        train(config)
    names = {path.name for path in folder.iterdir()}
    assert names.isdisjoint({"best.keras", "summary.json", "picture.png"})
    assert "loss" not in (folder / "history.csv").read_text()
    assert (folder / "damaged-1" / "best.keras").exists()


@pytest.mark.parametrize("error", [KeyboardInterrupt, Terminated])
@pytest.mark.parametrize(
    "what", ["keras.saving.load_model", "fruits.report.draw_confusion"]
)
def test_who_interrupts_the_report_is_told_that_the_same_command_goes_on(
    what: str,
    error: type[BaseException],
    config: Config,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """And it does, with the report alone."""
    words = [
        f"--{section}.{key}={value}"
        for section, keys in config.model_dump(exclude_unset=True).items()
        for key, value in keys.items()
    ]
    monkeypatch.setattr("sys.argv", ["train_fruits.py", *words])
    monkeypatch.setattr(training, "_fit", trained([(1.0, 1.0)] * 3, None))

    def interrupted(*_: object, **__: object) -> None:
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(what, interrupted)
        with pytest.raises(error):
            train_fruits.main()
    (folder,) = (tmp_path / "runs").iterdir()
    assert f"Saved in {folder}; the same command goes on." in capsys.readouterr().out
    monkeypatch.setattr(training, "_fit", None)
    assert train_fruits.main() == 0
    summary = json.loads((folder / "summary.json").read_text())
    assert (summary["state"], summary["epochs"]) == ("finished", 3)
    # Where the figures come from.
    assert summary["device"].startswith(f"Keras on {keras.backend.backend()} with ")


def test_what_is_not_trained_on_is_decoded_once_in_a_run(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For the validation after each epoch and the report together."""
    more = config.data.model_copy(update={"train_images": 26})
    config = config.model_copy(update={"data": more})
    read: collections.Counter[tuple[int, int]] = collections.Counter()
    get = StoredExamples.__getitem__

    def counted(self: StoredExamples, number: int) -> bytes:
        read[id(self), number] += len(self) == 13
        return get(self, number)

    monkeypatch.setattr(StoredExamples, "__getitem__", counted)
    run = training.train("run", config, FruitData(config))
    assert run is not None
    write_report(run)
    run.close()
    assert sum(read.values()) == 2 * 13
    assert max(read.values()) == 1


@pytest.mark.parametrize("content", [None, b"", b"PK\x03\x04"])
def test_a_run_that_lost_its_best_model_is_refused_before_it_goes_on(
    content: bytes | None, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else it would train on for hours, and then have nothing to report on."""
    monkeypatch.setattr(training, "_fit", trained([(1.0, 1.0)], KeyboardInterrupt()))
    best = train(config).folder.path / "best.keras"
    best.unlink()
    if content is not None:
        best.write_bytes(content)
    with pytest.raises(RefusedError, match="best.keras is missing or damaged"):
        train(config)
