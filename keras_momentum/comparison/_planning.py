"""Which runs there are to do, and who does them."""

from collections.abc import Mapping, Sequence
from typing import Any

from keras_momentum.comparison._candidates import Candidate
from keras_momentum.comparison._files import lock_of
from keras_momentum.comparison._printing import Progress, progress
from keras_momentum.comparison._runs import Run
from keras_momentum.comparison._starting_point import Runner, StartingPoint
from keras_momentum.comparison._training import Training


def planned_runs(
    training: Training,
    start: StartingPoint,
    candidates: Mapping[str, Candidate],
    seeds: Sequence[int],
    common: Mapping[str, Any],
    directions: Mapping[str, str],
) -> list[Run]:
    """The runs of a comparison, before they are trained.

    Args:
        training: How they train.
        start: From where they start.
        candidates: The optimizers by name.
        seeds: The seeds.
        common: What they all depend on, beside what `training` says.
        directions: `"min"` or `"max"` by the name of a metric.
    """
    of_seeds = {seed: {**common, **training.made_of(seed)} for seed in seeds}
    weights = {seed: start.weights_of(seed) for seed in seeds}
    return [
        Run(
            name,
            seed,
            hyperparameters=candidate.hyperparameters(),
            made_of={
                **of_seeds[seed],
                "optimizer": candidate._identity(start.known_weights),
                "weights": weights[seed],
            },
            directions=dict(directions),
        )
        for name, candidate in candidates.items()
        for seed in seeds
    ]


class Runs:
    """The runs of a comparison, done by this process or by others.

    Args:
        training: How they train.
        start: From where they start.
        candidates: The optimizers by name.
        planned: The runs.
        verbose: 0 or 1.
    """

    def __init__(
        self,
        training: Training,
        start: StartingPoint,
        candidates: Mapping[str, Candidate],
        planned: Sequence[Run],
        verbose: int,
    ):
        self._training = training
        self._start = start
        self._candidates = candidates
        self._planned = planned
        self._verbose = verbose
        self._done: dict[tuple[str, int], Run] = {}

    def all(self) -> list[Run]:
        """All runs; those that nobody has done are trained."""
        for run in self._planned:
            self._look_for(run)
        self._check_batches()
        epochs = self._training.epochs
        with progress(len(self._planned) * epochs, self._verbose) as bar:
            bar.skip(len(self._done), len(self._planned), epochs)
            # What other processes do is left to them, and waited for in the end.
            for timeout in (0, -1):
                for name in self._candidates:
                    self._train(name, timeout, bar)
        return [self._done[run.name, run.seed] for run in self._planned]

    def _train(self, name: str, timeout: float, bar: Progress) -> None:
        """The runs of an optimizer that nobody has done or is doing."""
        import filelock

        runner = Runner(self._start, self._candidates[name])
        for run in self._planned:
            if run.name != name or (name, run.seed) in self._done:
                continue
            lock = filelock.FileLock(
                lock_of(self._training.log_dir, f"{name}\0{run.seed}"), timeout=timeout
            )
            try:
                with lock:
                    if not self._look_for(run):
                        self._train_one(runner, run, bar)
                    bar.end(self._done[name, run.seed], self._training.epochs)
            except filelock.Timeout:
                continue

    def _train_one(self, runner: Runner, run: Run, bar: Progress) -> None:
        weights = runner.begin(run.seed)
        self._training.same.weights(run.name, run.seed, weights)
        done = self._training.run(self._candidates[run.name], runner, run, bar.epoch)
        self._done[run.name, run.seed] = done

    def _look_for(self, run: Run) -> bool:
        """Whether the run is done; then it is held to the others of its seed."""
        found = self._training.finished(run)
        if found is not None:
            self._training.same.finished(found)
            self._done[run.name, run.seed] = found
        return found is not None

    def _check_batches(self) -> None:
        """Holds the data to the runs that were done before.

        Where another run of the seed is to be trained, its first epoch is enough here,
        as the rest is looked at while that trains.
        """
        training = self._training
        for seed in {seed for _, seed in self._done}:
            runs = [run for run in self._done.values() if run.seed == seed]
            longest = max(runs, key=lambda run: len(run.steps))
            if not longest.made_of["batches"][0]:
                continue
            planned = sum(run.seed == seed for run in self._planned)
            epochs = len(longest.steps) if planned == len(runs) else 1
            batches = training.data.read(seed, epochs)
            for epoch in range(1, epochs + 1):
                training.same.epoch("this call", seed, batches, epoch)
