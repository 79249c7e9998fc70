"""Does streaming weather from files cost more than the larger of reading and computing?

    python benchmarks/streaming.py [--paths 512] [--years 8] [-o benchmarks/results/streaming-DEVICE.json]

Writes one ensemble of Zhongwei four ways (netCDF or Zarr, float32 or packed) and, for each, takes the
seconds of reading alone (into host memory, checked), of sending (read, laid out on the device, no
lives), of computing alone (the same lives, their weather on the device already) and of streaming (lives
on weather from the file); and the seconds of all cores together, which say what is left to gain where
computing fills them, and hardly move with what else the machine does. All are warmed up, in turn, the best
of `--rounds`. Files come from the page cache where they fit into it. The first year's reading has nothing
to overlap with: with few years it shows.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path

import jax
import numpy as np

from engine import config, devices, setup, simulate
from engine.setup import Run
from weather import ensemble, random, store, stream
from weather.ensemble import Source
from weather.generate import Weather
from weather.random import Ensemble
from weather.stream import Streamed

ROOT = Path(__file__).resolve().parents[1]
KINDS = (("float.nc", False), ("packed.nc", True), ("float.zarr", False), ("packed.zarr", True))
THRESHOLD = np.full(2, 1.5, np.float32)  # of orders; how many there are changes no time
ALLOWED = 1.3


class Held:
    """A source whose every year is the same one, on the device before anything is timed."""

    def __init__(self, year: Weather) -> None:
        self.year = year

    def years(self, paths: np.ndarray, count: int) -> Iterator[Weather]:
        """That year, `count` times."""
        for _ in range(count):
            yield self.year


def study(paths: int, years: int) -> Run:
    """Zhongwei for so many years, set up on the machine's devices."""
    settings = [f"life.years={years}", f"deal.debt.tenor_years={min(years, 15)}"]
    loaded = config.load(ROOT / "configs" / "zhongwei.yaml", settings)
    return setup.set_up(loaded.study, 1, paths, None, devices.machine())


def live(run: Run, source: Source) -> None:
    """All lives, from weather to monthly energy."""
    for index, _ in simulate.groups(run.machine, np.arange(run.paths)):
        names = random.stream(run.seed, Ensemble.RUN, index)
        market = simulate.programs(run.machine.mesh).market(run.plant, names)
        jax.block_until_ready(simulate.operate(run.machine, run.plant, THRESHOLD, source, [(names, market)]))


@contextmanager
def opened(run: Run, file: Path) -> Iterator[Streamed]:
    """The file opened afresh: netCDF keeps 64 MiB of each variable decoded while it stays open."""
    dataset, _ = stream.open_ensemble(file)
    with dataset:
        yield Streamed(dataset, str(file), run.machine.mesh, stream.lock(file))


def read(run: Run, file: Path) -> None:
    """All years into host memory, and dropped."""
    with opened(run, file) as streamed, stream.threads() as pool:
        for index, _ in simulate.groups(run.machine, np.arange(run.paths)):
            for y in range(run.study.life.years):
                for part in np.split(index, run.machine.mesh.size):
                    streamed.read(part, y, pool)


def send(run: Run, file: Path) -> None:
    """All years onto the device, and dropped."""
    with opened(run, file) as streamed:
        for index, _ in simulate.groups(run.machine, np.arange(run.paths)):
            for year in streamed.years(index, run.study.life.years):
                jax.block_until_ready(year)


def live_on(run: Run, file: Path) -> None:
    """All lives on weather from the file."""
    with opened(run, file) as streamed:
        live(run, streamed)


def seconds(work: Callable[[], None]) -> tuple[float, float]:
    """By the clock, and of all cores together."""
    began = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - began[0], time.process_time() - began[1]


def measure(run: Run, folder: Path, rounds: int) -> list[dict[str, object]]:
    """A row for each kind of file."""
    held = Held(next(iter(run.source().years(np.arange(run.machine.width), 1))))
    u = run.study.uncertainty
    frame = ensemble.describe(
        run.air.site, run.paths, run.study.life.years, u.worlds, 1, u.weather_level, "benchmark"
    )
    rows: list[dict[str, object]] = []
    for name, packed in KINDS:
        file = folder / name
        writing = seconds(
            lambda f=file, p=packed: store.write(f, held, frame, run.machine.width, lambda n: None, p)
        )
        size = sum(p.stat().st_size for p in (file, *file.rglob("*")) if p.is_file())
        rows.append({"file": name, "bytes": size, "writing_s": writing[0]})
    for row, (name, _) in zip(rows, KINDS, strict=True):
        file = folder / name
        works: dict[str, Callable[[], None]] = {
            "reading": lambda f=file: read(run, f),
            "sending": lambda f=file: send(run, f),
            "computing": lambda: live(run, held),
            "streaming": lambda f=file: live_on(run, f),
        }
        live_on(run, file)  # compiles, and fills the page cache
        taken = [{what: seconds(work) for what, work in works.items()} for _ in range(rounds)]
        for k, (unit, ratio) in enumerate((("s", "ratio"), ("cpu_s", "cpu_ratio"))):
            best: dict[str, float] = {what: min(t[what][k] for t in taken) for what in works}
            row |= {f"{what}_{unit}": value for what, value in best.items()}
            row[ratio] = best["streaming"] / max(best["reading"], best["computing"])
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--paths", type=int, default=512)
    parser.add_argument("--years", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("-o", "--out", type=Path)
    chosen = parser.parse_args()
    run = study(chosen.paths, chosen.years)
    with tempfile.TemporaryDirectory() as folder:
        rows = measure(run, Path(folder), chosen.rounds)
    times = ("writing_s", "reading_s", "sending_s", "computing_s", "streaming_s")
    print(f"{'file':>12} {'MB':>8} " + " ".join(f"{t:>12}" for t in times) + f" {'ratio':>6} {'of cores':>8}")
    for row in rows:
        line = " ".join(f"{row[t]:12.2f}" for t in times)
        print(
            f"{row['file']:>12} {row['bytes'] / 1e6:8.1f} {line} {row['ratio']:6.2f} {row['cpu_ratio']:8.2f}"
        )  # type: ignore[operator]
    device = run.machine.mesh.devices.flat[0]
    about = {
        "paths": chosen.paths,
        "years": chosen.years,
        "allowed_ratio": ALLOWED,
        "device": f"{run.machine.mesh.size} x {device.device_kind}",
        "versions": {n: metadata.version(n) for n in ("jax", "numpy", "xarray", "netCDF4", "zarr")},
        "rows": rows,
    }
    if chosen.out:
        chosen.out.write_text(json.dumps(about, indent=1) + "\n")


if __name__ == "__main__":
    main()
