"""Which rule, what it gives, what is a cut, and how much of it a refund takes. Pure."""
from dataclasses import dataclass
from typing import Protocol

from core.money import share_ppm

# The narrowest first; a rule may name several.
SCOPES = ("product_id", "category", "campaign_id", "tier")


class Terms(Protocol):
    """What a rule and a draft have in common."""
    rate_ppm: int | None
    flat_minor: int | None
    cap_minor: int | None
    level2_ppm: int
    hold_days: int | None


@dataclass(frozen=True)
class Draft:
    """A rule that is not published; amounts in minor units of `currency`."""
    rate_ppm: int | None = None
    flat_minor: int | None = None
    level2_ppm: int = 0
    cap_minor: int | None = None
    hold_days: int | None = None
    product_id: object = None
    category: str | None = None
    campaign_id: object = None
    tier: str | None = None
    currency: str | None = None


def rank(rule) -> tuple[bool, ...]:
    """How narrow a rule is: the greater, the narrower. product > category > campaign > tier > all."""
    return tuple(getattr(rule, scope) is not None for scope in SCOPES)


def covers(wide, narrow) -> bool:
    """Whether everything that `narrow` is about falls under `wide` too."""
    return all(getattr(wide, scope) in (None, getattr(narrow, scope)) for scope in SCOPES)


def amount(base_minor: int, quantity: int, terms: Terms) -> int:
    """What a line earns, as the database computes it: half up, once, then capped."""
    full = terms.flat_minor * quantity if terms.rate_ppm is None else share_ppm(base_minor, terms.rate_ppm)
    return full if terms.cap_minor is None else min(full, terms.cap_minor)


def is_cut(new: Terms, old: Terms, usual_days: int = 15) -> bool:
    """Whether some sale would earn less, or later, under `new` than under `old`: then notice is due.

    `usual_days` is what holds where a rule names no hold days.
    A rate and a flat sum cannot be compared for every price, so a change from one to the other counts as a cut."""
    if (new.rate_ppm is None) != (old.rate_ppm is None):
        return True
    lower = (new.rate_ppm or 0) < (old.rate_ppm or 0) or (new.flat_minor or 0) < (old.flat_minor or 0)
    capped = new.cap_minor is not None and (old.cap_minor is None or new.cap_minor < old.cap_minor)
    later = _days(new, usual_days) > _days(old, usual_days)
    return lower or capped or later or new.level2_ppm < old.level2_ppm


def _days(terms: Terms, usual: int) -> int:
    return usual if terms.hold_days is None else terms.hold_days


def gone(amount_minor: int, base_minor: int, money_gone_minor: int) -> int:
    """How much of a commission is taken back when so much of the line's money is gone: proportional, half up.

    A target, not a step: whoever asks twice, in whatever parts, arrives at the same. All money gone takes all."""
    if money_gone_minor >= base_minor:
        return amount_minor
    return (2 * amount_minor * money_gone_minor + base_minor) // (2 * base_minor)
