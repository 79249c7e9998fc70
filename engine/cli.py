"""The command line: parse, call, print. Exit codes: 0 done, 2 the input is wrong, 1 ours, 130 Ctrl-C."""

from __future__ import annotations

import os
import re
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, NoReturn

import typer

from engine import cli_check, cli_records

if TYPE_CHECKING:
    from engine.compose import Progress

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
weather_app = typer.Typer(no_args_is_help=True, help="Records, climates and ensembles of weather.")
app.add_typer(weather_app, name="weather")
cli_records.add(weather_app)
cli_check.add(weather_app)

Out = Annotated[Path | None, typer.Option("--out", help="Folder to make; default runs/<study>-<digest>.")]
Seed = Annotated[int, typer.Option(min=0, max=2**63 - 1, help="Another seed, other lives.")]
LINE_EVERY_S = 10.0  # between lines of progress where there is no terminal
USAGE: Any = typer.BadParameter.__base__  # the UsageError of whichever click typer carries


def main() -> None:
    """Run the command; say in one sentence what was wrong."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a cluster's way to say Ctrl-C
    try:
        if app(standalone_mode=False) == 130:
            raise KeyboardInterrupt
        sys.stdout.flush()
    except (KeyboardInterrupt, typer.Abort):
        _leave("stopped; nothing half-written is left", 130)
    except BrokenPipeError:  # `wattbit ... | head`: the reader has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        sys.exit(0)
    except USAGE as error:
        _usage(error)
    except Exception as error:
        from weather.schema import InputError

        if isinstance(error, InputError):
            _leave(str(error), 2)
        if isinstance(error, MemoryError) or "RESOURCE_EXHAUSTED" in str(error):
            _leave("out of memory; --tiles 1 takes the least", 1)
        if os.environ.get("WATTBIT_TRACEBACK"):
            raise
        _leave(f"{type(error).__name__}: {error} (ours; WATTBIT_TRACEBACK=1 shows where)", 1)


def _usage(error: Exception) -> None:
    """The parser's complaint in our form: the option, what was wanted; without arguments, the help."""
    text = error.format_message()  # type: ignore[attr-defined]
    if not text or text.startswith("Usage"):
        print(text, end="", file=sys.stderr)  # empty where the help has been printed already
        sys.exit(2)
    text = re.sub(r"^Invalid value for ('.*?'(?: \(env var: .*?\))?): (Input )?", r"\1: ", text)
    text = text.replace(": Value error, ", ": ")
    text = re.sub(r", unable to parse string as an? \w+", "", text)
    _leave(text.replace("'", "").rstrip("."), 2)


def _leave(sentence: str, code: int) -> NoReturn:
    print(f"wattbit: {sentence}", file=sys.stderr)
    sys.exit(code)


@app.command()
def run(
    config: Annotated[Path, typer.Argument(help="A study, YAML.")],
    paths: Annotated[
        int, typer.Option(min=1, max=2**31, envvar="WATTBIT_PATHS", help="Lives to draw.")
    ] = 1000,
    seed: Seed = 1,
    out: Out = None,
    settings: Annotated[list[str] | None, typer.Option("--set", help="KEY=VALUE over the study.")] = None,
    weather: Annotated[Path | None, typer.Option(help="An ensemble instead of drawn weather.")] = None,
    library: Annotated[
        int | None,
        typer.Option(min=1, metavar="YEARS", help="Draw lives from a library of that many weather years."),
    ] = None,
    route: Annotated[
        str | None,
        typer.Option(help="materialised, fused or pallas: programs for the same lives."),
    ] = None,
    keep: Annotated[
        Literal["all", "page"],
        typer.Option(help="Outcomes of a path to keep: all, or what summary and report are made of."),
    ] = "all",
    check: Annotated[bool, typer.Option("--check", help="Fail unless energy and cash close.")] = False,
    tiles: Annotated[int | None, typer.Option(min=1, help="Tiles in flight; changes no number.")] = None,
) -> None:
    """Draw the lives of a project; write results, manifest and report; print the summary."""
    from engine import config as configs
    from engine import session

    loaded = configs.load(config, settings or [])
    with _progress() as progress:
        done = session.run(
            loaded,
            paths,
            seed,
            out,
            weather=weather,
            library=library,
            route=route,
            keep=keep,
            check=check,
            tiles=tiles,
            progress=progress,
        )
    _show(done.folder, done.already)


