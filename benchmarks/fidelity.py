"""How like years that nobody has fitted are those that we draw?

    python benchmarks/fidelity.py [DATA_FOLDER] [--tiny] [-o benchmarks/results/fidelity.json]

Some years of a real record are fitted, years are drawn, and `weather.fidelity` compares them with the other
years: a ratio of 1 is as near as the training years themselves. Beside ours stand a plain AR(1) with a
diurnal cycle and the training years' own blocks (`benchmarks.contenders`). `attainable` is what ours comes
to where the record is a draw of our own fitted model, as long as the real one, cut and refitted in the same
way: no misfit of the model's form is left in it, only what so few years cannot tell. `at most` is the
highest of those draws.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
import time
from collections import defaultdict
from importlib import metadata
from pathlib import Path

import jax
import numpy as np

from benchmarks import contenders, realyears
from benchmarks.contenders import METHODS
from benchmarks.realyears import DATA, ROOT, Group
from weather import fidelity, tally
from weather.fidelity import Split
from weather.schema import InputError
from weather.tally import Key, Tally

GOOD, BAD = 1.3, 2.0
OURS = "wattbit"


def drawn(
    group: Group, method: str, used: list[int], count: int, seed: int, years: tally.Years
) -> tally.Years:
    """Years of a contender fitted to some of these."""
    return METHODS[method](group, {n: x[used] for n, x in years.items()}, count, seed)


def judge(
    group: Group, hours: tally.Years, cut: list[Split], methods: list[str], count: int
) -> dict[str, list[fidelity.Ratio]]:
    """Ratios of each contender, all fitted to the same parts of the same years."""
    real = group.judged(hours)
    known, plant = tally.norms(real), contenders.plant(group)
    record = tally.tally(real, known, plant)
    found = {}
    for method in methods:
        tallies: list[Tally] = []
        for seed, (used, _) in enumerate(cut):
            years = group.judged(drawn(group, method, used, count, seed, hours))
            tallies.append(tally.tally(years, known, plant))
        found[method] = fidelity.ratios(record, cut, tallies)
    return found


def attainable(group: Group, draws: int, cuts: int, count: int) -> dict[Key, tuple[float, float]]:
    """(pooled, highest) ratio of ours where the record is a draw of ours."""
    n = group.years
    everything = drawn(group, OURS, list(range(n)), draws * n, 1000, group.hours)
    lines = defaultdict(list)
    for k in range(draws):
        part = {name: x[k * n : (k + 1) * n] for name, x in everything.items()}
        cut = fidelity.splits(n, group.training, cuts, seed=k)
        try:
            found = judge(group, part, cut, [OURS], count)[OURS]
        except ValueError as error:  # of a draw that cannot be fitted
            print(f"{group.name}: draw {k} left out ({error})", file=sys.stderr)
            continue
        for line in found:
            lines[line.key].append(line)
    return {
        key: (sum(x.generated for x in of) / sum(x.real for x in of), max(x.ratio for x in of))
        for key, of in lines.items()
    }


def table(group: Group, most: int, draws: int, cuts: int, count: int) -> list[dict[str, object]]:
    """A line for each statistic, variable and season."""
    cut = fidelity.splits(group.years, group.training, most)
    found = judge(group, group.hours, cut, list(METHODS), count)
    reach = attainable(group, draws, cuts, count)
    by_key = {name: {line.key: line.ratio for line in lines} for name, lines in found.items()}
    return [
        {
            "group": group.name,
            **line.key._asdict(),
            "real": _round(line.real),
            **{name: _round(by_key[name].get(line.key)) for name in METHODS},
            "attainable": _round(reach.get(line.key, (None, None))[0]),
            "at_most": _round(reach.get(line.key, (None, None))[1]),
        }
        for line in found[OURS]
    ]


def _round(x: float | None) -> float | None:
    return None if x is None else round(float(x), 3)


def summary(lines: list[dict], column: str) -> dict[str, float]:
    """Median, share of `GOOD` or better, largest."""
    x = np.array([line[column] for line in lines if line[column] is not None], float)
    return {
        "statistics": x.size,
        "median": _round(np.median(x)),
        "share_good": _round(np.mean(x <= GOOD)),
        "max": _round(x.max()),
    }


def show(lines: list[dict]) -> None:
    """Print the table of a group: median and worst season of each statistic and variable."""
    columns = [*METHODS, "attainable"]
    by = defaultdict(list)
    for line in lines:
        by[line["statistic"], line["subject"]].append(line)
    print(f"\n{lines[0]['group']:54}" + "".join(f"{c:>14}" for c in columns) + f"{'at most':>9}")
    for (statistic, subject), some in by.items():
        cells = []
        for c in columns:
            x = [line[c] for line in some if line[c] is not None]
            cells.append(f"{np.median(x):6.2f} {max(x):6.2f}" if x else "")
        high = max((line["at_most"] for line in some if line["at_most"] is not None), default=float("nan"))
        print(f"  {statistic:28}{subject:24}" + "".join(f"{c:>14}" for c in cells) + f"{high:9.2f}")
    for c in columns:
        s = summary(lines, c)
        print(
            f"  {c:12} median {s['median']:.2f}, {100 * s['share_good']:.0f} % at {GOOD:g} or less, "
            f"max {s['max']:.2f} ({s['statistics']} statistics)"
        )


def main(arguments: list[str]) -> None:
    """Judge all groups; print tables, write JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", nargs="?", type=Path, default=DATA)
    parser.add_argument("--tiny", action="store_true", help="made-up years, few of everything")
    parser.add_argument("--only", help="one group, by the beginning of its name")
    parser.add_argument("-o", "--out", type=Path)
    given = parser.parse_args(arguments)
    start = time.perf_counter()
    groups = [realyears.made_up()] if given.tiny else realyears.groups(given.data)
    sizes = (2, 1, 1, 12) if given.tiny else (10, 5, 3, 256)
    lines, summaries = [], {}
    for group in groups:
        if given.only and not group.name.lower().startswith(given.only.lower()):
            continue
        found = table(group, *sizes)
        show(found)
        lines += found
        summaries[group.name] = {
            "years": [group.training, group.years - group.training],
            **{c: summary(found, c) for c in (*METHODS, "attainable")},
            "over_2": {
                f"{x['statistic']}, {x['subject']}, {x['season']}": [x[OURS], x["attainable"]]
                for x in sorted(found, key=lambda x: -x[OURS])
                if x[OURS] > BAD
            },
        }
    if not lines:
        raise InputError(f"--only {given.only}: no such group")
    took = time.perf_counter() - start
    print(f"\n{took:.0f} s")
    if given.out:
        about = {
            "device": f"{platform.machine()}, {jax.default_backend()}",
            "versions": {n: metadata.version(n) for n in ("jax", "numpy")},
            "seconds": round(took),
            "splits": sizes[0],
            "paths": sizes[3],
        }
        text = json.dumps({**about, "groups": summaries, "lines": lines}, indent=1)
        given.out.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    main(sys.argv[1:])
