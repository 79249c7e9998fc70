"""What a record's years cannot tell of the level of years to come.

    annual mean of year t = long-term mean + slow_t + white_t
    slow_t = rho slow_(t-1) + step_t

white_t is the weather of the year, which the generator makes; slow_t are decades of cloud, haze and
circulation. A world draws its level: the long-term mean, and the slow level from the record's last year
on. Levels are fractions of the record's mean (sun, wind) or degrees about it (temperature).

Some twenty years tell rho and the sd of slow_t badly, so that `posterior` integrates over both, with
priors from published decades of other records. Mean and covariance of what comes out are then met by one
process of the same form (`posterior.process`), which a kernel draws by a recursion.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from scipy import special

from weather import posterior

LONGEST = 40  # years ahead over which the one process meets the posterior


@dataclass(frozen=True)
class Prior:
    """What is known of a variable's years before its record is read: medians of log-normals.

    relative: levels are fractions of the record's mean; otherwise they are in the variable's own unit.
    white_sd: of the weather of single years; a factor 1.5 is one standard deviation.
    trend_sd: per decade, of the straight lines that 25 years of slow levels would show, for that is what
    is published; a factor 2 is one standard deviation, and none is beyond three times the median, so
    that the variance stays bounded over any life.
    mean_sd: of a long-term mean that comes without a record of annual means (`assumed`).

    Time constants of the slow level are 5 to 40 years, equally likely by their logarithm: phases of
    dimming and brightening lasted two to three decades (Wild 2009).
    """

    relative: bool
    white_sd: float
    trend_sd: float
    mean_sd: float


# Sun, 2 % per decade: worldwide 4-6 % in 30 years (Wild et al. 2005), and regions move more than the
# world; from sunshine hours 1.1-1.9 W/m2 per decade in Europe and the United States, under 1 % (He et al.
# 2018); the largest regional trend found, 11 W/m2 (Norris and Wild 2009), is some 6 %. White: assumption.
SUN = Prior(relative=True, white_sd=0.03, trend_sd=0.02, mean_sd=0.02)
# Wind speed, 2 % per decade: stilling of 5-15 % in some 30 to 50 years near the ground, in part by growing
# roughness (Vautard et al. 2010, McVicar et al. 2012), reversed about 2010 (Zeng et al. 2019). Levels of 60
# Canadian stations persist over decades (Bodini et al. 2016). White: assumption.
WIND = Prior(relative=True, white_sd=0.04, trend_sd=0.02, mean_sd=0.045)
# Temperature in C: assumptions, beside a warming that `trend` gives.
TEMP = Prior(relative=False, white_sd=0.6, trend_sd=0.2, mean_sd=0.5)


class Factor(NamedTuple):
    """A level as a recursion. In a world with normals n0, n1, n2, and n_y for each year:

    mean = expected[0] + lower[0] n0;  slow = expected[1] + lower[1] n0 + lower[2] n1
    with each year y after the record's last: slow = rho slow + step_sd n_y
    level = centre + mean + slow + (trend + trend_sd n2) y / 10

    From one year to another `gap` years later: rho^gap, and step_sd sqrt((1 - rho^(2 gap)) / (1 - rho^2)).
    """

    centre: float
    expected: tuple[float, float]
    lower: tuple[float, float, float]
    rho: float
    step_sd: float
    trend: float
    trend_sd: float


@dataclass(frozen=True)
class Levels:
    """The level of years after a record, about the record's mean: fractions of it, or its unit.

    record_mean, record_years: of the annual means; NaN and 0 without a record.
    mean, mean_sd: long-term mean less the record's: expected value and standard deviation.
    end, end_sd: the slow level in the record's last year; end_corr: its correlation with the mean, much
    under zero, for the record tells their sum better than either.
    slow_sd, slow_rho: standard deviation of the slow level over centuries, and coefficient per year.
    white_sd: of the weather of one year, as the record shows it; never part of a level. The spread of the
    record's annual means has slow levels in it too: a generator that meets it counts them twice.
    site_sd: of a constant error beside the record's: `campaign`.
    trend_per_decade, trend_sd: `trend`.
    """

    relative: bool
    record_mean: float
    record_years: int
    mean: float
    mean_sd: float
    end: float
    end_sd: float
    end_corr: float
    slow_sd: float
    slow_rho: float
    white_sd: float
    site_sd: float = 0.0
    trend_per_decade: float = 0.0
    trend_sd: float = 0.0

    def expected(self, ahead: Sequence[int] | np.ndarray) -> np.ndarray:
        """Expected level [year] of the years `ahead` of the record's last: about 1, or about 0 C."""
        t = _ahead(ahead)
        slow = self.end * self.slow_rho**t
        return float(self.relative) + self.mean + slow + self.trend_per_decade * t / 10

    def covariance(self, ahead: Sequence[int] | np.ndarray) -> np.ndarray:
        """Covariance [year, year] of the level, without the weather of the year.

        Stationary: without a trend's error no variance passes mean_sd^2 + site_sd^2 + the larger of slow_sd^2
        and end_sd^2 (while end_corr is not above zero), however long the life.
        """
        rows = self.draw(ahead)
        return rows @ rows.T

    def draw(self, ahead: Sequence[int] | np.ndarray) -> np.ndarray:
        """Rows [year, 3 + year]: level = expected + rows @ normals, of one world.

        The first three normals are the world's; the others belong to the world and the year.
        """
        t, f = _ahead(ahead), self.factor()
        after = np.diff(t, prepend=0.0)
        steps = self.slow_sd * np.sqrt(1.0 - self.slow_rho ** (2 * after))
        since = t[:, None] - t
        passed = np.where(since >= 0, steps * self.slow_rho ** np.maximum(since, 0), 0.0)
        fade = self.slow_rho**t
        world = [f.lower[0] + fade * f.lower[1], fade * f.lower[2], f.trend_sd * t / 10]
        return np.column_stack([*world, passed])

    def factor(self) -> Factor:
        """The numbers of the recursion that draws the same levels."""
        mean_sd = np.hypot(self.mean_sd, self.site_sd)
        along = self.end_corr * self.end_sd * (self.mean_sd / mean_sd if mean_sd > 0 else 0.0)
        across = np.sqrt(max(self.end_sd**2 - along**2, 0.0))
        return Factor(
            centre=float(self.relative),
            expected=(self.mean, self.end),
            lower=(float(mean_sd), float(along), float(across)),
            rho=self.slow_rho,
            step_sd=float(self.slow_sd * np.sqrt(1.0 - self.slow_rho**2)),
            trend=self.trend_per_decade,
            trend_sd=self.trend_sd,
        )


