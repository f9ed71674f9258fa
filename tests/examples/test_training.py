"""How a run ends, whatever it was that ended its training."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fruits import entry, training
from fruits.checkpoint import Checkpoint
from fruits.config import Config
from fruits.data import FruitData
from fruits.errors import RefusedError
from fruits.records import Records
from fruits.replicas import Workers
from fruits.saved_model import save_model
from tests.once import once

pytestmark = [once, pytest.mark.slow]
TINY = {
    "data": {"image_size": 16, "train_images": 13, "validation_images": 13},
    "model": {"width": 2, "stages": 1},
    "training": {"epochs": 3},
}


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
            logs = {"loss": loss, "val_loss": val_loss, "val_accuracy": 0.5}
            records.add({**logs, "seconds": 1.0})
            if records.is_best:
                save_model(model, data.classes, records.folder / "best.keras")
        epoch = len(records.epochs)
        save(Checkpoint(epoch, 0, records.epochs, 1.0, [], []))
        if end is not None:
            raise end

    return fit


def train(config: Config) -> training.Run:
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
    assert (run.state, run.exit_code) == (training.INTERRUPTED, entry.INTERRUPTED)
    monkeypatch.setattr(training, "_fit", trained([(1.0, 1.0)], None))
    last = train(config)
    assert last.folder.path == run.folder.path
    assert (last.state, len(last.history["loss"])) == (training.FINISHED, 3)


def test_a_run_that_was_interrupted_as_it_diverged_says_so_afterwards(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    nan = float("nan")
    fit = trained([(1.0, 1.0), (nan, nan)], KeyboardInterrupt())
    monkeypatch.setattr(training, "_fit", fit)
    assert train(config).state == training.INTERRUPTED
    monkeypatch.setattr(training, "_fit", trained([(1.0, 1.0)], None))
    run = train(config)
    assert (run.state, run.exit_code) == (training.DIVERGED, entry.DIVERGED)
    assert len(run.history["loss"]) == 2


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
