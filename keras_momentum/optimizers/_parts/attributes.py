"""Attributes that can be set, and those that would be set in vain."""

import difflib
import functools
from typing import Any

# Of Keras, which sets them itself.
_OF_KERAS = ("built", "name", "loss_scale_factor")


def seal_after(optimizer_class: type) -> None:
    """Lets an optimizer be sealed when the outermost of its constructors is done."""
    construct = optimizer_class.__init__  # type: ignore[misc]

    @functools.wraps(construct)
    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:  # noqa: N807
        state = vars(self)
        is_outermost = not state.get("_is_being_made", False)
        state["_is_being_made"] = True
        construct(self, *args, **kwargs)
        if is_outermost:
            state["_is_being_made"] = False
            state["_is_sealed"] = True

    optimizer_class.__init__ = __init__  # type: ignore[misc]


def check_attribute(optimizer: Any, name: str, value: Any) -> None:
    """Checks that setting an attribute has an effect.

    What moves is a property of the class. Other arguments of a formula are given to its
    constructor; those of Keras's are constants of the compiled step, which can be set
    until the optimizer is built.

    Raises:
        AttributeError: If it would be set in vain.
    """
    if name.startswith("_") or name in _OF_KERAS or "_is_sealed" not in vars(optimizer):
        return
    kind = type(optimizer)
    found = getattr(kind, name, None)
    if isinstance(found, property) and found.fset is None:
        raise AttributeError(
            f"`{name}` of {kind.__name__} can only be read; what the constructor takes "
            f"is given to it. Received: {name}={value!r}"
        )
    if hasattr(found, "__set__"):
        return
    if name not in vars(optimizer):
        names = {each for each in (*vars(optimizer), *dir(kind)) if each[0] != "_"}
        near = difflib.get_close_matches(name, names, n=1)
        hint = f"; did you mean `{near[0]}`?" if near else "."
        raise AttributeError(
            f"{kind.__name__} has no attribute `{name}` that can be set{hint} "
            f"Received: {name}={value!r}"
        )
    if vars(optimizer)[name] is value:
        return
    if name in optimizer.argument_names:
        raise AttributeError(
            f"`{name}` of {kind.__name__} can't be changed, as the formula depends on "
            f"it; give it to the constructor. Received: {name}={value!r}"
        )
    if optimizer.built:
        raise AttributeError(
            f"`{name}` of {kind.__name__} can't be changed once the optimizer is "
            "built: it is a constant of the compiled step; give it to the constructor. "
            f"Received: {name}={value!r}"
        )