def fit(annual_means: np.ndarray, prior: Prior = SUN, years: np.ndarray | None = None) -> Levels:
    """Levels of the years after a record.

    annual_means: [year] of the record. years: [year] of each, rising; one after another unless given, so
    that a record may have gaps. Under about eight years the priors say nearly all; there is no threshold.

    Left out: steps of instruments and moved stations (they pass for slow levels), extremes beyond the
    Gaussian, and the level's correlation across variables.
    """
    values, at = _checked(annual_means, prior, years)
    mean = float(values.mean())
    anomalies = values / mean - 1.0 if prior.relative else values - mean
    found = posterior.posterior(anomalies, at, prior.white_sd, prior.trend_sd)
    process = posterior.process(*posterior.moments(found, LONGEST))
    return Levels(
        relative=prior.relative,
        record_mean=mean,
        record_years=values.size,
        white_sd=posterior.white_sd(found),
        **process._asdict(),
    )


def assumed(prior: Prior) -> Levels:
    """Levels where no annual means are at hand: the prior's error of the mean, slow levels unobserved."""
    slow_sd, rho = posterior.unobserved(prior.trend_sd)
    return Levels(
        relative=prior.relative,
        record_mean=np.nan,
        record_years=0,
        mean=0.0,
        mean_sd=prior.mean_sd,
        end=0.0,
        end_sd=slow_sd,
        end_corr=0.0,
        slow_sd=slow_sd,
        slow_rho=rho,
        white_sd=prior.white_sd,
    )


