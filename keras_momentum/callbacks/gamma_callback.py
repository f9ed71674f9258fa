"""Where comparison.candidate finds what moves gamma, until it reads `moves`."""

from keras_momentum.callbacks._gamma_callback import GammaCallback as GammaCallback
