"""What states and choices are called on pages."""
from flask_babel import gettext as _

# The colour of a state's chip: one meaning each (static/css/components.css).
STATE_COLOURS = {"draft": "", "scheduled": "calm", "live": "live", "ended": "", "settling": "", "settled": "stock"}
HOLD_CHOICES = (60, 120, 180, 300, 600, 900, 1800)


def states() -> dict[str, str]:
    return {"draft": _("Draft"), "scheduled": _("Scheduled"), "live": _("Live"), "ended": _("Ended"),
            "settling": _("Settling"), "settled": _("Settled")}


def after_sale() -> list[tuple[str, str]]:
    return [("full_price", _("Full price")), ("sale_price", _("Sale price")), ("take_down", _("Take it down"))]


def hold_times(chosen: int | None = None) -> list[tuple[int, str]]:
    """The usual hold times, and the one that is chosen if it is unusual."""
    return [(seconds, _hold(seconds)) for seconds in sorted({*HOLD_CHOICES, *([chosen] if chosen else [])})]


def _hold(seconds: int) -> str:
    if seconds % 60:
        return _("%(seconds)s s", seconds=seconds)
    return _("%(minutes)s min", minutes=seconds // 60)


def end_word() -> str:
    """What must be typed to end a campaign."""
    return _("END")
