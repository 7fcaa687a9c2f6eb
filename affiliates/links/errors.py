"""Why a link or a coupon was refused."""
from flask_babel import lazy_gettext as _l

from core.errors import DomainError


class CodeTaken(DomainError):
    code, status, message = "code_taken", 422, _l("That code is taken. Choose another one.")


class NotApproved(DomainError):
    """The merchant has not approved this affiliate, or no longer."""
    code, message = "not_approved", _l("This shop has not approved you yet.")
