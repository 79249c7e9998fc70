"""YAML -> `Study`: one file or a chain of `extends`, `--set` on top; every error names file, line, key."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.constructor import DuplicateKeyError
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.scalarbool import ScalarBoolean

from engine import complaint
from engine.complaint import Key
from engine.schema.study import Study
from weather.schema import InputError

EXTENDS = "extends"


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

    @contextlib.contextmanager
    def located(self) -> Iterator[None]:
        """Put file and line before an InputError that begins with a key of the study.

        A section's name alone is no such key: it might as well be the name of a file.
        """
        try:
            yield
        except InputError as error:
            key = re.match(r"climate\b|\w+(\.\w+)+", str(error))
            leaf = self.leaves.get(_key(key[0]), self.leaves.get(tuple(key[0].split(".")))) if key else None
            if leaf is None:
                raise
            raise InputError(f"{leaf.where}: {error}") from error


def load(file: Path, settings: Iterable[str] = ()) -> Loaded:
    """Read a study. settings: `key.path=value` of the command line, values in YAML.

    Raises InputError with one sentence for the first thing that is wrong.
    """
    values, leaves = _read(file, (), str(file))
    values.setdefault(
        "name", re.sub(r"^\W+|[^\w-]", "-", file.stem, flags=re.ASCII).strip("-_")[:64] or "study"
    )
    for setting in settings:
        key, value = _setting(setting)
        key = _put(values, key, value, setting)
        _drop_below(leaves, key)
        leaves[key] = Leaf(f"--set {setting}", "set on the command line")

    def where(key: Key) -> str:
        here = [leaves[key]] if key in leaves else []
        above = [leaves[key[:n]] for n in range(len(key) - 1, 0, -1) if key[:n] in leaves]
        below = [leaf for k, leaf in leaves.items() if key and k[: len(key)] == key]
        return next((leaf.where for leaf in (*here, *below, *above)), str(file))

    try:
        study = Study.model_validate(_tuples(values))
    except ValidationError as error:
        raise InputError(complaint.sentence(error, where)) from error
    return Loaded(_beside(study, leaves, file), leaves)


def _beside(study: Study, leaves: Mapping[Key, Leaf], file: Path) -> Study:
    """The study with files that stand beside the file that names them, by their whole path."""

    def near(name: str | None, key: Key, there: Callable[[Path], bool]) -> str | None:
        if name is None or there(Path(name)):
            return name
        named_in = leaves[key].where.rpartition(":")[0] if key in leaves else str(file)
        found = Path(named_in).parent / name
        return str(found) if there(found) else name

    climate = near(study.climate, ("climate",), Path.is_file)
    source = near(study.weather.file, ("weather", "file"), Path.exists)  # an ensemble may be a folder
    weather = study.weather.model_copy(update={"file": source})
    table = near(study.deal.tax.table, ("deal", "tax", "table"), Path.is_file)
    deal = study.deal.model_copy(update={"tax": study.deal.tax.model_copy(update={"table": table})})
    return study.model_copy(update={"climate": climate, "weather": weather, "deal": deal})


def schema() -> str:
    """JSON Schema of a study."""
    return json.dumps(Study.model_json_schema(), indent=2)


def _read(file: Path, seen: tuple[Path, ...], asked: str) -> tuple[dict, dict[Key, Leaf]]:
    """Plain values of a file over those that it extends, and where each leaf stands.

    seen: the files that led here. asked: who asked for this one, for the sentence.
    """
    if file.resolve() in seen:
        raise InputError(f"{asked}: leads back to itself")
    tree = _parse(file, asked)
    base = tree.get(EXTENDS)
    values: dict = {}
    leaves: dict[Key, Leaf] = {}
    if EXTENDS in tree:
        here = f"{file}:{_line(tree, EXTENDS)}: {EXTENDS}"
        if not isinstance(base, str):
            raise InputError(f"{here}: should be the name of one file (got {complaint.shown(_plain(base))})")
        values, leaves = _read(file.parent / base, (*seen, file.resolve()), f"{here}: {base}")
        del tree[EXTENDS]
    _merge(values, leaves, tree, file, ())
    return values, leaves


def _parse(file: Path, asked: str) -> CommentedMap:
    try:
        text = file.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise InputError(f"{asked}: no such file") from None
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        byte = error.object[error.start]
        raise InputError(f"{file}:{line}: is not text in UTF-8 (byte {byte:#x})") from error
    except OSError as error:
        raise InputError(f"{asked}: cannot be read ({error.strerror})") from error
    tree = _yaml(text, str(file))
    if tree is None:
        raise InputError(f"{file}: is empty; a study has keys and values, `wattbit schema` lists them")
    if not isinstance(tree, CommentedMap):
        raise InputError(f"{file}: should hold keys and values (got {complaint.shown(_plain(tree))})")
    return tree


def _yaml(text: str, where: str, lines: bool = True) -> Any:
    """YAML 1.2, every value with its line and comment."""
    try:
        return YAML(typ="rt").load(text)
    except DuplicateKeyError as error:
        key = re.search(r'found duplicate key "(.*?)"', str(error.problem))
        twice = f"{error.problem_mark.line + 1}: {key[1] if key else 'a key'}: stands twice"
        raise InputError(f"{where}:{twice} in its section") from error
    except MarkedYAMLError as error:
        line = f":{error.problem_mark.line + 1}" if error.problem_mark and lines else ""
        problem = " ".join(str(error.problem or error.context).split())
        raise InputError(f"{where}{line}: is not YAML ({problem})") from error
    except (YAMLError, ValueError, RecursionError) as error:
        raise InputError(f"{where}: is not YAML ({' '.join(str(error).split())[:80]})") from error


def _merge(
    values: dict, leaves: dict[Key, Leaf], tree: CommentedMap, file: Path, at: Key, beside: str = ""
) -> None:
    """Lay a file's tree over values and leaves. beside: the comment of a section written on one line."""
    for key, value in tree.items():
        where = f"{file}:{_line(tree, key)}"
        if not isinstance(key, str):
            name = ".".join((*map(str, at), complaint.shown(key)))
            raise InputError(f"{where}: {name}: a key should be a name (got {complaint.shown(key)})")
        here = (*at, key)
        if isinstance(value, CommentedMap):
            below = values.get(key)
            if not isinstance(below, dict):
                below = {}
                _drop_below(leaves, here)
            values[key] = below
            leaves.setdefault(here, Leaf(where, ""))
            line = _note(tree, key) or beside if value.fa.flow_style() else ""
            _merge(values[key], leaves, value, file, here, line)
        else:
            values[key] = _plain(value)
            _drop_below(leaves, here)
            leaves[here] = Leaf(where, _note(tree, key) or beside)
            for n, item in enumerate(value if isinstance(value, CommentedSeq) else ()):
                if isinstance(item, CommentedMap):
                    leaves[(*here, n)] = Leaf(f"{file}:{item.lc.line + 1}", "")
                    _merge({}, leaves, item, file, (*here, n))


