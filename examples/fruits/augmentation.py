"""Random changes of training pictures, a batch at a time, with TensorFlow operations.

Everything is drawn from a seed, so that a run can be repeated.
"""

import dataclasses
import math

import tensorflow as tf


@dataclasses.dataclass(frozen=True)
class Augmentation:
    """How much pictures are changed; 0 switches a change off.

    Attributes:
        flip: Whether pictures are mirrored, left to right, every second time.
        zoom: The smallest side of the part that is cut out is `1 - zoom` of the
            picture's; in [0, 1).
        stretch: Height and width of the part differ by a factor up to `1 + stretch`.
        rotation: The largest angle to either side, in degrees.
        brightness: The largest factor away from 1.
        contrast: The largest factor away from 1.
        saturation: The largest factor away from 1.
        hue: The largest turn to either side, in degrees of the colour circle.
        erase: The side of a square that is painted over, as a share of the picture's.
        mixup: The parameter of the Beta(mixup, mixup) distribution by which pairs of
            pictures and of their labels are mixed.
    """

    flip: bool = True
    zoom: float = 0.0
    stretch: float = 0.0
    rotation: float = 0.0
    brightness: float = 0.0
    contrast: float = 0.0
    saturation: float = 0.0
    hue: float = 0.0
    erase: float = 0.0
    mixup: float = 0.0


def augment(
    pictures: tf.Tensor,
    labels: tf.Tensor,
    how: Augmentation,
    image_size: int,
    seed: tf.Tensor,
) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns changed pictures and, with mixup, mixed labels.

    Args:
        pictures: A tensor (batch, height, width, 3) with values of 0 to 255.
        labels: One-hot labels, a float tensor (batch, classes).
        how: How much is changed.
        image_size: Height and width of the result in pixels.
        seed: An integer tensor of shape (2,).

    Returns:
        The pictures, a float tensor (batch, image_size, image_size, 3) with values of
        0 to 255, and the labels.
    """
    draw = _Draws(seed, tf.shape(pictures)[0])
    pictures = _cut_out(tf.cast(pictures, tf.float32), how, image_size, draw)
    pictures = _recolour(pictures, how, draw)
    if how.erase:
        pictures = _erase(pictures, how.erase, draw)
    if how.mixup:
        pictures, labels = _mix(pictures, labels, how.mixup, draw)
    return tf.clip_by_value(pictures, 0.0, 255.0), labels


class _Draws:
    """Independent random numbers, one a picture, each from a seed of its own."""

    def __init__(self, seed: tf.Tensor, count: tf.Tensor):
        self.seed = tf.cast(seed, tf.int64)
        self.count = count

    def next_seed(self) -> tf.Tensor:
        self.seed = self.seed + tf.constant([0, 1_000_003], tf.int64)
        return self.seed

    def uniform(self, low: float, high: float) -> tf.Tensor:
        return tf.random.stateless_uniform((self.count,), self.next_seed(), low, high)


def _cut_out(
    pictures: tf.Tensor, how: Augmentation, image_size: int, draw: _Draws
) -> tf.Tensor:
    """Zoom, stretch, shift, flip and rotation, as one projection of each picture."""
    height, width = tf.unstack(tf.cast(tf.shape(pictures)[1:3], tf.float32))
    scale = draw.uniform(1.0 - how.zoom, 1.0)
    stretch = tf.exp(draw.uniform(-0.5, 0.5) * math.log(1.0 + how.stretch))
    part_height = tf.minimum(scale * stretch, 1.0)
    part_width = tf.minimum(scale / stretch, 1.0)
    centre_y = 0.5 + (1.0 - part_height) * draw.uniform(-0.5, 0.5)
    centre_x = 0.5 + (1.0 - part_width) * draw.uniform(-0.5, 0.5)
    mirror = tf.sign(draw.uniform(-1.0, 1.0)) if how.flip else tf.ones_like(scale)
    angle = draw.uniform(-1.0, 1.0) * math.radians(how.rotation)
    cosine, sine = tf.cos(angle), tf.sin(angle)
    # From a pixel of the result to the pixel of the picture that it shows.
    step_y = part_height * height / image_size
    step_x = part_width * width / image_size * mirror
    middle = (image_size - 1) / 2
    a, b = step_x * cosine, -step_x * sine
    c, d = step_y * sine, step_y * cosine
    shift_x = centre_x * (width - 1) - (a + b) * middle
    shift_y = centre_y * (height - 1) - (c + d) * middle
    zero = tf.zeros_like(a)
    return tf.raw_ops.ImageProjectiveTransformV3(
        images=pictures,
        transforms=tf.stack([a, b, shift_x, c, d, shift_y, zero, zero], axis=1),
        output_shape=(image_size, image_size),
        fill_value=0.0,
        interpolation="BILINEAR",
        fill_mode="REFLECT",
    )


def _recolour(pictures: tf.Tensor, how: Augmentation, draw: _Draws) -> tf.Tensor:
    """Brightness, contrast, saturation and hue, as one affine map of the colours."""

    def factor(amount: float) -> tf.Tensor:
        return draw.uniform(1.0 - amount, 1.0 + amount)[:, None, None]

    # Saturation and hue stretch and turn the colours about the grey axis.
    grey = tf.fill((3, 3), 1.0 / 3.0)
    root = math.sqrt(1.0 / 3.0)
    turn = tf.constant([[0, -root, root], [root, 0, -root], [-root, root, 0]])
    angle = (draw.uniform(-1.0, 1.0) * math.radians(how.hue))[:, None, None]
    colour = tf.cos(angle) * (tf.eye(3) - grey) + tf.sin(angle) * turn
    matrix = grey + factor(how.saturation) * colour
    contrast, brightness = factor(how.contrast), factor(how.brightness)
    mean = tf.reduce_mean(pictures, axis=(1, 2))[:, None, :]
    flat = tf.reshape(pictures, (tf.shape(pictures)[0], -1, 3))
    flat = tf.matmul((flat - mean) * contrast + mean, matrix * brightness)
    return tf.reshape(flat, tf.shape(pictures))


def _erase(pictures: tf.Tensor, share: float, draw: _Draws) -> tf.Tensor:
    """Paints a square of each picture in its mean colour, every second time."""
    size = tf.cast(tf.shape(pictures)[1], tf.float32)
    side = share * size * tf.cast(draw.uniform(0.0, 1.0) < 0.5, tf.float32)
    positions = tf.range(size)

    def covered(centre: tf.Tensor) -> tf.Tensor:
        return tf.abs(positions[None, :] - centre[:, None]) < side[:, None] / 2

    rows, columns = (
        covered(draw.uniform(0, 1) * size),
        covered(draw.uniform(0, 1) * size),
    )
    hidden = tf.logical_and(rows[:, :, None], columns[:, None, :])[..., None]
    mean = tf.reduce_mean(pictures, axis=(1, 2), keepdims=True)
    return tf.where(hidden, mean, pictures)


def _mix(
    pictures: tf.Tensor, labels: tf.Tensor, alpha: float, draw: _Draws
) -> tuple[tf.Tensor, tf.Tensor]:
    """Mixup (Zhang et al., 2018): each picture with the one before it in the batch."""
    a, b = (
        tf.random.stateless_gamma((draw.count,), draw.next_seed(), alpha)
        for _ in range(2)
    )
    share = tf.maximum(a, b) / (a + b)

    def mixed(x: tf.Tensor) -> tf.Tensor:
        weight = tf.reshape(share, [-1] + [1] * (len(x.shape) - 1))
        return weight * x + (1.0 - weight) * tf.roll(x, shift=1, axis=0)

    return mixed(pictures), mixed(labels)
