"""Which momentum is best: comparisons of optimizers on a model of one's own."""

from keras_momentum.comparison._candidates import Candidate
from keras_momentum.comparison._noise import NoiseScale
from keras_momentum.comparison._optimizers import gamma_of
from keras_momentum.comparison._plane import Pair
from keras_momentum.comparison._runs import Run
from keras_momentum.comparison._state import ModelState
from keras_momentum.comparison.comparing import compare
from keras_momentum.comparison.comparison import Comparison, load_comparison
from keras_momentum.comparison.finding import find_gamma
from keras_momentum.comparison.gamma_search import GammaSearch
from keras_momentum.comparison.noise_scale import gradient_noise_scale

__all__ = [
    "Candidate",
    "Comparison",
    "GammaSearch",
    "ModelState",
    "NoiseScale",
    "Pair",
    "Run",
    "compare",
    "find_gamma",
    "gamma_of",
    "gradient_noise_scale",
    "load_comparison",
]
