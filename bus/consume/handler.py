"""A user's handler: what it wants to be given, and calling it."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from dataclasses import is_dataclass
from typing import Any, get_type_hints

from pydantic import BaseModel, TypeAdapter, ValidationError

from bus.errors import DecodeError, TierbusError
from bus.message import Message

Handler = Callable[..., Any]
Call = Callable[[Any, Message], Awaitable[Any] | None]
Convert = Callable[[Any], Any]


def prepare(handler: Handler) -> tuple[Call, Convert | None]:
    """How to call a handler, and how to make what it wants of the data.

    A handler takes `(data)` or `(data, message)`, as a coroutine or a plain function. When the first argument is
    annotated with a pydantic model or a dataclass, it is given one.

    Raises:
        TypeError: It takes no argument, or more than two.
    """
    parameters = [
        parameter
        for parameter in inspect.signature(handler).parameters.values()
        if parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD, parameter.VAR_POSITIONAL)
    ]
    required = [p for p in parameters if p.default is p.empty and p.kind is not p.VAR_POSITIONAL]
    takes_all = any(p.kind is p.VAR_POSITIONAL for p in parameters)
    name = getattr(handler, "__qualname__", repr(handler))
    if len(required) > 2 or not parameters:
        raise TypeError(f"handler {name} must take (data) or (data, message), not {len(required)} arguments")
    convert = _converter(handler, parameters[0].name)
    if len(parameters) >= 2 or takes_all:
        return handler, convert
    return lambda data, message: handler(data), convert


def _converter(handler: Handler, parameter: str) -> Convert | None:
    try:
        wanted = get_type_hints(handler).get(parameter)
    except (NameError, TypeError):
        return None  # an annotation that cannot be resolved here asks for nothing
    if isinstance(wanted, type) and (issubclass(wanted, BaseModel) or is_dataclass(wanted)):
        return TypeAdapter(wanted).validate_python
    return None


def converted(convert: Convert, data: Any, message: Message) -> Any:
    """The data as the handler's type.

    Raises:
        DecodeError: It does not fit.
    """
    try:
        return convert(data)
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}"
            for fault in error.errors(include_url=False, include_input=False)
        )
        raise DecodeError(
            f"{message.topic}@{message.id} does not fit the handler's {error.title}: {faults}", message.raw
        ) from error


def failure_reason(error: BaseException) -> str:
    """One line about what a handler raised."""
    return str(error) if isinstance(error, TierbusError) else f"{type(error).__name__}: {error}"
