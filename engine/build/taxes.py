"""Tax terms and a country's table -> rates by operating year, and prices and costs without VAT."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from engine.build import law as laws
from engine.build.typed import f64
from engine.finance.company import PowerCompany
from engine.finance.vat import Vat
from engine.schema.deal import Capex, DealSection
from engine.schema.law import TaxLaw

POWER_CLASSES = ("pv", "wind", "battery")  # what a power company owns
CLASSES = (*POWER_CLASSES, "datacentre", "servers", "grid_and_gensets")
KIND = dict.fromkeys(CLASSES, "equipment") | {"datacentre": "construction"}
SOLD = {"lease": "services", "power": "power", "export": "power", "certificate": "services"}
BOUGHT = {"imported": "power", "capacity": "power", "fuel": "equipment"}  # fuel: goods, taxed as equipment


class Assets(NamedTuple):
    """What is built, million. cost_m: by class, without VAT. spend_m: [construction year] with it."""

    cost_m: dict[str, float]
    spend_m: np.ndarray

    @property
    def vat_m(self) -> float:
        return float(self.spend_m.sum()) - sum(self.cost_m.values())


class Taxes:
    """The taxes of a deal over its years. Raises InputError where the table does not cover them."""

    def __init__(self, terms: DealSection, first_year: int, years: int):
        self.terms = terms.tax
        self.law: TaxLaw = laws.load(self.terms.table)
        self.operating = first_year + np.arange(years)
        building = len(terms.capex.spend_frac)
        self.building = first_year - building + np.arange(building)
        self.assets = self._assets(terms.capex)

    @property
    def rate(self) -> np.ndarray:
        """[year] of income tax."""
        if self.terms.rate_frac is not None:
            return np.full(len(self.operating), self.terms.rate_frac)
        return laws.income_tax(self.law, self.terms.regime, self.operating)

    @property
    def loss_carry_years(self) -> int:
        stated = self.terms.loss_carry_years
        return self.law.loss_carry_years if stated is None else stated

    def net(self, line: str, price: np.ndarray) -> np.ndarray:
        """[year] a price of the study, without the VAT that it may hold."""
        vat = self.terms.vat
        return price / (1.0 + self._operating(line)) if vat and vat.prices_include else price

    def fixed(self, cost_m: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Fixed costs [6, year], as `deal.FIXED_COSTS`, without VAT; and their VAT [year]."""
        vat = self.terms.vat
        if vat is None:
            return cost_m, np.zeros(cost_m.shape[1])
        creditable = np.array([vat.creditable_opex_frac] * 4 + [1.0, 0.0])[:, None]  # insurance; land
        rate = self._vat("services", self.operating)
        if vat.prices_include:
            within = creditable * cost_m * rate / (1.0 + rate)
            return cost_m - within, within.sum(0)
        return cost_m, (creditable * cost_m * rate).sum(0)

    def bought(self, name: str, price_m: float, y: int) -> tuple[float, float]:
        """What equipment of a class costs in operating year y, from 0, without VAT; and the VAT on it."""
        terms = self.terms.vat
        if terms is None:
            return price_m, 0.0
        rate = float(self._vat(KIND[name], self.operating[y : y + 1])[0])
        cost = price_m / (1.0 + rate) if terms.prices_include else price_m
        return cost, rate * cost

    def vat(self, fixed_vat_m: np.ndarray) -> Vat | None:
        """Rates and credit; None where the study counts without VAT."""
        terms = self.terms.vat
        if terms is None:
            return None
        place = laws.chosen(self.law.surcharges, "deal.tax.vat.place", terms.place)
        paid = self.assets.vat_m
        return Vat(
            **{name: f64(self._operating(name)) for name in (*SOLD, *BOUGHT)},
            fixed_m=f64(fixed_vat_m),
            surcharge=f64(laws.rates(self.law, f"surcharges.{terms.place}", place, self.operating)),
            credit_m=f64((1.0 - terms.refund_frac) * paid),
            refund_m=f64(terms.refund_frac * paid),
        )

    def company(
        self,
        index: np.ndarray,
        fixed_cost_m: np.ndarray,
        depreciation_m: dict[str, np.ndarray],
        renewal_depreciation_m: dict[str, np.ndarray],
    ) -> PowerCompany | None:
        """index: [year] of prices. fixed_cost_m: [6, year]. depreciation_m and renewals': [year] by class."""
        terms = self.terms.power_company
        if terms is None:
            return None
        levied = np.ones(len(self.operating))
        known = self.law.generation_levied_frac[: len(levied)]
        levied[: len(known)] = known
        owned = dict.fromkeys(POWER_CLASSES, 1.0) | {"grid_and_gensets": terms.grid_share_frac}
        cost = self.assets.cost_m
        share = sum(part * cost[name] for name, part in owned.items()) / sum(cost.values())
        return PowerCompany(
            internal_price_per_kwh=f64(terms.internal_price_per_kwh * index),
            fixed_cost_m=f64(fixed_cost_m[:3].sum(0) + share * fixed_cost_m[4] + fixed_cost_m[5]),
            depreciation_m=f64(sum(part * depreciation_m[name] for name, part in owned.items())),
            renewal_depreciation_m=f64(
                sum(part * renewal_depreciation_m[name] for name, part in owned.items())
            ),
            levied=f64(levied),
            share=f64(share),
        )

    def _assets(self, capex: Capex) -> Assets:
        cost, spend = {}, np.zeros(len(self.building))
        for name in CLASSES:
            stated = getattr(capex, name).amount_m * np.asarray(capex.spend_frac)
            rate = self._vat(KIND[name], self.building) if self.terms.vat else 0.0
            included = self.terms.vat is not None and self.terms.vat.prices_include
            cost[name] = float((stated / (1.0 + rate) if included else stated).sum())
            spend += stated if included else stated * (1.0 + rate)
        return Assets(cost, spend)

    def _operating(self, line: str) -> np.ndarray:
        return self._vat((SOLD | BOUGHT)[line], self.operating)

    def _vat(self, kind: str, years: np.ndarray) -> np.ndarray:
        if self.law.vat is None:
            return np.zeros(len(years))
        return laws.rates(self.law, f"vat.{kind}", getattr(self.law.vat, kind), years)
