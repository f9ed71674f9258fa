"""What a training run is made of, as it stands in a TOML file."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from fruits.paths import expanded

Share = Annotated[float, Field(ge=0, lt=1)]
Count = Annotated[int, Field(ge=1, le=10**6)]
# Of Keras and NumPy alike.
Seed = Annotated[int, Field(ge=0, lt=2**32)]
FolderPath = Annotated[str, AfterValidator(lambda text: str(expanded(text)))]
# Of the networks of keras.applications.
_LEAST_IMAGE_SIZE = 32


class Section(BaseModel):
    """A table of the file: an unknown key is an error, "32" and infinity no numbers."""

    model_config = ConfigDict(
        extra="forbid", strict=True, frozen=True, allow_inf_nan=False
    )


class SplitFolders(Section):
    """The folders of the splits, where they can't be told by their names.

    They lie in `data.path`; "." is that itself.
    """

    train: str | None = Field(None, description="holds a folder for each class")
    validation: str | None = Field(None, description="the same, to validate with")
    test: str | None = Field(None, description="the same, to test with")


class Data(Section):
    """Where the pictures come from."""

    source: Literal["rendered", "grocery", "folder"] = Field(
        "rendered",
        description="drawn fruits, the Grocery Store Dataset, or a folder per class",
    )
    path: FolderPath | None = Field(None, description="folder of the photos")
    split_folders: SplitFolders = Field(
        SplitFolders(), description="folders of the splits in it; None: found by name"
    )
    max_megapixels: Count = Field(200, description="larger photos are left out")
    image_size: int = Field(64, ge=16, le=512, description="pixels")
    batch_size: Count = Field(32, description="pictures a step")
    cache_dir: FolderPath = Field(
        "data", description="where prepared data sets are kept"
    )
    train_images: Count = Field(4000, description="how many to draw (rendered)")
    validation_images: Count = Field(1000, description="how many to draw (rendered)")
    test_images: Count = Field(1000, description="how many to draw (rendered)")
    validation_share: Annotated[float, Field(gt=0, lt=1)] = Field(
        0.2, description="of each class, where there is no validation split (folder)"
    )
    seed: Seed = Field(0, description="of the drawings, or of the split")


class Changes(Section):
    """How much training pictures are changed; see fruits/augmentation.py."""

    flip: bool = Field(True, description="mirror every second picture")
    zoom: Share = Field(0.0, description="largest share that is cut away")
    stretch: Share = Field(0.0, description="largest change of the aspect")
    rotation: float = Field(0.0, ge=0, le=180, description="degrees to either side")
    brightness: Share = Field(0.0, description="largest change")
    contrast: Share = Field(0.0, description="largest change")
    saturation: Share = Field(0.0, description="largest change")
    hue: float = Field(0.0, ge=0, le=180, description="degrees to either side")
    erase: Share = Field(0.0, description="side of a square that is painted over")
    mixup: float = Field(0.0, ge=0, description="of Beta(mixup, mixup); 0 for none")


class Network(Section):
    """A residual network, or one of keras.applications; see fruits/models.py."""

    name: Literal[
        "residual_network",
        "ResNet50",
        "ResNet101",
        "ResNet152",
        "ResNet50V2",
        "ResNet101V2",
        "ResNet152V2",
        "EfficientNetB0",
        "EfficientNetB1",
        "EfficientNetB2",
        "EfficientNetB3",
        "EfficientNetB4",
        "EfficientNetB5",
        "EfficientNetB6",
        "EfficientNetB7",
        "EfficientNetV2B0",
        "EfficientNetV2B1",
        "EfficientNetV2B2",
        "EfficientNetV2B3",
        "EfficientNetV2S",
        "EfficientNetV2M",
        "EfficientNetV2L",
        "MobileNet",
        "MobileNetV2",
        "MobileNetV3Small",
        "MobileNetV3Large",
    ] = Field("residual_network", description="of fruits/models.py; or of Keras")
    weights: str | None = Field(
        None, description="what Keras's network starts from: a .h5 file or imagenet"
    )
    width: int = Field(16, ge=1, le=1024, description="channels of the first stage")
    stages: int = Field(4, ge=1, le=6, description="each half as large, twice as wide")
    dropout: Share = Field(0.2, description="of the last features")

    @property
    def is_own(self) -> bool:
        """Whether it is the network of fruits/models.py."""
        return self.name == "residual_network"


class Optimizer(Section):
    """An optimizer, with a cosine learning rate; SGD and Adam are Keras's own."""

    name: Literal[
        "Momentum",
        "NAG",
        "MomentumAdam",
        "MomentumRMSprop",
        "AggMo",
        "Muon",
        "AdEMAMix",
        "SGD",
        "Adam",
    ] = Field("Momentum", description="of keras_momentum; SGD and Adam of Keras")
    # What float32 can hold, with room for a tenth of it.
    learning_rate: float = Field(0.05, ge=1e-30, le=1e30, description="the highest one")
    warmup_epochs: float = Field(1.0, ge=0, le=10**6, description="from a tenth of it")
    momentum: float = Field(0.9, ge=0, le=1, description="gamma; beta_1 of Adam")
    schedule: Literal["constant", "nesterov"] = Field(
        "constant", description="of gamma; NesterovSequence instead of momentum"
    )
    restart_every: Count | None = Field(None, description="updates")
    weight_decay: float = Field(0.0, ge=0, description="times the learning rate")


