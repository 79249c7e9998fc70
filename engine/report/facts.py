"""What is known without simulating: uses and sources, how the debt was sized, what identifies the run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from engine.report import wording
from engine.report.tables import look, sections

if TYPE_CHECKING:
    import xarray as xr

FEWEST_PREPARED = 64  # lives under which a P90 of the preparation is called weak


def money(manifest: Mapping[str, Any]) -> list[tuple[str, list[tuple[str, str, str]]]]:
    """Uses and sources: item, amount, share."""
    both = []
    for side in ("uses", "sources"):
        items = look(manifest, f"prepared.debt.{side}", {})
        total = sum(items.values())
        if total > 0:
            listed = [
                (k.replace("_", " "), f"{v:,.1f}", f"{100.0 * v / total:.1f}") for k, v in items.items()
            ]
            both.append((side.capitalize(), [*listed, ("total", f"{total:,.1f}", "100.0")]))
    return both


def boundary(manifest: Mapping[str, Any]) -> str:
    """Whose power plant, shell and servers are, as one sentence; "" where the study is not known."""
    capex = look(manifest, "study.deal.capex", {})
    power = sum(
        look(capex, f"{name}.amount_m", 0.0) for name in ("pv", "wind", "battery", "grid_and_gensets")
    )
    amounts = {
        "power plant with grid connection": power,
        "shell of the data centre": look(capex, "datacentre.amount_m", 0.0),
        "servers": look(capex, "servers.amount_m", 0.0),
    }
    own = ", ".join(f"{name} {amount:,.0f}" for name, amount in amounts.items() if amount > 0)
    if not own:
        return ""
    others = [name for name, amount in amounts.items() if not amount > 0]
    named = ", ".join("servers (the tenants')" if name == "servers" else name for name in others)
    currency = look(manifest, "study.deal.currency", "")
    return f"The project's own, million {currency}: {own}{f'; of others: {named}' if named else ''}"


def fields(manifest: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Name, power and lay of every array and farm, where there are several of either, or another site."""
    arrays, farms = sections(manifest, "pv"), sections(manifest, "wind")
    if len(arrays) < 2 and len(farms) < 2 and not any(x.get("site") for x in (*arrays, *farms)):
        return []
    found = []
    for n, array in enumerate(arrays):
        lay = "on trackers" if array["mount"] == "one_axis" else f"tilted by {array['tilt_deg']:g} degrees"
        power = f"{array['dc_mw']:,.6g} MW (dc), {array['ac_mw']:,.6g} MW (ac)"
        lay = f"{lay}, azimuth {array['azimuth_deg']:g}{_at(array)}"
        found.append((array["name"] or f"PV {n + 1}", power, lay))
    for n, farm in enumerate(farms):
        lay = f"hubs at {farm['hub_height_m']:g} m{_at(farm)}"
        found.append((farm["name"] or f"wind {n + 1}", f"{farm['ac_mw']:,.6g} MW", lay))
    return found


def _at(field: Mapping[str, Any]) -> str:
    """The site that it names."""
    return f", at {field['site']}" if field["site"] else ""


def draws(manifest: Mapping[str, Any]) -> tuple[list[str], list[list[str]]]:
    """What lends, the loan first and equity last, and by construction year, its calendar year, the draws."""
    drawn = look(manifest, "prepared.debt.draws", {})
    names = list(look(manifest, "prepared.debt.tranches", {}))
    columns = [drawn.get(f"{name}_m", []) for name in ("debt", *names, "equity")]
    first = int(look(manifest, "study.life.first_year", 0)) - len(columns[0])
    rows = [
        [str(first + c), *(f"{amount:,.1f}" for amount in amounts)]
        for c, amounts in enumerate(zip(*columns, strict=True))
    ]
    return ["debt", *names, "equity"], rows


