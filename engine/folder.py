"""The run folder: named by what the run is, written whole, recognised when it is asked for again."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import sys
from collections.abc import Mapping
from contextlib import contextmanager
from importlib import metadata, resources
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from engine import prepare, results
from engine.build import law
from engine.complaint import Key, dotted
from engine.compose import Run, wanted_orders
from engine.config import Loaded
from engine.prepare import Prepared
from engine.schema.study import Study
from weather import climate
from weather.schema import InputError

PREPARED, WEEK, REPORT = "prepared.json", "worst_week.nc", "report.html"
LIBRARIES = ("jax", "jaxlib", "numpy", "xarray", "netCDF4", "pvlib", "windpowerlib")
RENT_KEYS = (  # what decides whether rent pays the debt: while these are assumed, so is the headline
    ("deal", "revenue", "lease_price_per_kw_month"),
    ("load", "occupancy_frac"),
    ("uncertainty", "lease_price_sd_frac"),
    ("uncertainty", "occupancy_sd_frac"),
)
SALE_KEYS = (  # and whether sold energy does
    ("deal", "revenue", "ppa", "price_per_kwh"),
    ("grid", "export_price_per_kwh"),
    ("uncertainty", "power_price_sd_frac"),
)
HOURLY_KEYS = (("deal", "revenue", "hourly", "price_per_kwh"),)  # and whether compute by the hour does
FILES: Any = {"climate": True, "weather": {"file"}, "deal": {"tax": {"table"}}}  # of a study
SOURCED = re.compile(r"\[[sd]\]")  # read in a source, or derived from such numbers


def digest(run: Run) -> str:
    """SHA-256 of everything that the results depend on: study, seed, paths, weather, route, code."""
    what = {
        "study": run.study.model_dump(mode="json", exclude=FILES),  # files by content, below
        "seed": run.seed,
        "paths": run.paths,
        "weather": run.air.digest,
        "taxes": law.digest(run.study.deal.tax.table),
        "streamed": run.air.file is not None,
        "library": run.library,
        "keep": run.keep,
        "route": run.machine.route,
        "tile": run.machine.tile,
        "platform": run.machine.mesh.devices.flat[0].platform,
        "single_device": run.machine.mesh.size == 1,  # whose programs differ in the last bits
        "code": _code_digest(),
        "compiler": {name: metadata.version(name) for name in ("jax", "jaxlib")},
    }
    return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()


def _code_digest() -> str:
    total = hashlib.sha256()
    for package in ("weather", "engine"):
        root = Path(str(resources.files(package)))
        for file in sorted(root.rglob("*.py")):
            total.update(file.relative_to(root).as_posix().encode() + file.read_bytes())
    return total.hexdigest()


def default(study: str, digest: str) -> Path:
    """`runs/<study>-<digest8>`."""
    return Path("runs") / f"{study}-{digest[:8]}"


def complete(folder: Path, digest: str) -> bool:
    """Whether this very run stands in the folder.

    Raises InputError where another run's results, or anything else, stand there.
    """
    if folder.name in ("", ".."):
        raise InputError(f"--out {folder}: should name a folder to make")
    try:
        if not folder.exists():
            return False
    except OSError as error:  # a name too long, a loop of links
        raise InputError(f"{folder}: cannot be made ({error.strerror})") from error
    if not (folder / results.MANIFEST).is_file():
        if folder.is_dir() and not any(folder.iterdir()):
            return False
        raise InputError(f"{folder}: exists and is not a run folder; --out names another one")
    try:
        found = str(json.loads((folder / results.MANIFEST).read_text(encoding="utf-8"))["digest"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{folder / results.MANIFEST}: is damaged; --out names another folder") from error
    if found != digest:
        raise InputError(
            f"{folder}: holds another run (digest {found[:8]}, this one is {digest[:8]}); "
            "--out names another one"
        )
    return True


def manifest(
    run: Run,
    loaded: Loaded,
    decided: Prepared,
    digest: str,
    stages_s: Mapping[str, float],
    found: xr.Dataset,
) -> dict[str, Any]:
    """What an auditor needs: inputs with their sources, what was decided, versions, device, times."""
    device = run.machine.mesh.devices.flat[0]
    return {
        "study": run.study.model_dump(mode="json"),
        "inputs": inputs(loaded),
        "illustrative": illustrative(loaded),
        "law": supply_law(run.study),
        "digest": digest,
        "seed": run.seed,
        "paths": run.paths,
        "worlds": run.study.uncertainty.worlds,
        "route": run.machine.route,
        "keep": run.keep,
        "tile": run.machine.tile,
        "devices": run.machine.mesh.size,
        "device": f"{run.machine.mesh.size} x {device.device_kind}",
        "weather": {
            "source": run.came_from,
            "record": _record(run),
            "file": str(Path(run.air.file.name).resolve()) if run.air.file else None,
            "library_years": run.library,
            "climate": _whole_name(run.study.climate),
            "provenance": climate.provenance(run.study.climate) if run.study.climate else {},
            "site": run.air.site.name,
            "other_sites": list(run.air.elsewhere),
            "humid": run.air.humid,
            "digest": run.air.digest,
        },
        "versions": {
            "wattbit": metadata.version("wattbit"),
            "python": ".".join(map(str, sys.version_info[:3])),
            **{name: metadata.version(name) for name in LIBRARIES},
        },
        "prepared": prepare.summary(
            decided,
            wanted_orders(run.study),
            run.study.life.years,
            tuple(run.study.deal.debt.tranches),
        ),
        "preparation": {
            "seed": run.study.prepare.seed,
            "paths": run.preparation()[3],
            "from": "climate" if run.air.climate else "record" if run.air.record else "weather file",
        },
        "stages_s": dict(stages_s),
        "energy_residual": float(found["energy_imbalance_frac"].max()),
        "cash_residual_m": float(found["cash_imbalance_m"].max()),
    }


def _record(run: Run) -> dict[str, Any] | None:
    """What was taken of a record, and how."""
    found, said = run.air.record, run.study.weather
    if found is None:
        return None
    return {
        "file": str(Path(found.file).resolve()),
        "origin": found.origin,
        "years": found.years,
        "first_hour": f"{found.first:%Y-%m-%d %H:%M}",
        "last_hour": f"{found.last:%Y-%m-%d %H:%M}",
        "left_out_h": found.left_out_h,
        "filled_h": found.filled_h,
        "block_days": said.block_days if said.source == "bootstrap" else None,
        "window_days": said.window_days if said.source == "bootstrap" else None,
        "place": "the climate's" if run.air.placed else "its own",
        "levels": said.source == "bootstrap" and run.air.climate is not None,
    }


def _whole_name(name_or_path: str | None) -> str | None:
    """A shipped climate's name, or a file's whole path; with the site that is named behind it."""
    name, mark, site = (name_or_path or "").rpartition(climate.SEPARATOR)
    for file, of in ((name_or_path, ""), (name, mark + site)):
        if file and Path(file).is_file():
            return f"{Path(file).resolve()}{of}"
    return name_or_path


def inputs(loaded: Loaded) -> list[dict[str, Any]]:
    """Every leaf of the study: key, value, and the comment beside it or that it is the default."""
    rows = []

    def walk(value: Any, key: Key) -> None:
        several = isinstance(value, list) and value and isinstance(value[0], dict)
        if isinstance(value, dict) or several:
            for name, below in enumerate(value) if several else value.items():
                walk(below, (*key, name))
        elif value != "" and key not in (("name",), ("description",)):
            rows.append({"key": dotted(key), "value": value, "note": _note(loaded, key)})

    walk(loaded.study.model_dump(mode="json"), ())
    return rows


def supply_law(study: Study) -> dict[str, Any]:
    """The tests of own supply of the study's country, by operating year."""
    known = law.load(study.deal.tax.table)
    years = study.life.first_year + np.arange(study.life.years)
    return {
        "country": known.country,
        "tests": [test._asdict() for test in law.supply_tests(known, years)],
    }


