"""The specification in float64 NumPy, with the letters of the papers.

γ, η: one number an update. A restart is an update with γ = 0.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

Array = np.ndarray
# A hyper-parameter: a number, or one for each update (and perhaps the one after).
Moving = float | Array


def at(value: Any, t: int, dimensions: int = 0) -> Any:
    """What a hyper-parameter of so many dimensions is in the update t."""
    value = np.asarray(value, np.float64)
    return value if value.ndim == dimensions else value[t]


def momentum(
    theta: Array,
    gradient: Callable[[int, Array], Array],
    eta: Sequence[float] | Array,
    gamma: Sequence[float] | Array,
    weight_decay: Moving = 0.0,
) -> tuple[Array, Array]:
    """Heavy ball: v_t = γ_t v_{t-1} + η_t g_t; θ_{t+1} = θ_t − v_t − η_t λ_t θ_t.

    Returns:
        All θ_0, θ_1, … and all v_0, v_1, …
    """
    theta = np.asarray(theta, np.float64)
    v = np.zeros_like(theta)
    thetas, velocities = [theta], []
    for t, (eta_t, gamma_t) in enumerate(zip(eta, gamma, strict=True)):
        v = gamma_t * v + eta_t * gradient(t, theta)
        theta = theta - v - eta_t * at(weight_decay, t) * theta
        thetas.append(theta)
        velocities.append(v)
    return np.stack(thetas), np.stack(velocities)


def restarted(
    gamma: Sequence[float] | Array, every: int | None = None, at: Sequence[int] = ()
) -> list[float]:
    """γ with 0 at every update t > 0 that is a multiple of `every`, and at `at`."""
    return [
        0.0 if t in at or (every and t > 0 and t % every == 0) else float(gamma_t)
        for t, gamma_t in enumerate(gamma)
    ]


def linear_ramp(t: float, initial: float, final: float, steps: float) -> float:
    """γ(t) = initial + (final − initial) τ with τ = min(t / steps, 1)."""
    return initial + (final - initial) * min(max(t / steps, 0.0), 1.0)


# What follows takes the coefficients of one update after the other, and where it is a
# restart. g_t is given, and with it how it depends on the weights is left open. The
# decay of the weights is decoupled: θ −= η_t λ_t θ, of the θ before the update.


def nag(
    phi: Array,
    g: Array,
    eta: Array,
    gamma: Array,
    restart: Array,
    planned: Array,
    weight_decay: Moving = 0.0,
) -> tuple[Array, Array]:
    """v_t = γ_t v_{t-1} + η_t g_t; θ_{t+1} = θ_t − v_t; φ_t = θ_t − c_{t-1} v_{t-1}.

    γ has one element more than there are updates. c_t is γ_{t+1}, 0 before a restart
    that is `planned`. What decays is φ, the weights that a model holds.

    Returns:
        The last φ and θ.
    """
    theta, v = phi, np.zeros_like(phi)
    for t in range(len(g)):
        v = (0.0 if restart[t] else gamma[t]) * v + eta[t] * g[t]
        theta = theta - v - eta[t] * at(weight_decay, t) * phi
        phi = theta - (0.0 if planned[t + 1] else gamma[t + 1]) * v
    return phi, theta


def adam(
    theta: Array,
    g: Array,
    eta: Array,
    beta_1: Array,
    restart: Array,
    beta_2: Moving = 0.999,
    epsilon: Moving = 1e-7,
    nesterov: bool = False,
    amsgrad: bool = False,
    reset_second_moment: bool = False,
    weight_decay: Moving = 0.0,
    lr_ratio: Moving = 1.0,
) -> Array:
    """Kingma and Ba's Algorithm 1 with the products of all β1 and of all β2.

    β1 as γ in `nag`. The rate is η times `lr_ratio`, that of the decay is η.
    """
    m, s, p, q = np.zeros_like(theta), np.zeros_like(theta), 1.0, 1.0
    maximum = np.zeros_like(theta)
    for t in range(len(g)):
        if restart[t]:
            m, p = np.zeros_like(theta), 1.0
            if reset_second_moment:
                s, q = np.zeros_like(theta), 1.0
        b, b_next, b_2 = beta_1[t], beta_1[t + 1], at(beta_2, t)
        m = b * m + (1 - b) * g[t]
        s = b_2 * s + (1 - b_2) * g[t] ** 2
        p, q = b * p, b_2 * q
        m_hat = m / (1 - p)
        if nesterov:
            m_hat = b_next * m / (1 - b_next * p) + (1 - b) * g[t] / (1 - p)
        s_hat = s / (1 - q)
        if amsgrad:
            s_hat = maximum = np.maximum(maximum, s_hat)
        step = at(lr_ratio, t) * m_hat / (np.sqrt(s_hat) + at(epsilon, t))
        theta = theta - eta[t] * (step + at(weight_decay, t) * theta)
    return theta


def rmsprop(
    theta: Array,
    g: Array,
    eta: Array,
    gamma: Array,
    restart: Array,
    rho: Moving = 0.9,
    epsilon: Moving = 1e-7,
    centered: bool = False,
    weight_decay: Moving = 0.0,
) -> Array:
    """v_t = γ_t v_{t-1} + η_t g_t / √(s_t + ε), centred by the mean of g."""
    v, s, a = np.zeros_like(theta), np.zeros_like(theta), np.zeros_like(theta)
    for t in range(len(g)):
        r = at(rho, t)
        s = r * s + (1 - r) * g[t] ** 2
        a = r * a + (1 - r) * g[t]
        variance = s - a**2 if centered else s
        v = (0.0 if restart[t] else gamma[t]) * v + eta[t] * g[t] / np.sqrt(
            variance + at(epsilon, t)
        )
        theta = theta - v - eta[t] * at(weight_decay, t) * theta
    return theta


def restarts(steps: int, every: int | None = None, at: Sequence[int] = ()) -> Array:
    """Where an update is a restart: t > 0 and a multiple of `every`, or in `at`."""
    t = np.arange(steps)
    planned = (t > 0) & (t % every == 0) if every else np.zeros(steps, bool)
    return planned | np.isin(t, list(at))


# Schedules, of a step t; τ = min(t / steps, 1).


def cosine_ramp(t: float, initial: float, final: float, steps: float) -> float:
    """γ(t) = final + (initial − final) (1 + cos πτ) / 2."""
    return final + (initial - final) * (1 + math.cos(math.pi * min(t / steps, 1))) / 2


def horizon_ramp(t: float, initial: float, final: float, steps: float) -> float:
    """γ(t) = 1 − (1 − initial)^{1−τ} (1 − final)^τ."""
    tau = min(t / steps, 1)
    return 1 - (1 - initial) ** (1 - tau) * (1 - final) ** tau


def half_life_ramp(t: float, initial: float, final: float, steps: float) -> float:
    """1 / ln γ(t) = (1 − τ) / ln initial + τ / ln final, where 1 / ln 0 = 0."""
    tau = min(t / steps, 1)
    first, last = (1 / math.log(gamma) if gamma else 0.0 for gamma in (initial, final))
    inverse = (1 - tau) * first + tau * last
    return math.exp(1 / inverse) if inverse else 0.0


def sutskever_ramp(t: int, maximum: float, period: int) -> float:
    """γ(t) = min(1 − 2^{−1−log2(⌊t/period⌋ + 1)}, maximum)."""
    return min(1 - 2 ** (-1 - math.log2(t // period + 1)), maximum)


def nesterov_sequence(t: float, maximum: float) -> float:
    """γ(t) = min(t / (t + 3), maximum)."""
    return min(t / (t + 3), maximum)


def nesterov_strongly_convex(kappa: float) -> float:
    """γ = (√κ − 1) / (√κ + 1)."""
    return (math.sqrt(kappa) - 1) / (math.sqrt(kappa) + 1)


def demon(t: float, initial: float, steps: float) -> float:
    """γ(t) = γ0 (1−τ) / ((1 − γ0) + γ0 (1−τ))."""
    tau = min(t / steps, 1)
    return initial * (1 - tau) / ((1 - initial) + initial * (1 - tau))


def one_cycle(
    t: float, values: tuple[float, float, float], peak: float, last: float
) -> float:
    """A cosine from values[0] to values[1] at `peak` and to values[2] at `last`."""
    if t < peak:
        return cosine_ramp(t, values[0], values[1], peak)
    if t >= last:
        return values[2]
    return cosine_ramp(t - peak, values[1], values[2], last - peak)


def cyclic(t: int, minimum: float, maximum: float, period: int) -> float:
    """A triangle: minimum, maximum after half a period, minimum."""
    phase = t % period / period
    return minimum + (maximum - minimum) * min(2 * phase, 2 - 2 * phase)
