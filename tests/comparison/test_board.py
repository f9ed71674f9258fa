"""What a person sees in TensorBoard, in a real browser."""

import shutil
from pathlib import Path

import keras
import pytest

import keras_momentum
from keras_momentum.callbacks import GammaRamp
from keras_momentum.comparison import Candidate
from tests.comparison.problem import compared

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        keras.backend.backend() != "tensorflow",
        reason="the logs are the same on all backends; one browser is enough",
    ),
    pytest.mark.skipif(
        not (shutil.which("chromium") and shutil.which("chromedriver")),
        reason="chromium and chromedriver are not installed",
    ),
]

RUNS = [f"{name}/seed-{seed}" for name in ("plain", "ramp") for seed in (0, 1)]
SCALARS = [f"{run}/{part}" for run in RUNS for part in ("train", "validation")]


@pytest.fixture(scope="module")
def log_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder: Path = tmp_path_factory.mktemp("runs")
    optimizers = {
        "plain": keras.optimizers.SGD(0.05),
        "ramp": Candidate(
            keras_momentum.NAG(0.05, restart_every=7), [GammaRamp(0.5, 0.95)]
        ),
    }
    compared(folder, optimizers=optimizers)
    return folder


def test_scalars_custom_scalars_and_hparams_show_the_runs_by_name(
    log_dir: Path,
) -> None:
    from tests.comparison.tensorboard_page import TensorBoardPage

    with TensorBoardPage(log_dir) as page:
        page.open("scalars", "epoch_accuracy", "epoch_gamma", "epoch_loss", *SCALARS)
        page.open("custom_scalars", "Comparison", "accuracy", "gamma", *SCALARS)
        # Each run has a curve in its chart.
        page.wait("Matches (8)")
        table = page.open("hparams", "Trial ID", *RUNS)
        for shown in ("learning_rate", "0.050000", "every 7", "GammaRamp", "0.95000"):
            assert shown in table, shown
        page.click("Parallel Coordinates View")
        page.wait("Color by")
        axes = page.drawn(".axis-title")
        assert {"gamma", "schedule", "restart", "learning_rate"} <= set(axes)
        assert len(page.drawn(".foreground path")) == len(RUNS)