def _note(loaded: Loaded, key: Key) -> str:
    """The comment beside a leaf."""
    return loaded.leaves[key].note if key in loaded.leaves else "default"


def illustrative(loaded: Loaded) -> list[str]:
    """Sentences that say on which assumptions the headline hangs."""
    revenue = loaded.study.deal.revenue
    keys: list[tuple[str, ...]] = [*RENT_KEYS] if revenue.lease_price_per_kw_month > 0.0 else []
    keys += SALE_KEYS if revenue.ppa is not None else ()
    keys += HOURLY_KEYS if revenue.hourly is not None else ()
    keys += [("deal", "revenue", "tenants", name, "default_frac_per_year") for name in revenue.tenants]
    assumed = [".".join(key) for key in keys if not SOURCED.search(_note(loaded, key))]
    if not assumed:
        return []
    verb = "is an assumption" if len(assumed) == 1 else "are assumptions"
    named = " and ".join(filter(None, [", ".join(assumed[:-1]), assumed[-1]]))
    return [f"Illustrative: {named} {verb}, and the probability of default follows them."]


@contextmanager
def whole(folder: Path):
    """A folder aside that becomes `folder` when the block ends well, and is removed when it does not."""
    aside = folder.with_name(folder.name + f".part{os.getpid()}")
    try:
        aside.mkdir(parents=True, exist_ok=False)
    except OSError as error:
        raise InputError(f"{folder}: cannot be made ({error.strerror})") from error
    try:
        yield aside
        try:
            if folder.is_dir():
                folder.rmdir()  # an empty one that the user made
            aside.rename(folder)
        except OSError as error:
            raise InputError(f"{folder}: cannot be made ({error.strerror})") from error
    except InputError as error:
        raise InputError(str(error).replace(aside.name, folder.name)) from error
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def write(
    folder: Path, found: xr.Dataset, about: Mapping[str, Any], decided: Prepared, week: xr.Dataset
) -> None:
    """Results, manifest, decisions, the worst week and the report."""
    from engine.report import html

    results.write(folder, found, about)
    text = prepare.to_json(decided)
    results.write_whole(folder / PREPARED, lambda part: part.write_text(text), len(text))
    results.write_netcdf(folder / WEEK, week)
    page = html.page(found, about, week)
    results.write_whole(folder / REPORT, lambda part: part.write_text(page, encoding="utf-8"), len(page))
