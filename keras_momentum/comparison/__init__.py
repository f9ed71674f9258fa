"""Which momentum is best: comparisons of optimizers on a model of one's own."""

from keras_momentum.comparison.candidate import Candidate, gamma_of
from keras_momentum.comparison.comparing import compare
from keras_momentum.comparison.comparison import Comparison
from keras_momentum.comparison.finding import find_gamma
from keras_momentum.comparison.gamma_search import GammaSearch
from keras_momentum.comparison.loading import load_comparison
from keras_momentum.comparison.model_state import ModelState
from keras_momentum.comparison.run import Run

__all__ = [
    "Candidate",
    "Comparison",
    "GammaSearch",
    "ModelState",
    "Run",
    "compare",
    "find_gamma",
    "gamma_of",
    "load_comparison",
]
