"""The shapes and colours of the fruit: flat, unlit pictures on nothing.

Each function draws on a transparent square of the given side, in the colours of a ripe
or an unripe fruit of its kind.
"""

from collections.abc import Callable

import numpy as np
from PIL import Image

from fruits.canvas import BROWN, Canvas, Colour, Rng, darker, hsv


def apple(side: int, rng: Rng) -> Image.Image:
    canvas = Canvas(side)
    hue = ((-12, 12), (75, 105), (40, 60))[rng.integers(3)]
    colour = hsv(rng, hue, (0.65, 0.9), (0.6, 0.85))
    canvas.polar(
        lambda a: (
            0.4
            - 0.13 * np.exp(-((np.minimum(a, 2 * np.pi - a) / 0.4) ** 2))
            - 0.05 * np.exp(-(((a - np.pi) / 0.25) ** 2))
            + 0.02 * np.cos(2 * a + np.pi)
        ),
        colour,
        y=0.54,
    )
    canvas.speckle(rng, 25, 0.008, darker(colour, 1.25))
    canvas.stem(rng, 0.5, 0.3, 0.17)
    if rng.random() < 0.6:
        canvas.leaf(rng, 0.5, 0.2)
    return canvas.picture


def orange(side: int, rng: Rng) -> Image.Image:
    canvas = Canvas(side)
    colour = hsv(rng, (22, 36), (0.85, 1.0), (0.85, 1.0))
    canvas.ellipse(0.5, 0.5, 0.42, 0.41, colour)
    canvas.speckle(rng, 130, 0.007, darker(colour, 0.86))
    canvas.ellipse(0.5, 0.3, 0.035, 0.025, (90, 110, 40))
    return canvas.picture


def lemon(side: int, rng: Rng) -> Image.Image:
    return _pointed(side, rng, hsv(rng, (48, 58), (0.75, 0.95), (0.88, 1.0)), 0.3)


def lime(side: int, rng: Rng) -> Image.Image:
    return _pointed(side, rng, hsv(rng, (78, 110), (0.7, 0.95), (0.45, 0.75)), 0.35)


def _pointed(side: int, rng: Rng, colour: Colour, height: float) -> Image.Image:
    """The outline of a citrus fruit with a tip at both ends."""
    canvas = Canvas(side)
    tip = 0.13 if height < 0.33 else 0.05
    angle = np.linspace(0, 2 * np.pi, 60)
    x = 0.5 + (0.34 + tip * np.abs(np.cos(angle)) ** 12) * np.cos(angle)
    y = 0.5 + height * np.sin(angle) * (1 - 0.08 * np.cos(angle))
    canvas.polygon(list(zip(x, y, strict=True)), colour)
    canvas.speckle(rng, 90, 0.007, darker(colour, 0.87))
    return canvas.picture


def banana(side: int, rng: Rng) -> Image.Image:
    canvas = Canvas(side)
    colour = hsv(rng, (44, 66), (0.7, 0.95), (0.8, 1.0))
    bend, angle = rng.uniform(0.33, 0.42), np.linspace(0.12 * np.pi, 0.88 * np.pi, 25)
    thick = 0.115 * np.sin((angle - angle[0]) / np.ptp(angle) * np.pi) ** 0.45 + 0.012
    centre = np.array([0.5, 0.25])
    outer = np.stack([np.cos(angle), np.sin(angle)]) * (bend + thick)
    inner = np.stack([np.cos(angle), np.sin(angle)]) * (bend - thick)
    path = np.concatenate([outer.T, inner.T[::-1]]) + centre
    canvas.polygon(path, colour)
    middle = np.stack([np.cos(angle), np.sin(angle)]).T * (bend + 0.02) + centre
    canvas.line(middle, darker(colour, 0.82), 0.018)
    for end in (0, -1):
        canvas.ellipse(middle[end][0], middle[end][1], 0.03, 0.03, BROWN)
    canvas.speckle(rng, int(rng.integers(0, 40)), 0.008, BROWN)
    return canvas.picture


