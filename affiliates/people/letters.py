"""What an affiliate is told when a person decided about them."""
from flask_babel import gettext as _

from affiliates.people.models import Affiliate
from core.ids import new_id
from members import actions as members
from members.models import Member


def decided(db, affiliate: Affiliate, before: str, to: str, words: str, shop: str | None) -> None:
    """A letter about a move from `before` to `to` at a shop, or (without one) on the whole platform."""
    member = db.get(Member, affiliate.member_id)
    with members.speaking_to(member):
        subject, said = _said(before, to, shop or "Livestall")
        if words:
            said += "\n\n" + _("They write: %(words)s", words=words)
        members.write_mail(db, key=f"affiliate-decided:{new_id()}", member=member, subject=subject,
                           body=_("Hello %(name)s,", name=member.name) + "\n\n" + said)


def _said(before: str, to: str, who: str) -> tuple[str, str]:
    """(subject, sentences)."""
    if to == "active" and before == "frozen":
        return _("%(who)s lets you go on", who=who), _("Sales over your links and codes earn again from now on.")
    if to == "active":
        return (_("%(who)s has approved you", who=who),
                _("You can begin: take a link under Campaigns and share it. You see each commission as it is earned."))
    if to == "frozen":
        return (_("%(who)s has frozen your work as an affiliate", who=who),
                _("New sales over your links and codes earn nothing for now. What you earned stays yours."))
    if before == "applied":
        return (_("%(who)s does not take you as an affiliate", who=who),
                _("Your wish was looked at, and the answer is no."))
    return (_("%(who)s has ended your work as an affiliate", who=who),
            _("New sales over your links and codes earn nothing. What you earned stays yours and is paid as before."))
