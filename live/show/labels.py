"""A control action as a sentence, in the reader's language."""
from flask_babel import lazy_gettext as _l

from core.i18n import money_text
from live.show.models import ControlAction, LiveSession

SENTENCES = {
    "rehearse": _l("Rehearsal started"), "end_rehearsal": _l("Rehearsal ended"), "go_live": _l("The show is on air"),
    "pause": _l("Paused"), "resume": _l("On air again"), "end": _l("The show was ended"),
    "next_item": _l("Next: %(subject)s"), "reorder": _l("Run of show reordered"),
    "put_on_air": _l("On air: %(subject)s"), "pin": _l("Pinned: %(subject)s"), "unpin": _l("Unpinned: %(subject)s"),
    "start_sale": _l("Flash sale started: %(subject)s"), "stop_sale": _l("Flash sale stopped: %(subject)s"),
    "extend_sale": _l("%(subject)s: %(seconds)s seconds more"),
    "restock": _l("%(subject)s: %(quantity)s more units"), "open_shelf": _l("On sale: %(subject)s"),
    "close_shelf": _l("Taken off sale: %(subject)s"), "set_price": _l("%(subject)s now costs %(price)s"),
    "notice": _l("Pinned message changed"), "slow": _l("Slow mode: %(seconds)s seconds"),
    "blocked_words": _l("Blocked words changed"), "remove_message": _l("Message of %(subject)s removed"),
    "restore_message": _l("Message of %(subject)s shown again"), "mute": _l("%(subject)s muted"),
    "unmute": _l("%(subject)s may write again"), "ban": _l("%(subject)s banned"),
    "unban": _l("%(subject)s may come back"), "undo": _l("Undone: %(subject)s"),
}


def label(row: ControlAction, show: LiveSession) -> str:
    """The sentence of one action; amounts in the campaign's currency, kept with the action."""
    values = {name: value for name, value in row.body.items() if isinstance(value, str | int)}
    if row.kind == "set_price":
        values["price"] = money_text(row.body["price_minor"], row.after["currency"])
    if row.kind == "undo" and not row.subject:
        values["subject"] = show.title
    return str(SENTENCES[row.kind]) % {"subject": row.subject, **values}