def pear(side: int, rng: Rng) -> Image.Image:
    canvas = Canvas(side)
    colour = hsv(rng, (50, 95), (0.5, 0.85), (0.6, 0.88))
    canvas.ellipse(0.5, 0.64, 0.31, 0.3, colour)
    canvas.ellipse(0.5, 0.32, 0.165, 0.2, colour)
    canvas.polygon([(0.345, 0.36), (0.655, 0.36), (0.78, 0.55), (0.22, 0.55)], colour)
    canvas.speckle(rng, 50, 0.008, darker(colour, 0.75))
    canvas.stem(rng, 0.5, 0.15, 0.12)
    return canvas.picture


def plum(side: int, rng: Rng) -> Image.Image:
    canvas = Canvas(side)
    colour = hsv(rng, (270, 350), (0.5, 0.8), (0.25, 0.5))
    canvas.ellipse(0.5, 0.52, 0.34, 0.4, colour)
    canvas.line(
        [(0.5, 0.13), (0.56, 0.35), (0.57, 0.6), (0.52, 0.9)], darker(colour, 0.6), 0.02
    )
    canvas.speckle(rng, 25, 0.02, darker(colour, 1.25))
    return canvas.picture


def cherry(side: int, rng: Rng) -> Image.Image:
    canvas = Canvas(side)
    colour = hsv(rng, (-15, 8), (0.8, 0.95), (0.45, 0.8))
    top = (0.5 + rng.uniform(-0.1, 0.1), 0.08)
    for x, y in ((0.3, 0.68), (0.7, 0.74)):
        canvas.line(
            [(x, y - 0.15), ((x + top[0]) / 2 + 0.03, 0.3), top], (84, 110, 40), 0.022
        )
        canvas.ellipse(x, y, 0.2, 0.19, colour)
        canvas.ellipse(x, y - 0.15, 0.05, 0.02, darker(colour, 0.55))
    if rng.random() < 0.5:
        canvas.leaf(rng, *top, 0.25)
    return canvas.picture


def strawberry(side: int, rng: Rng) -> Image.Image:
    canvas = Canvas(side)
    colour = hsv(rng, (-8, 12), (0.8, 0.95), (0.7, 0.95))
    angle = np.linspace(0, 2 * np.pi, 60)
    y = 0.52 - 0.4 * np.cos(angle)
    x = 0.5 + 0.37 * np.sin(angle) * (1.0 - 0.55 * np.clip((y - 0.35) / 0.6, 0, 1))
    canvas.polygon(list(zip(x, y, strict=True)), colour)
    canvas.speckle(rng, 90, 0.013, (235, 205, 110))
    green = hsv(rng, (95, 125), (0.6, 0.9), (0.4, 0.65))
    for tip in np.linspace(0.2, 0.8, 6) + rng.uniform(-0.03, 0.03, 6):
        tooth = [(0.4, 0.12), (0.6, 0.12), (tip, 0.27 - abs(tip - 0.5) * 0.2)]
        canvas.polygon(tooth, green)
    canvas.stem(rng, 0.5, 0.13, 0.1)
    return canvas.picture


def grapes(side: int, rng: Rng) -> Image.Image:
    canvas = Canvas(side)
    green = rng.random() < 0.5
    hue, value = ((62, 95), (0.6, 0.85)) if green else ((265, 320), (0.25, 0.5))
    canvas.stem(rng, 0.5, 0.2, 0.17)
    rows = ((4, 0.25), (5, 0.39), (4, 0.53), (3, 0.67), (2, 0.79), (1, 0.89))
    for count, y in rows:
        for place in range(count):
            x = 0.5 + (place - (count - 1) / 2) * 0.165 + rng.uniform(-0.02, 0.02)
            colour = hsv(rng, hue, (0.45, 0.7), value)
            canvas.ellipse(x, y, 0.1, 0.1, darker(colour, 0.7))
            canvas.ellipse(x, y - 0.008, 0.09, 0.09, colour)
            canvas.ellipse(x - 0.03, y - 0.035, 0.02, 0.02, darker(colour, 1.5))
    return canvas.picture


