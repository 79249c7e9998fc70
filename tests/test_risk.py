"""Estimators against closed forms within 4 standard errors, and the standard errors over repeats."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import betainc, ndtr, ndtri

from engine import risk
from engine.report import wording

PATHS, WORLDS, SPREAD = 1000, 50, 0.5  # a world moves its paths by SPREAD of their own deviation
TOTAL = float(np.hypot(1.0, SPREAD))
TAIL = TOTAL * np.exp(-(ndtri(0.05) ** 2) / 2.0) / np.sqrt(2.0 * np.pi) / 0.05
STATISTICS = {  # of normal values with normal worlds: estimator and closed form
    "mean": (risk.mean, 0.0),
    "probability": (lambda y, w: risk.probability(y > 1.5, w), float(ndtr(-1.5 / TOTAL))),
    "median": (lambda y, w: risk.quantile(y, w, 0.5), 0.0),
    "P90 of good": (lambda y, w: risk.bettered(y, w, 0.9, "more"), TOTAL * ndtri(0.1)),
    "P90 of bad": (lambda y, w: risk.bettered(y, w, 0.9, "less"), TOTAL * ndtri(0.9)),
    "CVaR of good": (lambda y, w: risk.cvar(y, w, "more"), -TAIL),
    "CVaR of bad": (lambda y, w: risk.cvar(y, w, "less"), TAIL),
}


def draw(rng: np.random.Generator, paths: int = PATHS, worlds: int = WORLDS, spread: float = SPREAD):
    world = np.arange(paths) % worlds
    return rng.normal(size=paths) + spread * rng.normal(size=worlds)[world], world


def repeat(estimator, count: int = 200, **sizes) -> list[risk.Estimate]:
    rng = np.random.default_rng(20260101)
    return [estimator(*draw(rng, **sizes)) for _ in range(count)]


@pytest.mark.parametrize("name", STATISTICS)
def test_closed_form_and_standard_error_with_worlds(name):
    estimator, exact = STATISTICS[name]
    found = repeat(estimator)
    values = np.array([e.value for e in found])
    errors = np.array([e.standard_error for e in found])
    deviation = values.std(ddof=1)
    # quantiles and CVaR are biased by some 1 / (0.05 n): a tenth of their own error is left for that
    assert abs(values.mean() - exact) < 4 * deviation / np.sqrt(values.size) + 0.1 * deviation
    # the deviation of 200 repeats is itself known to 5 %; a linearised error may be 10 % off besides
    assert abs(np.sqrt((errors**2).mean()) / deviation - 1.0) < 4 * 0.05 + 0.1
    assert abs(found[0].value - exact) < 4 * found[0].standard_error
    covered = np.mean([e.lower <= exact <= e.upper for e in found])
    assert covered > 0.95 - 4 * np.sqrt(0.95 * 0.05 / values.size) - 0.02


def test_within_error_is_that_of_other_paths_of_the_same_worlds():
    rng = np.random.default_rng(3)
    world = np.arange(PATHS) % WORLDS
    level = SPREAD * rng.normal(size=WORLDS)[world]
    found = [risk.mean(level + rng.normal(size=PATHS), world) for _ in range(400)]
    deviation = np.std([e.value for e in found], ddof=1)
    within = np.mean([e.within_error for e in found])
    assert abs(within / deviation - 1.0) < 4 / np.sqrt(2 * 400)
    assert found[0].standard_error > 2 * within


def test_knowledge_band_is_that_of_the_worlds_alone():
    found = repeat(risk.mean, count=100, worlds=200, paths=2000)
    for sign, side in ((-1.0, [e.low for e in found]), (1.0, [e.high for e in found])):
        error = np.std(side, ddof=1) / np.sqrt(len(side))
        # the band's end is a quantile of 200 shrunk means: a bias of 2 % is its own
        assert abs(np.mean(side) - sign * 1.645 * SPREAD) < 4 * error + 0.02 * 1.645 * SPREAD


def test_knowledge_of_a_probability_is_the_beta_that_the_worlds_were_drawn_from():
    a, b, worlds, each = 2.0, 18.0, 400, 25
    rng = np.random.default_rng(5)
    world = np.arange(worlds * each) % worlds
    found = [
        risk.probability(rng.random(world.size) < rng.beta(a, b, worlds)[world], world) for _ in range(50)
    ]
    for share, side in ((0.05, [e.low for e in found]), (0.95, [e.high for e in found])):
        mass = betainc(a, b, np.array(side))
        assert abs(mass.mean() - share) < 4 * mass.std(ddof=1) / np.sqrt(mass.size) + 0.005


def test_a_band_that_misses_its_value_comes_with_the_worlds_beyond():
    """Two of a hundred worlds default nearly always, the others never; and the other way round."""
    world = np.arange(1000) % 100
    rare = risk.probability((world < 2) & (np.arange(1000) < 900), world)
    assert rare.high < rare.value < rare.outside
    assert rare.outside * 0.05 == pytest.approx(rare.value, rel=1e-3)  # they hold all of it
    often = risk.probability((world >= 2) | (np.arange(1000) >= 900), world)
    assert often.outside == pytest.approx(1.0 - rare.outside)
    assert wording.text_probability(rare) == (
        "1.8 % (sampling +-1.3, knowledge 0.0-0.0, but 36.0 in one world of 20)"
    )
    losses = risk.mean(np.where(world < 2, 50.0, 0.0), world)
    assert losses.outside == 50.0  # of the worlds past the band
    plain = risk.probability(np.random.default_rng(3).random(1000) < 0.1 + 0.002 * world, world)
    assert plain.low < plain.value < plain.high
    assert np.isnan(plain.outside)


def test_the_worlds_beyond_a_band_are_those_of_the_beta():
    a, b, worlds, each = 0.004, 0.2, 4000, 50
    rng = np.random.default_rng(8)
    world = np.arange(worlds * each) % worlds
    drawn = rng.beta(a, b, worlds)
    e = risk.probability(rng.random(world.size) < drawn[world], world)
    worst = np.sort(drawn)[-worlds // 20 :]
    assert e.high < e.value
    assert abs(e.outside - worst.mean()) < 4 * worst.std(ddof=1) / np.sqrt(worst.size)


def test_without_world_effects_little_knowledge_is_seen():
    found = repeat(risk.mean, spread=0.0, count=100)
    # a ratio of variances over 50 worlds is known to 20 %, so that between them to 0.2 / 20 paths each
    assert np.mean([e.high - e.low for e in found]) < 2 * 1.645 * np.sqrt(0.2 / 20)
    assert np.mean([e.low == e.high for e in found]) > 0.3  # the variance between worlds is cut at zero


def test_merge_is_tally_of_both():
    rng = np.random.default_rng(1)
    values, world = draw(rng)
    values = 1e6 + values
    values[::97] = np.nan
    whole = risk.finalize_mean(risk.tally(values, world))
    parts = [
        risk.tally(values[s], world[s], WORLDS) for s in (slice(0, 333), slice(333, 340), slice(340, None))
    ]
    merged = risk.finalize_mean(risk.merge(risk.merge(parts[0], parts[1]), parts[2]))
    assert (merged.n, merged.missing) == (whole.n, whole.missing)
    assert merged.value == pytest.approx(whole.value, rel=1e-15)
    for name in ("standard_error", "within_error"):  # values of 1e6 carry their deviation of 1 to 1e-10
        assert getattr(merged, name) == pytest.approx(getattr(whole, name), rel=1e-8)
    with pytest.raises(ValueError, match="of 50 and 51 worlds"):
        risk.merge(parts[0], risk.tally(values, world, WORLDS + 1))


def test_quantile_is_the_value_of_a_path():
    values, world = np.arange(1000.0)[::-1], np.arange(1000) % 10
    assert risk.bettered(values, world, 0.9, "less").value == 899.0  # 900 of 1000 at or below
    assert risk.bettered(values, world, 0.9, "more").value == 99.0
    assert risk.bettered(values, world, 0.99, "more").value == 9.0  # the tenth: 990 lie above
    assert risk.cvar(values, world, "more").value == pytest.approx(np.arange(50).mean(), rel=1e-14)
    assert risk.cvar(values[:30], world[:30], "less").value == pytest.approx(
        (999 + 0.5 * 998) / 1.5, rel=1e-14
    )


def test_few_paths_give_a_tail_no_error():
    values, world = draw(np.random.default_rng(2), paths=50, worlds=50)
    e = risk.bettered(values, world, 0.99, "more")
    assert e.value == values.min()
    assert np.isnan([e.standard_error, e.lower, e.upper]).all()
    assert np.isnan(risk.cvar(values, world, "more").standard_error)
    assert risk.bettered(values, world, 0.9, "more").standard_error > 0


def test_missing_is_counted_and_infinite_refused():
    values, world = np.array([1.0, np.nan, 3.0, np.nan]), np.array([0, 1, 0, 1])
    for e in (risk.mean(values, world), risk.quantile(values, world, 0.5), risk.cvar(values, world, "more")):
        assert (e.n, e.missing) == (2, 2)
    none = risk.mean(np.full(4, np.nan), world)
    assert (none.n, none.missing, wording.text(none)) == (0, 4, "none")
    assert risk.quantile(np.full(4, np.nan), world, 0.5).n == 0
    with pytest.raises(ValueError, match="1 of 2 values are infinite"):
        risk.mean([1.0, np.inf], [0, 1])
    with pytest.raises(ValueError, match="wanted bool"):
        risk.probability(values, world)
    with pytest.raises(ValueError, match="must both be"):
        risk.mean(values, world[:3])


def test_one_world_and_one_path():
    one = risk.mean([1.0, 2.0, 3.0, 4.0], [0, 0, 0, 0])
    assert one.standard_error == pytest.approx(np.std([1, 2, 3, 4], ddof=1) / 2)
    assert np.isnan(one.low)
    single = risk.mean([7.0], [0])
    assert single.value == 7.0
    assert np.isnan([single.standard_error, single.low]).all()
    assert risk.quantile([7.0], [0], 0.9).value == risk.cvar([7.0], [0], "less").value == 7.0
    apart = risk.mean([1.0, 2.0, 3.0, 4.0], [0, 1, 2, 3])  # one path a world: no telling them apart
    assert apart.standard_error == pytest.approx(one.standard_error)
    assert np.isnan([apart.within_error, apart.low]).all()


@pytest.mark.parametrize("constant", [0.0, 0.1, -41234.5])
def test_constant_values_have_no_error(constant):
    values, world = np.full(700, constant), np.arange(700) % 7
    for e in (risk.mean(values, world), risk.quantile(values, world, 0.1), risk.cvar(values, world, "less")):
        assert e.value == pytest.approx(constant, rel=1e-14)
        assert e.standard_error == 0.0
    assert risk.mean(values, world).low == risk.mean(values, world).high


def test_printing_to_the_digits_of_the_error():
    def at(value, error, n=100):
        return risk.Estimate(value, error, 0.0, np.nan, np.nan, 0.0, 0.0, n)

    assert wording.text(at(41.234, 0.34)) == "41.2 +- 0.3"
    assert wording.text(at(41.234, 0.123)) == "41.23 +- 0.12"
    assert wording.text(at(41234.0, 3100.0)) == "41,000 +- 3,000"
    assert wording.text(at(1.23456789, 1e-6)) == "1.235 +- 0.001"
    assert wording.text(at(-0.04, 3.0)) == "0 +- 3"
    assert wording.text(at(12.3456, np.nan)) == "12.3"
    assert wording.text(at(12.0, 0.0)) == "12"
    pd = risk.Estimate(0.0131, 0.0022, 0.002, 0.0061, 0.0288, 0.01, 0.02, 2000)
    assert wording.text_probability(pd) == "1.3 % (sampling +-0.2, knowledge 0.6-2.9)"
    assert wording.text_band(at(1.0, 0.1)) == ""


@pytest.mark.parametrize(
    ("paths", "event", "text"),
    [
        (1000, False, "0 of 1000; below 0.3 % with 95 % confidence"),
        (50, False, "0 of 50; below 5.9 % with 95 % confidence"),
        (50, True, "50 of 50; above 94.1 % with 95 % confidence"),
    ],
)
def test_never_and_always_get_a_bound(paths, event, text):
    assert wording.text_probability(risk.probability(np.full(paths, event), np.arange(paths) % 25)) == text


def test_without_worlds_a_value_stands_alone():
    """Of lives that share what their number cannot tell."""
    y = np.random.default_rng(2).normal(size=200)
    world = np.arange(200) % 7
    for name, (statistic, _) in STATISTICS.items():
        known, bare = statistic(y, world), statistic(y, None)
        assert bare.n == known.n
        assert bare.value == pytest.approx(known.value, rel=1e-12), name  # sums in another order
        errors = bare.standard_error, bare.within_error, bare.low, bare.high, bare.lower, bare.upper
        assert np.isnan(errors).all(), name
    rare = risk.probability(y > 9.0, None)
    assert wording.text_probability(rare) == "0 %"
    assert wording.text_probability(risk.probability(y > 1.5, None)) == f"{100 * (y > 1.5).mean():.2f} %"