def drawn(manifest: Mapping[str, Any]) -> str:
    """How the debt is drawn while building, and what interest then runs on."""
    terms = look(manifest, "study.deal.construction", {})
    if terms.get("draws") != "monthly":
        return "in the middle of each construction year, pro rata with equity; interest is paid yearly"
    order = "after equity" if terms["equity_first"] else "pro rata with equity"
    return f"in the middle of each month, {order}; interest is paid monthly"


def sizing(manifest: Mapping[str, Any]) -> list[tuple[str, str]]:
    """How the debt was sized, once and before the lives."""
    amount = look(manifest, "prepared.debt.amount_m")
    if not amount:
        return []
    currency = look(manifest, "study.deal.currency", "")
    found = [("Senior debt", f"{amount:,.1f} million {currency}".rstrip())]
    for label, key, form, factor in (
        ("Gearing", "gearing_frac", "{:.1f} %", 100.0),
        ("Base case DSCR, mean", "base_dscr_mean", "{:.2f}", 1.0),
        ("Base case DSCR, lowest", "base_dscr_min", "{:.2f}", 1.0),
        ("Base case LLCR", "llcr", "{:.2f}", 1.0),
    ):
        ratio = look(manifest, f"prepared.debt.{key}")
        if ratio is not None:
            found.append((label, form.format(factor * ratio)))
    if (letter := look(manifest, "prepared.debt.letter_of_credit_m")) is not None:
        found.append(("Letter of credit for the reserve", f"{letter:,.1f} million {currency}".rstrip()))
    paths = look(manifest, "preparation.paths")
    if paths is not None:
        found.append(("Sized on", prepared_on(manifest, paths)))
    binding = look(manifest, "prepared.debt.binding")
    return found if binding is None else [*found, ("Binding test", words(str(binding)))]


def prepared_on(manifest: Mapping[str, Any], paths: int) -> str:
    """The lives that the debt was sized on, and whether their weather is enough for it."""
    known = {"climate": "drawn from the climate", "record": "of the record"}
    source = known.get(look(manifest, "preparation.from"), "of the weather file")
    differ = paths
    if source == "of the record" and look(manifest, "weather.source") == "history":
        differ = min(paths, look(manifest, "weather.record.years", paths))
        source = f"of the record, {differ:,} of different weather"
    few = "; too few for a P90" if differ < FEWEST_PREPARED else ""
    return f"{paths:,} lives {source}{few}"


def run(results: xr.Dataset, manifest: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What identifies the run, and lets anyone repeat it."""
    stages = manifest.get("stages_s") or {}
    versions = manifest.get("versions") or {}
    found = [
        ("Digest", results.attrs["digest"]),
        ("Seed", results.attrs["seed"]),
        ("Paths, worlds", f"{results.sizes['path']:,}, {manifest.get('worlds', '?')}"),
        ("Weather", wording.weather(look(manifest, "weather", {}))),
        ("Route, device", ", ".join(str(manifest[k]) for k in ("route", "device") if manifest.get(k))),
        ("wattbit", results.attrs["wattbit_version"]),
        ("Versions", ", ".join(f"{name} {version}" for name, version in versions.items())),
        (
            "Time",
            f"{sum(stages.values()):.1f} s: " + ", ".join(f"{k} {v:.1f}" for k, v in stages.items())
            if stages
            else "",
        ),
        ("Largest gap in a year's energy, share", value(manifest.get("energy_residual"))),
        ("Largest gap in a period's cash, million", value(manifest.get("cash_residual_m"))),
    ]
    return [(label, str(said)) for label, said in found if str(said)]


def words(key: str) -> str:
    """A key as words, its abbreviations in capitals."""
    capitals = {"dscr", "llcr", "dsra", "pv", "idc", "p50", "p90", "p99"}
    return " ".join(word.upper() if word in capitals else word for word in key.split("_"))


def value(found: Any) -> str:
    """An input or decision as text."""
    if isinstance(found, Mapping):
        return ", ".join(f"{key} {value(item)}" for key, item in found.items())
    if isinstance(found, list | tuple):
        return ", ".join(value(item) for item in found)
    if isinstance(found, float):
        return f"{found:.6g}"
    return "" if found is None else str(found)
