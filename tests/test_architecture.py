"""Imports respect the floors; kernels know no files or settings; jit and vmap stand in two places each."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

# A module imports only from earlier floors, so that nothing goes round in circles. A new one joins here.
FLOORS = """
weather.schema weather.buffers weather.random weather.clearsky weather.beam weather.posterior
engine.schema.base engine.convert.irradiance engine.convert.cell engine.turbines engine.convert.cooling
engine.convert.dark engine.build.typed engine.risk
engine.finance.returns engine.finance.schedule engine.finance.terms engine.finance.company
engine.finance.vat engine.finance.sla engine.finance.mechanism engine.chains engine.baseload
engine.finance.hourly engine.finance.duties engine.reliability.resources

engine.schema.spot engine.schema.ppa engine.finance.baseload engine.convert.icing engine.convert.snow
engine.build.clouds engine.schema.snow engine.phases

engine.finance.ppa
engine.convert.pv engine.convert.computing engine.build.sunpath engine.tenants engine.schema.cooling
engine.schema.icing
weather.block weather.packing weather.levels weather.region weather.margins weather.modes
weather.moments weather.units weather.tally engine.schema.fleet
engine.schema.phases engine.schema.unknowns engine.schema.weather engine.schema.revenue engine.schema.tax
engine.report.spot engine.report.baseload
engine.schema.debt engine.schema.times engine.schema.law engine.schema.orders engine.report.wording
engine.finance.singleowner
engine.schema.partners engine.schema.construction engine.finance.completion engine.schema.duties

weather.dynamics weather.fidelity weather.season
engine.blocks engine.schema.load engine.schema.pv engine.schema.wind
engine.schema.battery engine.schema.grid engine.schema.deal engine.build.law engine.build.loan
engine.build.construction engine.flows engine.convert.wind engine.finance.sponsor
engine.build.tenants

engine.dispatch engine.spot engine.finance.spot engine.interruptions engine.pysam
weather.annual weather.channels weather.climate engine.schema.study engine.fleets engine.grid engine.orders
engine.build.taxes engine.world engine.build.phases engine.build.pv engine.build.curve
engine.build.mounting engine.build.computing
engine.catalogue engine.finance.tranches engine.finance.partners

engine.results engine.build.spot engine.build.sla engine.build.battery
engine.finance.ranking engine.build.renewals engine.build.sales engine.build.grid engine.build.duties

weather.generate weather.places weather.readers weather.quality engine.complaint engine.deal
engine.build.wind
engine.build.orders engine.report.tables engine.outages engine.build.fleets engine.reliability.system

engine.finance.rent engine.finance.account

engine.reliability.balance weather.refine weather.ahead weather.moist engine.gensets
weather.services weather.era5 weather.ensemble engine.config engine.finance.contracts
engine.finance.reserves engine.finance.funding

weather.formats weather.fetch engine.finance.tax engine.reliability.events engine.reliability.result

engine.build.gensets weather.records engine.finance.debt engine.report.figures engine.report.facts
engine.report.supply engine.report.conditions engine.report.defaults

engine.report.fidelity_figures

weather.daily weather.fit weather.store weather.library engine.plant engine.prepare
engine.finance.ledger engine.finance.dates

weather.climates.parts weather.intake weather.coding weather.chunks engine.finance.credit
engine.finance.cascade

engine.about

weather.climates.zhongwei weather.climates.zhangbei weather.stream weather.history weather.bootstrap
engine.finance.waterfall engine.report.lending engine.islanding engine.exposure
engine.standing

engine.fields

engine.hours

engine.life engine.settlement engine.report.html engine.report.terminal

engine.registers engine.calibration engine.outcomes engine.devices engine.report.fidelity

engine.simulate engine.reliability.years

engine.elsewhere

engine.air

engine.setup engine.check engine.reliability.credit

engine.compose engine.reliability.assess

engine.folder engine.replay engine.reliability.firm

engine.session engine.cli_records

engine.cli_check

engine engine.cli
"""
LEVEL = {module: level for level, floor in enumerate(FLOORS.split("\n\n")) for module in floor.split()}
HOLLOW = {
    "weather",
    "weather.climates",
    "engine.build",
    "engine.convert",
    "engine.finance",
    "engine.reliability",
    "engine.report",
    "engine.schema",
}  # packages without a line of logic

KERNELS = {"weather.ahead", "weather.beam", "weather.block", "weather.generate", "weather.refine"} | {
    f"engine.{name}"
    for name in (
        "convert.pv",
        "convert.wind",
        "convert.computing",
        "outages",
        "gensets",
        "blocks",
        "exposure",
        "grid",
        "islanding",
        "orders",
        "interruptions",
        "baseload",
        "phases",
        "spot",
        "dispatch",
        "flows",
        "standing",
        "life",
        "registers",
        "calibration",
        "world",
        "tenants",
        "reliability.balance",
    )
}
KERNELS |= {module for module in LEVEL if module.startswith(("engine.finance.", "engine.convert."))}
NOT_FOR_KERNELS = {"xarray", "dask", "pathlib", "netCDF4", "pandas", "engine.config", "engine.schema.study"}
COMPILERS = {"jit", "pmap", "shard_map"}
COMPILE = {"weather.ensemble", "weather.library", "engine.simulate"}
MAPS = {"weather.block", "engine.simulate"}  # over rows and paths; over paths alone


def source(file: Path) -> tuple[str, ast.Module]:
    parts = file.relative_to(ROOT).with_suffix("").parts
    name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
    return name, ast.parse(file.read_text(encoding="utf-8"))


TREES = dict(source(f) for package in ("weather", "engine") for f in sorted((ROOT / package).rglob("*.py")))


def imported(tree: ast.Module) -> set[str]:
    """Modules by full name; of `from package import module` the module."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: a relative import"
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {name if name in TREES else str(node.module) for name in names}
    return found


def test_every_module_has_a_floor_and_every_floor_its_modules():
    assert set(TREES) - HOLLOW == set(LEVEL)


@pytest.mark.parametrize("module", sorted(HOLLOW))
def test_packages_hold_no_logic(module):
    assert all(isinstance(node, ast.Expr) for node in TREES[module].body)  # a docstring


@pytest.mark.parametrize("module", sorted(LEVEL))
def test_imports_come_from_earlier_floors(module):
    ours = {name for name in imported(TREES[module]) if name.split(".")[0] in ("weather", "engine")}
    wrong = {name for name in ours if not LEVEL[name] < LEVEL[module]}
    assert not wrong
    if module.startswith("weather."):
        assert not {name for name in ours if name.startswith("engine")}


@pytest.mark.parametrize("module", sorted(KERNELS))
def test_kernels_import_jax_and_no_files_or_settings(module):
    names = imported(TREES[module])
    tops = {name.split(".")[0] for name in names}
    assert "jax" in tops
    assert not (names | tops) & NOT_FOR_KERNELS


@pytest.mark.parametrize("module", sorted(LEVEL))
@pytest.mark.parametrize(
    ("transforms", "places"), [(COMPILERS, COMPILE), ({"vmap"}, MAPS)], ids=["compiling", "mapping"]
)
def test_compiling_and_mapping_stand_in_two_places_each(module, transforms, places):
    used = {
        name
        for node in ast.walk(TREES[module])
        for name in (
            [node.attr]
            if isinstance(node, ast.Attribute)
            else [a.name for a in node.names]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    assert bool(used & transforms) == (module in places)
