"""Why something about an affiliate was refused."""
from flask_babel import lazy_gettext as _l

from core.errors import DomainError


class NoAffiliate(DomainError):
    """The member has not applied, or may not act as an affiliate now."""
    code, status, message = "no_affiliate", 403, _l("You are not an affiliate yet. Apply first.")


class NotActive(DomainError):
    code, message = "affiliate_not_active", _l("This affiliate is not active.")


class WrongMove(DomainError):
    code, message = "wrong_move", _l("That cannot be done in this state.")


class TeamRefused(DomainError):
    """`code` says which of the two: team_circle or team_levels."""
    code, message = "team_levels", _l("A team has a leader and members, and no further level.")


class InvitationOver(DomainError):
    code, message = "invitation_over", _l("This invitation is used, withdrawn or too old. Ask the shop for a new one.")
