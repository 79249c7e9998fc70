"""What a study may say of the partners who share its equity."""

from __future__ import annotations

from pydantic import Field

from engine.schema.base import NotNegative, Section, Share


class Partner(Section):
    """One of those who share equity, distributions and what the sponsors are called for."""

    share_frac: Share = Field(description="of the equity; all shares sum to 1")
    calls_limit_m: NotNegative | None = Field(
        None,
        description="of guarantee, cures and support that it pays; beyond it the others do; none: no limit",
    )


def complaint(partners: dict[str, Partner], calls_m: float) -> tuple[str, str] | None:
    """(key under `partners`, sentence) of what does not fit. calls_m: all that may be called."""
    if not partners:
        return None
    total, last = sum(partner.share_frac for partner in partners.values()), list(partners)[-1]
    if abs(total - 1.0) > 1e-9:
        return f"{last}.share_frac", f"should bring all shares to 1 (they sum to {total:g})"
    limits = [partner.calls_limit_m for partner in partners.values()]
    reached = sum(limit for limit in limits if limit is not None)
    if None not in limits and reached < calls_m:
        return (
            f"{last}.calls_limit_m",
            f"should bring all limits to what guarantee, cures and support may call, {calls_m:g} "
            f"(they sum to {reached:g})",
        )
    return None
