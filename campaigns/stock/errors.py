"""Why a claim was refused, in words that a buyer understands."""
from flask_babel import lazy_gettext as _l

from core.errors import DomainError, NotFound


class SoldOut(DomainError):
    """Fewer units are left than were wanted; `left` says how many."""
    code, message = "sold_out", _l("Sold out. You can join the line: units sometimes come back.")


class OverLimit(DomainError):
    """The member would have more than the offer's limit; `limit` and `units` (had already)."""
    code, message = "over_limit", _l("You have reached the limit for this offer.")


class NotOpen(DomainError):
    code, message = "not_open", _l("This is not on sale right now.")


class HoldGone(DomainError):
    code, message = "hold_gone", _l("Your reservation has ended.")


class UnknownOffer(NotFound):
    code, message = "unknown_offer", _l("We cannot find that offer.")


class NotEnough(DomainError):
    """Staff asked for more units than there are; `available` says how many."""
    code, status, message = "not_enough", 422, _l("There are not that many units.")
