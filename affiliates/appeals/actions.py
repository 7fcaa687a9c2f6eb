"""Writes: an affiliate appeals, the shop answers."""
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.dialects.postgresql import insert

from affiliates.appeals.models import Appeal
from affiliates.commission import actions as commission
from affiliates.commission.actions import Decided
from affiliates.commission.models import Commission
from affiliates.commission.queries import holds_of
from affiliates.commission.tell import stream
from affiliates.people import acts
from affiliates.people.models import Affiliate
from core import events
from core.clock import now
from core.errors import DomainError, Forbidden, Invalid
from core.ids import new_id
from members import actions as members
from members.models import Member


class NothingToAppeal(DomainError):
    code, message = "nothing_to_appeal", _l("Only what is in review or was taken back can be appealed.")


class AppealOpen(DomainError):
    code, message = "appeal_open", _l("Your appeal is with the shop already.")


def appeal(db, line: Commission, affiliate: Affiliate, body: str) -> Appeal:
    """Ask the shop to look again at a held or reversed line. Raises NothingToAppeal, AppealOpen, Invalid."""
    if not body.strip():
        raise Invalid(fields={"body": [_("Please say why.")]})
    if not line.held and not line.reversed_minor:
        raise NothingToAppeal
    id_ = db.scalar(insert(Appeal).values(
        id=new_id(), commission_id=line.id, affiliate_id=affiliate.id, merchant_id=line.merchant_id,
        body=body.strip(), answer="").on_conflict_do_nothing().returning(Appeal.id))
    if id_ is None:
        raise AppealOpen
    acts.note(db, "appeal.made", id_, merchant_id=line.merchant_id, words=body.strip(), commission=str(line.id))
    return db.get(Appeal, id_)


def answer(db, row: Appeal, by: Member, note: str, *, release: bool = False) -> Appeal:
    """The shop answers with a note; with `release` every open hold of the line is let go as well.

    Raises Decided (answered before), Invalid, Forbidden (nobody answers their own)."""
    if not note.strip():
        raise Invalid(fields={"note": [_("Please say why. The affiliate reads it.")]})
    db.refresh(row, with_for_update=True)
    if row.answered_at is not None:
        raise Decided
    member = db.get(Member, db.get(Affiliate, row.affiliate_id).member_id)
    if member.id == by.id:
        raise Forbidden
    row.answered_at, row.answered_by, row.answer = now(), by.id, note.strip()
    if release:
        for hold in holds_of(db, row.commission_id):
            if hold.decided_at is None:
                commission.decide(db, hold, "released", by, note)
    acts.note(db, "appeal.answered", row.id, by=by, merchant_id=row.merchant_id, words=note.strip(), released=release)
    events.append(db, stream(row.affiliate_id), "appeal.answered",
                  {"id": str(row.id), "commission_id": str(row.commission_id)}, urgent=True)
    with members.speaking_to(member):
        members.write_mail(db, key=f"appeal:{row.id}", member=member, to_email=member.email,
                           subject=_("Your appeal was answered"),
                           body=_("Hello %(name)s,\n\nthe shop looked again and says:\n\n%(note)s\n\nYou find it with "
                                  "the line, on your page of earnings.", name=member.name, note=note.strip()))
    db.flush()
    return row
