"""A transformer that says which character is next."""

from typing import Any

import keras


@keras.saving.register_keras_serializable(package="characters")
class PositionEmbedding(keras.layers.Layer):
    """Adds a learned vector for each place in the sequence."""

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        self.embedding = self.add_weight(
            shape=input_shape[1:], initializer="uniform", name="embedding"
        )

    def call(self, inputs: Any) -> Any:
        return inputs + self.embedding


def build_model(
    characters: int, length: int, width: int, heads: int = 4, blocks: int = 2
) -> keras.Model:
    """A compiled model of sequences of numbers, whose last layer is named "head".

    Args:
        characters: How many there are to tell apart.
        length: The number of characters in a sequence.
        width: The size of the vector that stands for each.
        heads: The number of attention heads.
        blocks: The number of blocks of attention and a network of two layers.
    """
    inputs = keras.Input((length,), dtype="int32")
    found = keras.layers.Embedding(characters, width)(inputs)
    found = PositionEmbedding()(found)
    for _ in range(blocks):
        normal = keras.layers.LayerNormalization()(found)
        attention = keras.layers.MultiHeadAttention(heads, width // heads)
        found += attention(normal, normal, use_causal_mask=True)
        normal = keras.layers.LayerNormalization()(found)
        inner = keras.layers.Dense(4 * width, "gelu")(normal)
        found += keras.layers.Dense(width)(inner)
    found = keras.layers.LayerNormalization()(found)
    model = keras.Model(inputs, keras.layers.Dense(characters, name="head")(found))
    model.compile(
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        # On a CPU, XLA takes longer for the step of TensorFlow, and to compile it.
        jit_compile=False if keras.backend.backend() == "tensorflow" else "auto",
    )
    return model
