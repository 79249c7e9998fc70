"""YAML -> `Study`: one file or a chain of `extends`, `--set` on top; every error names file, line, key."""

from __future__ import annotations

import dataclasses
import difflib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import YAMLError

from engine.study import Study
from weather.schema import InputError

EXTENDS = "extends"
Key = tuple[str | int, ...]


@dataclasses.dataclass(frozen=True)
class Leaf:
    """Where a value of a study was written, and the comment beside it."""

    where: str
    note: str


@dataclasses.dataclass(frozen=True)
class Loaded:
    """A study, and for each key that a file or `--set` gave, where it stands."""

    study: Study
    leaves: Mapping[Key, Leaf]


def load(file: Path, settings: Iterable[str] = ()) -> Loaded:
    """Read a study. settings: `key.path=value` of the command line, values in YAML.

    Raises InputError with one sentence for the first thing that is wrong.
    """
    values, leaves = _read(file, ())
    for setting in settings:
        key, value = _setting(setting)
        _put(values, key, value, setting)
        leaves[key] = Leaf(f"--set {setting}", "set on the command line")
    try:
        return Loaded(Study.model_validate(_tuples(values)), leaves)
    except ValidationError as error:
        raise InputError(_sentence(error, leaves, file)) from error


def schema() -> str:
    """JSON Schema of a study."""
    return json.dumps(Study.model_json_schema(), indent=2)


def _read(file: Path, seen: tuple[Path, ...]) -> tuple[dict, dict[Key, Leaf]]:
    """Plain values of a file over those that it extends, and where each leaf stands."""
    if file.resolve() in seen:
        raise InputError(f"{file}: extends itself ({' -> '.join(p.name for p in seen)})")
    tree = _parse(file)
    base = tree.pop(EXTENDS, None)
    values: dict = {}
    leaves: dict[Key, Leaf] = {}
    if base is not None:
        if not isinstance(base, str):
            raise InputError(f"{file}: {EXTENDS}: should be the name of a file (got {base!r})")
        values, leaves = _read(file.parent / base, (*seen, file.resolve()))
    _merge(values, leaves, tree, file, ())
    return values, leaves


def _parse(file: Path) -> CommentedMap:
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise InputError(f"{file}: no such study") from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{file}: cannot be read ({error})") from error
    try:
        tree = YAML(typ="rt").load(text)
    except YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark else ""
        raise InputError(f"{file}{line}: is not YAML ({getattr(error, 'problem', error)})") from error
    if not isinstance(tree, CommentedMap):
        raise InputError(f"{file}: should hold keys and values (got {type(tree).__name__})")
    return tree


def _merge(values: dict, leaves: dict[Key, Leaf], tree: CommentedMap, file: Path, at: Key) -> None:
    for key, value in tree.items():
        here = (*at, key)
        where = f"{file}:{tree.lc.key(key)[0] + 1}"
        if isinstance(value, CommentedMap):
            below = values.get(key)
            values[key] = below if isinstance(below, dict) else {}
            leaves.setdefault(here, Leaf(where, ""))
            _merge(values[key], leaves, value, file, here)
        else:
            values[key] = _plain(value)
            leaves[here] = Leaf(where, _note(tree, key))


def _plain(value: Any) -> Any:
    """Numbers, text and lists without the reader's own types."""
    if isinstance(value, CommentedSeq):
        return [_plain(v) for v in value]
    if isinstance(value, bool) or value is None:
        return value
    for kind in (int, float, str):
        if isinstance(value, kind):
            return kind(value)
    return value


def _note(tree: CommentedMap, key: Any) -> str:
    """The comment that follows a value on its line."""
    tokens = tree.ca.items.get(key, [])
    texts = [t.value for t in tokens if t is not None and not isinstance(t, list)]
    return texts[0].split("\n")[0].lstrip("# ").strip() if texts else ""


def _setting(setting: str) -> tuple[Key, Any]:
    key, equals, text = setting.partition("=")
    if not equals or not key.strip():
        raise InputError(f"--set {setting}: should be KEY=VALUE, such as battery.energy_mwh=4000")
    try:
        value = YAML(typ="safe").load(text)
    except YAMLError as error:
        raise InputError(f"--set {setting}: the value is not YAML") from error
    return tuple(key.strip().split(".")), value


def _put(values: dict, key: Key, value: Any, setting: str) -> None:
    for part in key[:-1]:
        values = values.setdefault(part, {})
        if not isinstance(values, dict):
            raise InputError(f"--set {setting}: {part} is a value, not a section")
    values[key[-1]] = value


def _tuples(value: Any) -> Any:
    """Lists as the tuples that a frozen study holds; whole numbers stay whole."""
    if isinstance(value, dict):
        return {k: _tuples(v) for k, v in value.items()}
    return tuple(_tuples(v) for v in value) if isinstance(value, list) else value


def _sentence(error: ValidationError, leaves: Mapping[Key, Leaf], file: Path) -> str:
    """The first problem, with its file, line and key, what was found and what was wanted."""
    problems = error.errors()
    first = min(problems, key=lambda p: p["type"] != "extra_forbidden")  # a wrong key explains a missing one
    key: Key = tuple(first["loc"])
    where = next((leaves[key[:n]].where for n in range(len(key), 0, -1) if key[:n] in leaves), str(file))
    name = ".".join(str(k + 1) if isinstance(k, int) else k for k in key)
    prefix = f"{where}: {name}: " if name else f"{where}: "
    if first["type"] == "extra_forbidden":
        return f"{prefix}unknown key{_nearest(key)}"
    if first["type"] == "missing":
        return f"{prefix}is missing"
    if first["type"] == "value_error":
        return prefix + str(first["ctx"]["error"])
    message = first["msg"].removeprefix("Input ").removeprefix("should ")
    return f"{prefix}should {message} (got {first['input']!r})"


def _nearest(key: Key) -> str:
    section = _section(key[:-1])
    names = list(section.model_fields) if section else []
    close = difflib.get_close_matches(str(key[-1]), names, 1, cutoff=0.4)
    if close:
        return f"; the nearest known one is {close[0]}"
    return f"; known ones are {', '.join(names)}" if names else ""


def _section(key: Key) -> type[BaseModel] | None:
    """The section of the schema at a key."""
    model: Any = Study
    for part in key:
        field = (
            model.model_fields.get(part) if isinstance(model, type) and issubclass(model, BaseModel) else None
        )
        if field is None:
            return None
        kinds = (field.annotation, *get_args(field.annotation))
        model = next((k for k in kinds if isinstance(k, type) and issubclass(k, BaseModel)), None)
    return model
