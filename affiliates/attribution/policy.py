"""Who is owed an order: a stated policy over what is known of how the buyer came. Pure.

Candidates are ranked by the policy's sources, the strongest first, and within a source by time, the latest first.
Who does not earn at the merchant now falls out, and the next is asked. Nothing is forgotten: every candidate is kept
with what became of it.
"""
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from core.clock import iso

SOURCES = ("coupon", "room", "click", "bound")


@dataclass(frozen=True)
class Policy:
    """`window_days`: how long a click counts. `bind_days`: how long a buyer stays bound; 0 binds nobody."""
    sources: tuple[str, ...] = SOURCES
    window_days: int = 7
    bind_days: int = 180
    version: int = 0

    def out(self) -> dict:
        return {"sources": list(self.sources), "window_days": self.window_days, "bind_days": self.bind_days}


BUILT_IN = Policy()


@dataclass(frozen=True)
class Candidate:
    """One reason to owe the order to one affiliate."""
    source: str
    affiliate_id: uuid.UUID
    at: datetime  # of the click, the binding, or (coupon) the order
    link_id: uuid.UUID | None = None
    coupon_id: uuid.UUID | None = None
    why_not: str | None = None  # affiliate_frozen, approval_missing …: does not earn here now

    def out(self, outcome: str) -> dict:
        ids = {name: str(value) for name in ("link_id", "coupon_id") if (value := getattr(self, name))}
        return {"source": self.source, "affiliate_id": str(self.affiliate_id), "at": iso(self.at), **ids,
                "outcome": outcome}


def choose(policy: Policy, candidates: list[Candidate], at: datetime) -> tuple[Candidate | None, list[dict]]:
    """(who is owed the order made `at`, every candidate with its outcome, best first).

    Outcomes: won; weaker (a stronger source won); older (a later one of the same source won); too_old (outside of
    its days); not_in_policy; or why the affiliate does not earn.
    """
    rank = {source: place for place, source in enumerate(policy.sources)}
    ordered = sorted(candidates, key=lambda one: (rank.get(one.source, len(rank)), -one.at.timestamp(),
                                                  str(one.affiliate_id), str(one.link_id)))
    winner, told = None, []
    for one in ordered:
        outcome = _falls_out(policy, one, at)
        if outcome is None and winner is None:
            winner, outcome = one, "won"
        elif outcome is None:
            outcome = "older" if one.source == winner.source else "weaker"
        told.append(one.out(outcome))
    return winner, told


def _falls_out(policy: Policy, one: Candidate, at: datetime) -> str | None:
    days = {"room": policy.window_days, "click": policy.window_days, "bound": policy.bind_days}.get(one.source)
    if one.source not in policy.sources:
        return "not_in_policy"
    if days is not None and at - one.at >= timedelta(days=days):
        return "too_old"
    return one.why_not
