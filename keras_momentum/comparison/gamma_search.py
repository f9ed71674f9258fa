"""What a search over gammas and learning rates has found."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from keras_momentum.comparison._judging import judge, verdict_of
from keras_momentum.comparison._noise import NoiseScale
from keras_momentum.comparison._plane import Trial
from keras_momentum.comparison._plane_board import write_plane
from keras_momentum.comparison._plane_picture import draw_plane
from keras_momentum.comparison._printing import as_text


class GammaSearch:
    """What each pair of gamma and learning rate made of the same batches.

    `print(search)` shows the table and the verdict. `search.losses[Pair(0.9, 0.01)]`
    are those of gamma 0.9 and a learning rate of 0.01.

    Args:
        trials: The trial of each pair.
        first: The losses of the batches that judge, at the weights of the start.
        steps: The number of steps of a whole training.
        batch_size: The number of samples in a batch.
        noise: The gradient noise scale at the start.
        seconds: The duration of the search.

    Attributes:
        trials: The argument.
        first_loss: The mean loss of the batches that judge, at the start.
        steps: The argument.
        batch_size: The argument.
        noise: The argument.
        seconds: The argument.
        losses: The loss of each training batch, before its update, by pair; NaN from
            where it ended.
        final_losses: The loss that judges, by pair: of batches that are held back, at
            the average of the iterates in the second half of the steps that were made;
            NaN if it diverged.
        best: The pair with the lowest of them of those that trained to the end; `None`
            if there is none.
        recommended: The same if gamma matters here; `None` if it does not, or if
            nothing was learned.
    """

    def __init__(
        self,
        trials: Sequence[Trial],
        first: np.ndarray,
        steps: int,
        batch_size: int,
        noise: NoiseScale,
        seconds: float,
    ):
        self.trials = list(trials)
        self.first_loss = float(first.mean())
        self.steps = steps
        self.batch_size = batch_size
        self.noise = noise
        self.seconds = seconds
        self.losses = {trial.pair: trial.losses for trial in trials}
        self.final_losses = {trial.pair: trial.loss for trial in trials}
        self._judgement = judge(trials, first, steps)
        best = self._judgement.best
        self.best = None if best is None else best.pair
        self.recommended = self.best if self._judgement.matters else None

    def verdict(self) -> str:
        """What the search says, in words."""
        return verdict_of(
            self._judgement,
            self.trials,
            self.first_loss,
            self.steps,
            self.batch_size,
            self.noise,
        )

    def table(self, **options: Any) -> Any:
        """A `rich.table.Table`; `options` are its arguments."""
        import rich.table

        table = rich.table.Table(**options)
        for column in ("gamma", "learning rate", "effective", "steps", "loss"):
            table.add_column(column, justify="right")
        for trial in self.trials:
            table.add_row(
                f"{trial.pair.gamma:g}",
                f"{trial.pair.learning_rate:.3g}",
                f"{trial.effective_rate:.3g}",
                str(trial.steps),
                "diverged" if trial.diverged else f"{trial.loss:.4g}",
            )
        return table

    def draw(self, file: str | Path) -> None:
        """Draws the plane: the final loss over the effective rate and gamma."""
        draw_plane(
            Path(file),
            self.trials,
            self.steps,
            self._judgement.best,
            self._judgement.matters,
            self.verdict(),
        )

    def to_tensorboard(self, log_dir: str | Path) -> None:
        """Writes losses, HParams and the picture of the plane for TensorBoard.

        Args:
            log_dir: A folder; `~` is the home folder. Nothing in it is removed.
        """
        write_plane(Path(log_dir).expanduser(), self)

    def __str__(self) -> str:
        return as_text(self.table()) + self.verdict()
