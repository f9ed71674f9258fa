"""Pictures of fruit, drawn: every one differs, and each follows from its seed alone."""

from typing import Any

import numpy as np
from PIL import Image, ImageFilter

from fruits import shapes

KINDS = tuple(sorted(shapes.FRUITS))
_OVERSAMPLING = 2


def draw_fruit(kind: str, image_size: int, seed: tuple[int, ...]) -> np.ndarray:
    """Draws one fruit: in any pose, size, colour and light, before and behind things.

    Args:
        kind: One of `KINDS`.
        image_size: Height and width in pixels.
        seed: Integers; the same ones give the same picture.

    Returns:
        An array (image_size, image_size, 3) of uint8.
    """
    rng = np.random.default_rng(seed)
    side = image_size * _OVERSAMPLING
    scene = _background(side, rng)
    for _ in range(rng.integers(0, 4)):
        _put(scene, shapes.clutter(side // 3, rng), _anywhere(side, rng))
    fruit = _posed(shapes.FRUITS[kind](side, rng), side * rng.uniform(0.6, 0.9), rng)
    fruit = _lit(fruit, rng)
    centre = tuple(side * rng.uniform(0.36, 0.64, 2))
    _put(scene, _shadow(fruit), (centre[0] + side * 0.04, centre[1] + side * 0.06))
    _put(scene, fruit, centre)
    if rng.random() < 0.35:
        _put(scene, shapes.clutter(side // 4, rng), _at_the_edge(centre, side, rng))
    picture = scene.resize((image_size, image_size), Image.Resampling.BOX)
    if rng.random() < 0.3:
        picture = picture.filter(ImageFilter.GaussianBlur(rng.uniform(0.3, 1.0)))
    values = np.asarray(picture, np.float64)
    values = values * rng.uniform(0.75, 1.15) * rng.uniform(0.93, 1.07, 3)
    values += rng.normal(0.0, rng.uniform(1.0, 7.0), values.shape)
    return values.clip(0, 255).astype(np.uint8)


def _background(side: int, rng: np.random.Generator) -> Image.Image:
    """A wall or a table: a colour that fades into another, sometimes striped."""
    first, second = rng.integers(30, 235, 3), rng.integers(30, 235, 3)
    y, x = (places / side for places in np.ogrid[0:side, 0:side])
    angle = rng.uniform(0, 2 * np.pi)
    fade = ((x - 0.5) * np.cos(angle) + (y - 0.5) * np.sin(angle) + 0.7) / 1.4
    if rng.random() < 0.3:
        fade = 0.5 + 0.5 * np.sign(np.sin(fade * rng.uniform(15, 60))) * 0.6
    values = first + (second - first) * fade[..., None] * rng.uniform(0.3, 1.0)
    if rng.random() < 0.4:
        values[y[:, 0] > rng.uniform(0.5, 0.8)] *= rng.uniform(0.5, 0.9)
    return Image.fromarray(values.clip(0, 255).astype(np.uint8))


def _posed(fruit: Image.Image, size: float, rng: np.random.Generator) -> Image.Image:
    """Turned, squashed as if seen from the side, and brought to its size."""
    width = max(4, int(size * rng.uniform(0.82, 1.0)))
    height = max(4, int(size * rng.uniform(0.82, 1.0)))
    fruit = fruit.resize((width, height), Image.Resampling.BILINEAR)
    if rng.random() < 0.5:
        fruit = fruit.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    angle = rng.normal(0.0, 30.0)
    return fruit.rotate(angle, Image.Resampling.BILINEAR, expand=True)


def _lit(fruit: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Lit from one side as a ball would be, with a highlight."""
    values = np.asarray(fruit, np.float32).copy()
    height, width = values.shape[:2]
    y, x = np.ogrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    depth = np.sqrt(np.clip(1.2 - x**2 - y**2, 0.05, None))
    angle = rng.uniform(np.pi, 2 * np.pi)
    light = np.array([np.cos(angle), np.sin(angle), rng.uniform(0.7, 1.4)])
    light /= np.linalg.norm(light)
    facing = np.clip(x * light[0] + y * light[1] + depth * light[2], 0, None)
    ambient = rng.uniform(0.4, 0.65)
    shine = rng.uniform(20, 90) * np.clip(facing, 0, 1) ** rng.uniform(14, 40)
    shade = (ambient + (1.1 - ambient) * facing)[..., None]
    values[..., :3] = values[..., :3] * shade + shine[..., None]
    return Image.fromarray(values.clip(0, 255).astype(np.uint8))


def _shadow(fruit: Image.Image) -> Image.Image:
    alpha = fruit.getchannel("A").point(lambda value: value * 0.35)
    shadow = Image.new("RGBA", fruit.size, (0, 0, 0, 0))
    shadow.putalpha(alpha.filter(ImageFilter.GaussianBlur(fruit.width / 30)))
    return shadow


def _put(scene: Image.Image, thing: Image.Image, centre: Any) -> None:
    corner = (int(centre[0] - thing.width / 2), int(centre[1] - thing.height / 2))
    scene.paste(thing, corner, thing)


def _anywhere(side: int, rng: np.random.Generator) -> Any:
    return side * rng.uniform(0.0, 1.0, 2)


def _at_the_edge(centre: Any, side: int, rng: np.random.Generator) -> Any:
    """A place in which a thing covers a part of the fruit, and not the whole of it."""
    angle = rng.uniform(0, 2 * np.pi)
    return (
        centre[0] + side * 0.3 * np.cos(angle),
        centre[1] + side * 0.3 * np.sin(angle),
    )
