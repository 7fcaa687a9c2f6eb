"""What the ledger refuses. After a refusal by the database the caller's transaction is over, as it should be."""
from flask_babel import lazy_gettext as _l

from core.errors import DomainError


class Overdrawn(DomainError):
    """An account that must not go below zero would have."""

    code, message = "overdrawn", _l("There is not enough money on that account.")


class NotOpen(DomainError):
    """The transfer is not pending any more, or was not posted, or no more of it can be reversed."""

    code, message = "not_open", _l("That transfer was finished already.")


class Mismatch(DomainError):
    """Accounts of two currencies, one account on both sides, or an account that does not exist."""

    code, status, message = "mismatch", 422, _l("Money cannot be moved between these accounts.")
