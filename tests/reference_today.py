"""The optimizers of today in float64 NumPy, as `tests.reference` has the classic ones.

A restart is an update before which the velocities are 0.
"""

import math
from typing import Any

import numpy as np

from tests.reference import Array, Moving, adam, at


def aggmo(
    phi: Array,
    g: Array,
    eta: Array,
    gamma: Array,
    restart: Array,
    planned: Array,
    count: int = 3,
    weights: Any = None,
    nesterov: bool = False,
    weight_decay: Moving = 0.0,
) -> tuple[Array, Array]:
    """v⁽ⁱ⁾_t = γ⁽ⁱ⁾_t v⁽ⁱ⁾_{t-1} + η_t g_t; θ_{t+1} = θ_t − Σ w⁽ⁱ⁾_t v⁽ⁱ⁾_t.

    γ⁽ⁱ⁾ = 1 − (1 − γ)^{i/(K−1)}. The gradients are those at φ, which is θ or, with
    `nesterov`, ahead of it by w and γ of the next update, as in `tests.reference.nag`.
    `weights` are K numbers, or K for each update.

    Returns:
        The last φ and θ.
    """
    exponents = np.arange(count) / (count - 1) if count > 1 else np.ones(1)
    w = np.full(count, 1 / count) if weights is None else weights

    def of_all(gamma_t: float) -> Array:
        gammas = 1 - (1 - gamma_t) ** exponents
        return gammas.reshape((count, *(1 for _ in phi.shape)))

    theta, v = phi, np.zeros((count, *phi.shape))
    for t in range(len(g)):
        v = (0.0 if restart[t] else of_all(gamma[t])) * v + eta[t] * g[t]
        moved = np.tensordot(at(w, t, 1), v, 1)
        theta = theta - moved - eta[t] * at(weight_decay, t) * phi
        phi = theta
        if nesterov and not planned[t + 1]:
            phi = theta - np.tensordot(at(w, t + 1, 1), of_all(gamma[t + 1]) * v, 1)
    return phi, theta


def newton_schulz(u: Array, epsilon: float, steps: int, coefficients: Any) -> Array:
    """X = a X + (b A + c A²) X with A = X Xᵀ, from X = u / (‖u‖ + ε)."""
    a, b, c = coefficients
    norm = np.linalg.norm(u) + epsilon
    x = u / norm if norm > 0 else np.zeros_like(u)
    if is_tall := x.shape[0] > x.shape[1]:
        x = x.T
    for _ in range(steps):
        gram = x @ x.T
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x.T if is_tall else x


def muon(
    theta: Array,
    g: Array,
    eta: Array,
    gamma: Array,
    restart: Array,
    is_matrix: bool,
    columns: int = 1,
    nesterov: bool = True,
    ns_steps: int = 5,
    ns_coefficients: tuple[float, float, float] = (3.4445, -4.7750, 2.0315),
    rms_rate: float = 0.2,
    adam_lr_ratio: Moving = 1.0,
    adam_beta_1: Moving = 0.9,
    adam_beta_2: Moving = 0.999,
    epsilon: Moving = 1e-7,
    weight_decay: Moving = 0.0,
    adam_weight_decay: Moving = 0.0,
) -> Array:
    """Of a matrix θ −= η 0.2 √max(n, m) NS(u), of another weight Adam.

    v = γ v + (1 − γ) g; u = (1 − γ) g + γ v if `nesterov`, else v. The last `columns`
    dimensions are the columns of the matrix, those before its rows.
    """
    if not is_matrix:
        beta_1 = np.broadcast_to(adam_beta_1, len(eta) + 1)
        return adam(
            *(theta, g, eta, beta_1, restart, adam_beta_2, epsilon),
            weight_decay=adam_weight_decay,
            lr_ratio=adam_lr_ratio,
        )
    shape = math.prod(theta.shape[:-columns]), math.prod(theta.shape[-columns:])
    v = np.zeros(shape)
    for t in range(len(g)):
        matrix = np.reshape(g[t], shape)
        share = 1 - gamma[t]
        v = (0.0 if restart[t] else gamma[t]) * v + share * matrix
        u = v
        if nesterov:
            # γ stands before the new v, which a restart has not forgotten.
            u = share * matrix + gamma[t] * v
        # Keras's 1e-7 stands beside the norm of a sum of gradients, u / (1 − γ).
        x = newton_schulz(u, 1e-7 * share, ns_steps, ns_coefficients)
        step = rms_rate * math.sqrt(max(shape)) * x.reshape(theta.shape)
        theta = theta - eta[t] * (step + at(weight_decay, t) * theta)
    return theta


def ademamix(
    theta: Array,
    g: Array,
    eta: Array,
    beta_1: Array,
    restart: Array,
    beta_2: Moving = 0.999,
    beta_3: Moving = 0.9999,
    alpha: Moving = 5.0,
    epsilon: Moving = 1e-8,
    weight_decay: Moving = 0.0,
) -> Array:
    """θ −= η (m̂1 + α m2) / (√ŝ + ε), corrected by the products of all β1 and β2."""
    m_1, m_2, s, p, q = *(np.zeros_like(theta) for _ in range(3)), 1.0, 1.0
    for t in range(len(g)):
        if restart[t]:
            m_1, m_2, p = np.zeros_like(theta), np.zeros_like(theta), 1.0
        b_1, b_2, b_3 = beta_1[t], at(beta_2, t), at(beta_3, t)
        m_1 = b_1 * m_1 + (1 - b_1) * g[t]
        m_2 = b_3 * m_2 + (1 - b_3) * g[t]
        s = b_2 * s + (1 - b_2) * g[t] ** 2
        p, q = b_1 * p, b_2 * q
        mixed = m_1 / (1 - p) + at(alpha, t) * m_2
        step = mixed / (np.sqrt(s / (1 - q)) + at(epsilon, t))
        theta = theta - eta[t] * (step + at(weight_decay, t) * theta)
    return theta


def qhm(
    theta: Array,
    g: Array,
    eta: Array,
    gamma: Array,
    restart: Array,
    nu: Moving = 0.7,
    weight_decay: Moving = 0.0,
) -> Array:
    """v = γ v + (1 − γ) g; θ −= η ((1 − ν) g + ν v)."""
    v = np.zeros_like(theta)
    for t in range(len(g)):
        v = (0.0 if restart[t] else gamma[t]) * v + (1 - gamma[t]) * g[t]
        step = (1 - at(nu, t)) * g[t] + at(nu, t) * v
        theta = theta - eta[t] * (step + at(weight_decay, t) * theta)
    return theta


def lion(
    theta: Array,
    g: Array,
    eta: Array,
    beta_1: Array,
    restart: Array,
    beta_2: Moving = 0.99,
    weight_decay: Moving = 0.0,
) -> Array:
    """θ −= η sign(β1 m + (1 − β1) g); m = β2 m + (1 − β2) g."""
    m = np.zeros_like(theta)
    for t in range(len(g)):
        m = np.zeros_like(theta) if restart[t] else m
        step = np.sign(beta_1[t] * m + (1 - beta_1[t]) * g[t])
        m = at(beta_2, t) * m + (1 - at(beta_2, t)) * g[t]
        theta = theta - eta[t] * (step + at(weight_decay, t) * theta)
    return theta
