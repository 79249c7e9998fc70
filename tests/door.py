"""wattbit called as a user would, and what must hold whenever it refuses: for the tests of the door."""

from __future__ import annotations

import contextlib
import io
import re
import shlex
import sys
from pathlib import Path
from typing import NamedTuple

from engine import cli
from tests.door_studies import HEAD

CONFIGS = Path(__file__).parents[1] / "configs"


class Said(NamedTuple):
    """What a command left: exit code, standard output, standard error."""

    code: int
    out: str
    err: str


def call(arguments: str) -> Said:
    """`wattbit ARGUMENTS` in this process."""
    held, sys.argv = sys.argv, ["wattbit", *shlex.split(arguments)]
    code, out, err = 0, io.StringIO(), io.StringIO()
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            cli.main()
    except SystemExit as left:
        code = int(left.code or 0)
    finally:
        sys.argv = held
    return Said(code, out.getvalue(), err.getvalue())


def study(text: str | bytes = "+") -> Path:
    """`study.yaml` of a text; `+` leads one that comes after the small good study."""
    file = Path("study.yaml")
    if isinstance(text, str):
        text = HEAD + text[1:] if text.startswith("+") else text
        text = text.replace("~", str(CONFIGS)).encode()
    file.write_bytes(text)
    return file


def refuses(arguments: str, sentence: str, code: int = 2) -> None:
    """One line of that sentence, that exit code, no traceback, nothing half-written."""
    said = call(arguments)
    lines = [line for line in said.err.splitlines() if line.strip() and "path-years" not in line]
    wanted = "study.yaml" + sentence[1:] if sentence.startswith("@") else sentence
    pattern = re.escape(wanted.replace("~", str(CONFIGS))).replace(r"\*", ".*")
    assert len(lines) == 1, said.err
    assert re.fullmatch(f"wattbit: {pattern}", lines[0]), f"\n{lines[0]}\nwanted\nwattbit: {wanted}"
    assert said.code == code
    nothing_half_written()


def nothing_half_written(where: Path = Path(".")) -> None:
    assert not [p for p in where.rglob("*") if ".part" in p.name]


def identity(case: object) -> str:
    """A short name of a case for pytest."""
    return re.sub(r"[^A-Za-z0-9]+", "-", str(case))[:40].strip("-")
