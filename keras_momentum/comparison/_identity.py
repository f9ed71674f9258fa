"""What settings, functions and objects are, by value, for a comparison to remember."""

import functools
import re
import sys
import types
from collections.abc import Iterator
from importlib import metadata
from typing import Any

import keras
import numpy as np

from keras_momentum.comparison._digests import digest, digest_of_texts

# The code of these changes with their versions, which are compared, too.
_LIBRARIES = {
    *sys.stdlib_module_names,
    *("builtins", "jax", "jaxlib", "keras", "keras_momentum", "numpy", "optax"),
    *("scipy", "tensorflow", "torch"),
}


class UnknownValueError(Exception):
    """Something that can't be compared by value; its text says what."""


def identity_of(value: Any) -> str:
    """A text of 16 characters that is the same for what is the same by value.

    Arrays and tensors are compared by content; functions by their code, defaults and
    what they refer to; objects of Keras by class and configuration, other objects by
    class and attributes; a class that is not of a library by the code of its methods.

    Raises:
        UnknownValueError: If it can't be said.
    """
    return digest_of_texts(_Walk().texts(value))


def identity_or_unknown(value: Any) -> Any:
    """As `identity_of`; `{"unknown": ...}` with the reason where it can't be said."""
    try:
        return identity_of(value)
    except UnknownValueError as reason:
        return {"unknown": str(reason)}


def versions() -> str:
    """Those of what computes: another one may round in another way."""
    backend = keras.backend.backend()
    names = ("keras", backend, "numpy", "keras-momentum")
    return ", ".join(f"{name} {metadata.version(name)}" for name in names)


class _Walk:
    """A walk through a value, which may refer to itself."""

    def __init__(self) -> None:
        self._seen: dict[int, Any] = {}

    def texts(self, value: Any) -> Iterator[str]:
        """Texts that together say what a value is."""
        if value is None or isinstance(value, (bool, int, str, bytes, complex)):
            yield f"{type(value).__name__} {value!r}"
        elif isinstance(value, (float, np.floating)):
            yield f"float {float(value)!r}"
        elif id(value) in self._seen:
            yield "seen before"
        else:
            # Kept, so that no other object gets its place.
            self._seen[id(value)] = value
            yield from self._texts_of_object(value)

    def _texts_of_object(self, value: Any) -> Iterator[str]:
        if isinstance(value, dict):
            yield f"dict {len(value)}"
            for key in sorted(value, key=repr):
                yield from self._all(key, value[key])
        elif isinstance(value, (set, frozenset)):
            yield from ("set", *sorted("".join(_Walk().texts(each)) for each in value))
        elif isinstance(value, (list, tuple, range)):
            yield f"{type(value).__name__} {len(value)}"
            yield from self._all(*value)
        elif isinstance(value, keras.Variable) or hasattr(value, "__array__"):
            yield f"array {digest(keras.ops.convert_to_numpy(value), 64)}"
        elif isinstance(value, types.ModuleType):
            yield f"module {value.__name__}"
        elif isinstance(value, type):
            yield from self._class(value)
        elif isinstance(value, functools.partial):
            yield from self._all("partial", value.func, value.args, value.keywords)
        elif isinstance(value, types.MethodType):
            yield from self._all("method", value.__func__, value.__self__)
        elif isinstance(value, types.FunctionType):
            yield from self._function(value)
        elif isinstance(value, np.dtype):
            yield f"dtype {value}"
        elif isinstance(value, (types.BuiltinFunctionType, np.ufunc)):
            yield f"built-in {value.__name__}"
        elif isinstance(value, re.Pattern):
            yield repr(value)
        else:
            yield from self._instance(value)

    def _all(self, *values: Any) -> Iterator[str]:
        for value in values:
            yield from self.texts(value)

    def _function(self, function: Any) -> Iterator[str]:
        yield f"function {function.__qualname__}"
        if _is_of_library(function):
            yield function.__module__
            return
        yield from self._code(function.__code__)
        yield from self._all(function.__defaults__, function.__kwdefaults__)
        for name in sorted(_names_in(function.__code__)):
            if name in function.__globals__:
                yield from self._all(name, function.__globals__[name])
        for cell in function.__closure__ or ():
            try:
                yield from self.texts(cell.cell_contents)
            except ValueError:
                yield "empty cell"

    def _code(self, code: types.CodeType) -> Iterator[str]:
        yield f"code {code.co_code.hex()} {code.co_names} {code.co_varnames}"
        for constant in code.co_consts:
            if isinstance(constant, types.CodeType):
                yield from self._code(constant)
            else:
                yield from self.texts(constant)

    def _class(self, kind: type) -> Iterator[str]:
        yield f"class {kind.__module__}.{kind.__qualname__}"
        if _is_of_library(kind):
            return
        yield from self._all(*kind.__bases__)
        for name, member in sorted(vars(kind).items()):
            if name in ("__dict__", "__weakref__", "__doc__", "__module__"):
                continue
            if name.startswith(_ADDED):
                continue
            if isinstance(member, (staticmethod, classmethod)):
                member = member.__func__
            if isinstance(member, property):
                member = (member.fget, member.fset)
            if not isinstance(member, (types.MemberDescriptorType, _Wrapper)):
                yield from self._all(name, member)

    def _instance(self, value: Any) -> Iterator[str]:
        yield from self._class(type(value))
        yield from self.texts(_state_of(value))


# What Python and its library add to a class, some of it later.
_ADDED = ("__annot", "__static", "__firstlineno", "__slotnames", "_abc_")
_Wrapper = types.WrapperDescriptorType | types.GetSetDescriptorType


def _state_of(value: Any) -> Any:
    """What an object consists of beside its class."""
    if isinstance(value, keras.callbacks.Callback):
        return _plain(vars(value))
    if hasattr(value, "get_config"):
        try:
            config = _plain(value.get_config())
        except NotImplementedError:
            pass
        else:
            return config, beside_config(value)
    kind = type(value)
    attributes = getattr(value, "__dict__", None)
    if attributes is None or (_is_of_library(kind) and not _is_of_keras(kind)):
        raise UnknownValueError(f"{kind.__module__}.{kind.__qualname__}")
    return attributes


def beside_config(value: Any) -> list[Any]:
    """What a configuration leaves out: it has of a function no more than its name.

    And of some losses none of what they hand on.
    """
    return [
        each
        for key, each in getattr(value, "__dict__", {}).items()
        if isinstance(each, types.FunctionType) or key.endswith("fn_kwargs")
    ]


def _plain(config: Any) -> Any:
    """Without what counts up in a process, or belongs to a training."""
    if isinstance(config, dict):
        return {
            key: _plain(value)
            for key, value in config.items()
            if key not in ("name", "shared_object_id", "_model", "_params")
        }
    if isinstance(config, (list, tuple)):
        return [_plain(value) for value in config]
    return config


def _is_of_keras(kind: type) -> bool:
    return kind.__module__.split(".")[0] in ("keras", "keras_momentum")


def _names_in(code: types.CodeType) -> set[str]:
    """The names to which a function and the functions in it refer."""
    found = set(code.co_names)
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            found |= _names_in(constant)
    return found


def _is_of_library(thing: Any) -> bool:
    return (thing.__module__ or "").split(".")[0] in _LIBRARIES