@app.command()
def replay(
    folder: Annotated[Path, typer.Argument(help="A run folder.")],
    path: Annotated[int, typer.Option(min=0, help="Which life.")],
    year: Annotated[int | None, typer.Option(min=1, help="Operating year to write hour by hour.")] = None,
) -> None:
    """Live one path again: its yearly numbers, exactly, and one year hour by hour."""
    from engine import session
    from engine.report import terminal

    with _progress() as progress:
        again = session.replay(folder, path, year, progress)
    terminal.show_path(again.yearly, again.same)
    print(f"hours of year {again.hours.attrs['year']}: {again.file}")
    if not again.same:
        _leave(f"path {path} came out otherwise than in the run", 1)


@app.command()
def schema() -> None:
    """Print the JSON Schema of a study."""
    from engine import config as configs

    print(configs.schema())


def _show(folder: Path, already: bool) -> None:
    from engine import results
    from engine.report import terminal

    if already:
        print(f"{folder}: already complete")
    found, manifest = results.read(folder)
    terminal.show(found, manifest)
    print(f"report: {folder / 'report.html'}")


@contextmanager
def _progress() -> Iterator[Progress]:
    """A bar with rate and time left for each stage; a line now and then where there is no terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description:>12}"),
        BarColumn(),
        TextColumn("{task.completed:,.0f}/{task.total:,.0f} {task.fields[unit]}"),
        TextColumn("{task.fields[rate]}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    if not console.is_terminal:
        yield _lines
        return
    with Progress(*columns, console=console) as bar:
        tasks: dict[str, tuple[int, float]] = {}

        def report(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = bar.add_task(what, total=total, unit="path-years", rate=""), time.monotonic()  # type: ignore[assignment]
            task, since = tasks[what]
            took = time.monotonic() - since
            rate = f"{done / took:,.0f}/s" if done and took > 0 else ""
            bar.update(task, completed=done, rate=rate)  # type: ignore[arg-type]

        yield report


_said: dict[str, tuple[float, float]] = {}  # of a stage: when it began, when it was last told


def _lines(what: str, done: int, total: int) -> None:
    now = time.monotonic()
    began, last = _said.setdefault(what, (now, now))
    if done < total and (not done or now - last < LINE_EVERY_S):
        return
    _said[what] = began, now
    rate = done / max(now - began, 1e-9)
    left = f", {(total - done) / rate:,.0f} s left" if done < total else ""
    print(f"{what}: {done:,} of {total:,} path-years, {rate:,.0f}/s{left}", file=sys.stderr)


@weather_app.command()
def sample(
    name: Annotated[str, typer.Argument(metavar="CLIMATE", help="A shipped climate or a file.")],
    paths: Annotated[int, typer.Option(min=1, help="Paths to draw.")],
    years: Annotated[int, typer.Option(min=1, max=60, help="Years of each.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="Ensemble to write, .nc or .zarr.")],
    seed: Seed = 1,
    worlds: Annotated[int, typer.Option(min=2, help="Paths in one world share the long-term level.")] = 100,
    level: Annotated[float, typer.Option(min=0.0, help="Multiplies the climate's own level_sd.")] = 1.0,
    packed: Annotated[bool, typer.Option("--packed", help="int16, half the size or less.")] = False,
    first_year: Annotated[
        int | None, typer.Option(min=2000, max=2100, help="Of operation; default the year after the record.")
    ] = None,
    beam: Annotated[bool, typer.Option("--beam", help="DNI and DHI as well, from ghi by Erbs.")] = False,
) -> None:
    """Draw an ensemble of weather and write it as netCDF or Zarr; `run --weather` reads it."""
    from engine import session

    with _progress() as progress:
        session.sample(name, paths, years, out, seed, worlds, level, packed, progress, first_year, beam)
    print(f"{paths} paths of {years} years: {out}")


if __name__ == "__main__":
    main()