def _drop_below(leaves: dict[Key, Leaf], at: Key) -> None:
    """Forget what was written below a key whose whole value another takes."""
    for key in [key for key in leaves if len(key) > len(at) and key[: len(at)] == at]:
        del leaves[key]


def _key(dotted: str) -> Key:
    """A key as it is written; what counts the items of a list is a number."""
    return tuple(int(part) if part.isdecimal() else part for part in dotted.split("."))


def _line(tree: CommentedMap, key: Any) -> int:
    """Line of a key; of its section, for a key that came with a YAML merge."""
    return (tree.lc.key(key)[0] if key in (tree.lc.data or {}) else tree.lc.line) + 1


def _plain(value: Any) -> Any:
    """Numbers, text and lists without the reader's own types; 1e6 and 25.0 are whole numbers."""
    if isinstance(value, CommentedSeq | list):
        return [_plain(v) for v in value]
    if isinstance(value, CommentedMap):
        return {k: _plain(v) for k, v in value.items()}
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, ScalarBoolean):
        return bool(value)
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)
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
    parts = tuple(key.strip().split("."))
    if not equals or not all(parts):
        raise InputError(f"--set {setting}: should be KEY=VALUE, such as battery.energy_mwh=4000")
    return parts, _plain(_yaml(text, f"--set {setting}", lines=False))


def _put(values: dict, key: Key, value: Any, setting: str) -> Key:
    """Lay a value at a key, whose numbers count the items of lists; the key with these as numbers."""
    holds: Any = values
    at: Key = ()
    for part in key[:-1]:
        here = _item(holds, at, part, setting)
        holds = holds[here] if isinstance(here, int) else holds.setdefault(here, {})
        at = (*at, here)
        if not isinstance(holds, dict | list):
            raise InputError(f"--set {setting}: {complaint.dotted(at)} is a value, not a section")
    last = _item(holds, at, key[-1], setting)
    below = holds[last] if isinstance(last, int) else holds.get(last)
    if isinstance(below, dict):
        such = complaint.dotted((*at, last, next(iter(below), "KEY")))
        raise InputError(f"--set {setting}: is a section; set its keys one by one, such as {such}")
    holds[last] = value
    return (*at, last)


def _item(holds: dict | list, at: Key, part: str | int, setting: str) -> str | int:
    """A part of a key as what holds it wants it: a name, or the number of an item."""
    if isinstance(holds, dict):
        return part
    if str(part).isdecimal() and int(part) < len(holds):
        return int(part)
    name, last = complaint.dotted(at), len(holds) - 1
    raise InputError(f"--set {setting}: {name} is a list of items 0 to {last}, such as {name}.{last}")


def _tuples(value: Any) -> Any:
    """Lists as the tuples that a frozen study holds."""
    if isinstance(value, dict):
        return {k: _tuples(v) for k, v in value.items()}
    return tuple(_tuples(v) for v in value) if isinstance(value, list) else value