class GammaRamp(Section):
    """keras_momentum.callbacks.GammaRamp, instead of a constant momentum."""

    initial: float = Field(0.5, ge=0, le=1, description="gamma until begin_epoch")
    final: float = Field(0.95, ge=0, le=1, description="gamma at the end")
    epochs: Count | None = Field(None, description="length; None: the whole run")
    begin_epoch: int = Field(0, ge=0, description="epoch")


class OneCycle(Section):
    """keras_momentum.callbacks.OneCycle, up to optimizer.learning_rate."""

    max_gamma: float = Field(0.95, ge=0, le=1, description="gamma at both ends")
    min_gamma: float = Field(0.85, ge=0, le=1, description="gamma at the peak")
    warmup: float = Field(0.3, ge=0, le=1, description="share of the run to the peak")


class Training(Section):
    """The run."""

    epochs: Count = Field(10, description="passes through the training pictures")
    seed: Seed = Field(0, description="of weights, order and changes")
    precision: Literal["float32", "mixed_float16", "mixed_bfloat16"] = Field(
        "float32", description="policy of Keras; mixed ones are for a GPU"
    )
    label_smoothing: Share = Field(0.0, description="share of a label spread evenly")
    class_weight: Literal["none", "balanced"] = Field(
        "none", description="of the loss; balanced: rare classes count as much"
    )
    runs_dir: FolderPath = Field("runs", description="where the folders of runs are")


class Config(Section):
    """A training run."""

    data: Data = Data()
    augmentation: Changes = Changes()
    model: Network = Network()
    optimizer: Optimizer = Optimizer()
    gamma_ramp: GammaRamp | None = None
    one_cycle: OneCycle | None = None
    training: Training = Training()

    @model_validator(mode="after")
    def _pictures_are_large_enough(self) -> Self:
        if not self.model.is_own and self.data.image_size < _LEAST_IMAGE_SIZE:
            raise ValueError(
                f"data.image_size must be at least {_LEAST_IMAGE_SIZE} for "
                f'model.name = "{self.model.name}". Received: {self.data.image_size}'
            )
        return self

    @model_validator(mode="after")
    def _gamma_can_move(self) -> Self:
        movers = [name for name in ("gamma_ramp", "one_cycle") if getattr(self, name)]
        if self.optimizer.schedule != "constant":
            movers.append("optimizer.schedule")
            if self.optimizer.name == "AdEMAMix":
                raise ValueError(
                    "optimizer.schedule must be constant for AdEMAMix, whose warm-up "
                    "begins at its momentum"
                )
        if len(movers) > 1:
            raise ValueError(f"only one of {' and '.join(movers)} can move gamma")
        if self.optimizer.restart_every:
            movers.append("optimizer.restart_every")
        if movers and self.optimizer.name in ("SGD", "Adam"):
            raise ValueError(
                f"{movers[0]} needs an optimizer of keras_momentum, and "
                f"{self.optimizer.name} is Keras's"
            )
        return self


def by_key(tables: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """The values in tables, and in tables within them, by their keys."""
    found: dict[str, Any] = {}
    for name, value in tables.items():
        if isinstance(value, Mapping):
            found |= by_key(value, f"{prefix}{name}.")
        else:
            found[prefix + name] = value
    return found
