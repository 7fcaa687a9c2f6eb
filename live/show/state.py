"""The big state of the control page, from the show, its offers and the time; pure. What the host must know first."""
from datetime import datetime

# In this order: a running sale outshines a coming one, the offer on air outshines the others.
SALE_ON, SALE_OPENING = "sale_on", "sale_opening"


def big_state(show: dict, offers: dict, now: datetime) -> dict:
    """{"name", "until", "offer_id"}.

    `name` is scheduled, rehearsal, live, sale_opening, sale_on, paused, ended or cancelled.
    `until` (ISO) is when it ends by the clock: the start of the show, the opening or the close of the sale.
    """
    state = show["state"]
    if state == "scheduled":
        return {"name": state, "until": show["starts_at"], "offer_id": None}
    if state in ("paused", "ended", "cancelled"):
        return {"name": state, "until": None, "offer_id": None}
    sale = _sale(show, offers, now)
    return sale or {"name": state, "until": None, "offer_id": None}


def _sale(show: dict, offers: dict, now: datetime) -> dict | None:
    coming, running = [], []
    for offer in offers.values():
        stock = offer["stock"]
        if stock["mode"] != "flash" or _at(stock["closes_at"]) <= now:
            continue
        if _at(stock["opens_at"]) > now:
            coming.append((stock["opens_at"], offer["id"]))
        else:
            running.append((stock["closes_at"], offer["id"]))
    for name, found in ((SALE_ON, running), (SALE_OPENING, coming)):
        if found:
            until, offer_id = min(found, key=lambda sale: (sale[1] != show["on_air"], sale))
            return {"name": name, "until": until, "offer_id": offer_id}
    return None


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text)
