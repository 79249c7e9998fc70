"""What is wrong with a study, in one sentence: file, line, key, what was found and what was wanted."""

from __future__ import annotations

import datetime
import difflib
import re
from collections.abc import Callable, Iterator
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from engine.schema.base import ONE, SEVERAL
from engine.schema.study import Study

Key = tuple[str | int, ...]
Where = Callable[[Key], str]

_WANTED = {  # pydantic's kind of error -> what was wanted, where its own words are not an analyst's
    "model_type": "a section of keys and values",
    "dict_type": "a section of keys and values",
    "tuple_type": "a list of numbers, such as [0.4, 0.6]",
    "float_type": "a number",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "string_type": "text",
    "bool_type": "true or false",
    "finite_number": "a finite number",
}
_PATTERN = "should hold letters, digits, _ and - only, and begin with a letter or digit"
_WORDS = {"name": _PATTERN, "currency": "should be three capitals, such as CNY"}


def sentence(error: ValidationError, where: Where) -> str:
    """The first problem of a study. where: a key -> the file and line that it was written at.

    A wrong key comes first, for it explains a missing one.
    """
    problems = error.errors(include_url=False)
    first = min(problems, key=lambda p: p["type"] != "extra_forbidden")
    context = first.get("ctx", {})
    at: Key = tuple(k for k in first["loc"] if k not in (ONE, SEVERAL))
    key: Key = at + tuple(str(context.get("key", "")).split(".") if "key" in context else ())
    names = key
    while names and isinstance(names[-1], int):
        names = names[:-1]
    told = _told(dict(first), names)
    if names != key:
        told = f"item {int(key[len(names)]) + 1} {told}"
    return f"{where(key)}: {dotted(names)}: {told}" if names else f"{where(())}: {told}"


def dotted(key: Key) -> str:
    """A key as it is written after `--set`; items of lists count from 0."""
    return ".".join(map(str, key))


def shown(value: Any) -> str:
    """A value as its writer knows it."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return "a section"
    if isinstance(value, list | tuple):
        text = f"[{', '.join(shown(v) for v in value)}]"
    elif isinstance(value, int | float) and abs(value) < 1e15:
        text = f"{value:.12g}"
    elif isinstance(value, datetime.date):
        text = value.isoformat()
    else:
        text = repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= 60 else text[:57] + "..."


def unknown(key: Key) -> str:
    """That a key is not known: where it belongs, or the nearest one, or all there are."""
    section = _section(key[:-1])
    names = list(section.model_fields) if section else []
    last = str(key[-1])
    elsewhere = [".".join((*at, name)) for at, name in _leaves(Study) if name == last]
    if elsewhere:
        return f"unknown key here; {' or '.join(elsewhere[:3])} is known"
    close = difflib.get_close_matches(last, names, 1, cutoff=0.5)
    if close:
        return f"unknown key; the nearest known one is {close[0]}"
    return f"unknown key; known ones are {', '.join(names)}" if names else "unknown key"


def _told(problem: dict[str, Any], names: Key) -> str:
    kind, value = problem["type"], problem["input"]
    if kind == "extra_forbidden":
        return unknown(names)
    if kind == "missing":
        about = _description(names)
        return f"is missing ({about})" if about else "is missing"
    if kind == "contradiction":
        return str(problem["ctx"]["sentence"])
    if kind == "too_short":
        least = problem["ctx"]["min_length"]
        return f"should hold at least {least} number{'s' * (least > 1)} (got {shown(value)})"
    if kind == "string_pattern_mismatch":
        return f"{_WORDS.get(str(names[-1]), problem['msg'])} (got {shown(value)})"
    if kind in _WANTED:
        return f"should be {_WANTED[kind]} (got {shown(value)}){_hint(kind, names, value)}"
    words = re.sub(r"^(Input|String|Tuple|Value) should ", "should ", problem["msg"])
    return f"{words} (got {shown(value)}){_hint(kind, names, value)}"


def _hint(kind: str, names: Key, value: Any) -> str:
    """What a mistake of units or of writing looks like."""
    text = value if isinstance(value, str) else ""
    number = re.fullmatch(r"\s*([-+]?[\d.,_]+)\s*([^\d\s].*)?", text)
    percent = None
    if re.fullmatch(r"\s*\d+(\.\d+)?\s*%", text):
        percent = float(text.rstrip("% "))
    elif kind in ("less_than", "less_than_equal") and isinstance(value, int | float):
        percent = float(value)
    if percent is not None and 1.0 <= percent <= 100.0 and "_frac" in str(names[-1]):
        return f"; fractions run from 0 to 1, {percent:g} % is {percent / 100:g}"
    if number and kind == "float_type" and number[2] and number[2] != "%":
        return "; the unit stands in the key's name, not in the value"
    if number and kind == "float_type" and "," in number[1]:
        return "; numbers are written without commas"
    return ""


def _description(names: Key) -> str:
    section = _section(names[:-1])
    field = section.model_fields.get(str(names[-1])) if section else None
    return (field.description or "") if field else ""


def _leaves(model: type[BaseModel], at: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str]]:
    """Every key below the schema: its sections and its name."""
    for name, field in model.model_fields.items():
        yield at, name
        below = _model(field.annotation)
        if below:
            yield from _leaves(below, (*at, name))


def _section(key: Key) -> type[BaseModel] | None:
    """The section of the schema at a key."""
    model: type[BaseModel] | None = Study
    for part in key:
        if isinstance(part, int):  # of a list of sections that are alike
            continue
        field = model.model_fields.get(part) if model else None
        model = _model(field.annotation) if field else None
    return model


def _model(annotation: Any) -> type[BaseModel] | None:
    """The section that a key holds, or each item of its list."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next(filter(None, map(_model, get_args(annotation))), None)
