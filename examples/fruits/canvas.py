"""A transparent square to draw on, and colours from ranges."""

import colorsys
from collections.abc import Callable
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

Colour = tuple[int, int, int]
Rng = np.random.Generator

BROWN = (96, 62, 32)


class Canvas:
    """A transparent square on which lengths go from 0 to 1."""

    def __init__(self, side: int):
        self.side = side
        self.picture = Image.new("RGBA", (side, side), (0, 0, 0, 0))
        self.pen = ImageDraw.Draw(self.picture)

    def ellipse(self, x: float, y: float, rx: float, ry: float, fill: Any) -> None:
        box = [(x - rx), (y - ry), (x + rx), (y + ry)]
        self.pen.ellipse([self.side * value for value in box], fill=fill)

    def polygon(self, points: Any, fill: Any) -> None:
        self.pen.polygon([(self.side * x, self.side * y) for x, y in points], fill=fill)

    def line(self, points: Any, fill: Any, width: float) -> None:
        scaled = [(self.side * x, self.side * y) for x, y in points]
        self.pen.line(scaled, fill=fill, width=max(1, int(self.side * width)))

    def polar(self, radius: Callable[[Any], Any], fill: Any, y: float = 0.5) -> None:
        """A closed outline: `radius` as a function of the angle, 0 pointing up."""
        angle = np.linspace(0, 2 * np.pi, 60)
        r = radius(angle)
        outline = zip(0.5 + r * np.sin(angle), y - r * np.cos(angle), strict=True)
        self.polygon(list(outline), fill)

    def speckle(self, rng: Rng, count: int, size: float, fill: Any) -> None:
        """Dots, on what is drawn already."""
        mask = self.picture.getchannel("A")
        for x, y in rng.uniform(0.1, 0.9, (count, 2)):
            if mask.getpixel((int(x * self.side), int(y * self.side))):
                self.ellipse(x, y, size, size, fill)

    def stem(self, rng: Rng, x: float, y: float, length: float = 0.14) -> None:
        lean = rng.uniform(-0.06, 0.06)
        self.line([(x, y), (x + lean, y - length)], BROWN, 0.03)

    def leaf(self, rng: Rng, x: float, y: float, length: float = 0.2) -> None:
        angle = rng.uniform(-0.6, 0.3)
        along = np.array([np.cos(angle), np.sin(angle)]) * length
        across = np.array([-along[1], along[0]]) * 0.3
        start = np.array([x, y])
        middle = start + along / 2
        points = [start, middle + across, start + along, middle - across]
        self.polygon(points, hsv(rng, (95, 130), (0.5, 0.9), (0.35, 0.65)))


def hsv(rng: Rng, hue: Any, saturation: Any, value: Any) -> Colour:
    """A colour from ranges of hue (degrees), saturation and value (0 to 1)."""
    h, s, v = (rng.uniform(*limits) for limits in (hue, saturation, value))
    r, g, b = colorsys.hsv_to_rgb((h / 360) % 1, s, v)
    return int(255 * r), int(255 * g), int(255 * b)


def darker(colour: Colour, factor: float) -> Colour:
    r, g, b = (max(0, min(255, int(channel * factor))) for channel in colour)
    return r, g, b