def campaign(
    levels: Levels,
    measurement_sd: float = 0.0,
    long_term_sd: float = 0.0,
    wake_sd: float = 0.0,
    other_sd: float = 0.0,
) -> Levels:
    """Levels with what a wind campaign leaves unknown, as fractions of the level, constant over a life.

    measurement_sd: instruments and mounting; long_term_sd: of relating the mast's months to the record
    whose annual means were fitted; wake_sd: of the wakes' loss; other_sd: shear, terrain. Assumption: none
    is correlated with another, so that they add as a root of squares (also to an earlier campaign's).
    Where one is given of energy, divide it first by the energy's change in per cent per per cent of speed.
    """
    given = {
        "measurement_sd": measurement_sd,
        "long_term_sd": long_term_sd,
        "wake_sd": wake_sd,
        "other_sd": other_sd,
    }
    for name, value in given.items():
        _not_negative(name, value)
    return replace(levels, site_sd=float(np.linalg.norm([levels.site_sd, *given.values()])))


def trend(levels: Levels, per_decade: float = 0.0, sd: float = 0.0) -> Levels:
    """Levels with a given change per decade, counted from the record's last year, and its own error.

    per_decade: fraction of the record's mean, or degrees. What changed until then the record has seen.
    """
    if not np.isfinite(per_decade):
        raise ValueError(f"per_decade is {per_decade}, wanted a finite number")
    _not_negative("sd", sd)
    return replace(levels, trend_per_decade=float(per_decade), trend_sd=float(sd))


def interval(
    levels: Levels, white_sd: float, ahead: Sequence[int] | np.ndarray, q: float
) -> tuple[np.ndarray, np.ndarray]:
    """Central interval of probability q, low and high [year], of the annual means of years `ahead`.

    white_sd: of the weather of one year (the generator's, or `levels.white_sd`), in the levels' unit.
    """
    _probability("q", q)
    middle = levels.expected(ahead)
    variance = np.diag(levels.covariance(ahead)) + _not_negative("white_sd", white_sd) ** 2
    half = special.ndtri((1 + q) / 2) * np.sqrt(variance)
    return middle - half, middle + half


def exceeded(levels: Levels, white_sd: float, ahead: Sequence[int] | np.ndarray, p: float) -> float:
    """What the mean over the years `ahead` exceeds with probability p: their P90 for p = 0.9.

    One year gives the one-year P90, a life's years that of life. Weather of the year is independent
    from year to year here. What a plant makes of sun and wind is not linear, so this is of the resource.
    """
    _probability("p", p)
    _not_negative("white_sd", white_sd)
    covariance = levels.covariance(ahead)
    variance = covariance.mean() + white_sd**2 / len(covariance)
    return float(levels.expected(ahead).mean() - special.ndtri(p) * np.sqrt(variance))


def _checked(
    annual_means: np.ndarray, prior: Prior, years: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    values = np.asarray(annual_means, float)
    if values.ndim != 1 or values.size == 0:
        raise ValueError(f"annual_means has shape {values.shape}, wanted one value per year, at least one")
    if not np.isfinite(values).all():
        bad = np.count_nonzero(~np.isfinite(values))
        raise ValueError(
            f"annual_means: {bad} of {values.size} years are missing: leave them out and give years"
        )
    if prior.relative and values.min() <= 0:
        raise ValueError(f"annual_means: {values.min():g} found, wanted above zero for relative levels")
    at = np.arange(values.size, dtype=float) if years is None else np.asarray(years, float)
    if at.shape != values.shape or not np.isfinite(at).all() or (np.diff(at) <= 0).any():
        raise ValueError(f"years: wanted {values.size} rising years, one for each annual mean")
    return values, at


def _ahead(ahead: Sequence[int] | np.ndarray) -> np.ndarray:
    t = np.asarray(ahead, float)
    if t.ndim != 1 or t.size == 0 or not (t[0] >= 1 and (np.diff(t) > 0).all()):
        raise ValueError("ahead: wanted rising years, counted from 1 after the record's last")
    return t


def _not_negative(name: str, value: float) -> float:
    if not (np.isfinite(value) and value >= 0):
        raise ValueError(f"{name} is {value}, wanted zero or more")
    return value


def _probability(name: str, value: float) -> None:
    if not 0 < value < 1:
        raise ValueError(f"{name} is {value}, wanted a probability between 0 and 1")