def kiwi(side: int, rng: Rng) -> Image.Image:
    """Cut in half."""
    canvas = Canvas(side)
    flesh = hsv(rng, (70, 100), (0.65, 0.9), (0.6, 0.85))
    canvas.ellipse(0.5, 0.5, 0.43, 0.39, hsv(rng, (24, 36), (0.5, 0.7), (0.3, 0.5)))
    canvas.ellipse(0.5, 0.5, 0.39, 0.35, flesh)
    canvas.ellipse(0.5, 0.5, 0.27, 0.24, darker(flesh, 1.2))
    canvas.ellipse(0.5, 0.5, 0.12, 0.1, (235, 235, 190))
    for angle in np.arange(0, 2 * np.pi, 0.33) + rng.uniform(0, 1):
        x, y = 0.5 + 0.19 * np.cos(angle), 0.5 + 0.17 * np.sin(angle)
        canvas.ellipse(x, y, 0.018, 0.018, (25, 20, 15))
    return canvas.picture


def watermelon(side: int, rng: Rng) -> Image.Image:
    """A slice."""
    canvas = Canvas(side)
    rind = hsv(rng, (100, 140), (0.6, 0.9), (0.3, 0.55))
    flesh = hsv(rng, (-10, 8), (0.65, 0.85), (0.8, 0.95))
    for radius, colour in ((0.45, rind), (0.41, (215, 230, 180)), (0.37, flesh)):
        box = [
            side * (0.5 - radius),
            side * (0.3 - radius),
            side * (0.5 + radius),
            side * (0.3 + radius),
        ]
        canvas.pen.pieslice(box, 0, 180, fill=colour)
    for angle in np.linspace(0.4, np.pi - 0.4, 6) + rng.uniform(-0.1, 0.1, 6):
        r = rng.uniform(0.15, 0.3)
        x, y = 0.5 + r * np.cos(angle), 0.3 + r * np.sin(angle)
        canvas.ellipse(x, y, 0.016, 0.024, (30, 20, 20))
    return canvas.picture


def pineapple(side: int, rng: Rng) -> Image.Image:
    canvas = Canvas(side)
    colour = hsv(rng, (32, 50), (0.65, 0.9), (0.65, 0.9))
    green = hsv(rng, (95, 140), (0.5, 0.8), (0.3, 0.55))
    for lean in rng.permutation(np.linspace(-0.24, 0.24, 7)):
        tip = (0.5 + lean, 0.03 + abs(lean) * 0.5)
        canvas.polygon(
            [(0.44, 0.38), (0.56, 0.38), tip], darker(green, rng.uniform(0.8, 1.2))
        )
    canvas.ellipse(0.5, 0.65, 0.25, 0.32, colour)
    for shift in np.arange(-0.6, 0.61, 0.12):
        for slope in (-1, 1):
            y = np.linspace(0.36, 0.94, 12)
            x = 0.5 + shift + slope * (y - 0.65) * 0.6
            inside = ((x - 0.5) / 0.25) ** 2 + ((y - 0.65) / 0.32) ** 2 < 0.97
            if inside.sum() > 1:
                points = list(zip(x[inside], y[inside], strict=True))
                canvas.line(points, darker(colour, 0.62), 0.016)
    return canvas.picture


FRUITS: dict[str, Callable[[int, Rng], Image.Image]] = {
    function.__name__: function
    for function in (
        apple, banana, cherry, grapes, kiwi, lemon,
        lime, orange, pear, pineapple, plum, strawberry, watermelon,
    )
}  # fmt: skip


def clutter(side: int, rng: Rng) -> Image.Image:
    """Something that is no fruit: a box, a ball, a bar or a leaf of any colour."""
    canvas = Canvas(max(side, 4))
    colour = hsv(rng, (0, 360), (0.05, 0.8), (0.2, 0.9))
    kind = rng.integers(4)
    if kind == 0:
        canvas.polygon(rng.uniform(0, 1, (4, 2)), colour)
    elif kind == 1:
        canvas.ellipse(0.5, 0.5, rng.uniform(0.2, 0.45), rng.uniform(0.2, 0.45), colour)
    elif kind == 2:
        canvas.line(rng.uniform(0, 1, (2, 2)), colour, rng.uniform(0.05, 0.2))
    else:
        canvas.leaf(rng, 0.1, 0.5, 0.8)
    return canvas.picture
