"""Writes: apply, be approved, freeze, close, invite, lead a team. Each notes who did it."""
import uuid
from datetime import timedelta

from flask_babel import gettext as _
from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError

from affiliates.people import acts, letters, queries
from affiliates.people.errors import InvitationOver, NotActive, TeamRefused, WrongMove
from affiliates.people.models import STANDARD, Affiliate, Affiliation, Invitation, Program
from affiliates.people.moves import approves, may_move
from core.clock import now
from core.errors import Invalid
from core.ids import new_id
from members import actions as members
from members.identity import hash_token, new_token
from members.models import Member, Merchant

INVITATION_LIFE = timedelta(days=14)


# -- Applying

def apply(db, member: Member, *, display_name: str = "", about: str = "") -> Affiliate:
    """The member becomes an affiliate, at once if the platform's rule says so; applying again changes nothing."""
    affiliate_id = db.scalar(insert(Affiliate).values(
        id=new_id(), member_id=member.id, display_name=display_name or member.name, about=about, state="applied",
    ).on_conflict_do_nothing(index_elements=[Affiliate.member_id]).returning(Affiliate.id))
    found = queries.affiliate_of(db, member.id)
    if affiliate_id is None:
        return found
    acts.note(db, "affiliate.applied", found.id, by=member)
    terms = queries.terms_of(db, None)
    reason = approves(terms.approval, terms.min_paid_orders, queries.paid_orders(db, member.id, None))
    if reason:
        _move(db, found, "active", None, "", None, reason=reason)
    db.flush()
    return found


def apply_at(db, affiliate: Affiliate, merchant: Merchant) -> Affiliation:
    """Ask a merchant for approval, which its rule may give at once; asking again changes nothing."""
    if affiliate.state in ("frozen", "closed"):
        raise NotActive
    fresh = db.scalar(insert(Affiliation).values(
        affiliate_id=affiliate.id, merchant_id=merchant.id, state="applied", tier=STANDARD, reason="",
    ).on_conflict_do_nothing().returning(Affiliation.affiliate_id))
    found = queries.access_affiliation(db, merchant.id, affiliate.id)
    if fresh is None:
        return found
    acts.note(db, "affiliation.applied", affiliate.id, merchant_id=merchant.id)
    terms = queries.terms_of(db, merchant.id)
    paid = queries.paid_orders(db, affiliate.member_id, merchant.id) if terms.approval == "paid_orders" else 0
    reason = approves(terms.approval, terms.min_paid_orders, paid)
    if reason:
        _move(db, found, "active", None, "", merchant.id, reason=reason)
    return found


def describe(db, affiliate: Affiliate, *, display_name: str | None = None, about: str | None = None) -> None:
    """The affiliate says anew what they are called and where they promote. Raises Invalid for an empty name."""
    if display_name is not None and not display_name.strip():
        raise Invalid(fields={"display_name": [_("Please fill this in.")]})
    affiliate.display_name = affiliate.display_name if display_name is None else display_name.strip()
    affiliate.about = affiliate.about if about is None else about.strip()
    db.flush()


# -- Deciding

def decide_affiliate(db, affiliate: Affiliate, to: str, by: Member, words: str = "") -> Affiliate:
    """The platform lets in, freezes or closes an affiliate (active, frozen, closed), by letter. Raises WrongMove."""
    before = affiliate.state
    _move(db, affiliate, to, by, words, None)
    if before != to:
        letters.decided(db, affiliate, before, to, words, None)
    return affiliate


def decide_affiliation(db, affiliation: Affiliation, to: str, by: Member, words: str = "") -> Affiliation:
    """A merchant approves, freezes or closes its own approval of an affiliate, and tells them. Raises WrongMove."""
    before = affiliation.state
    _move(db, affiliation, to, by, words, affiliation.merchant_id)
    if before != to:
        shop = db.get(Merchant, affiliation.merchant_id)
        letters.decided(db, db.get(Affiliate, affiliation.affiliate_id), before, to, words, shop.name)
    return affiliation


def leave(db, affiliation: Affiliation, by: Member) -> Affiliation:
    """The affiliate stops promoting a merchant; what was earned stays. Raises WrongMove if it is over already."""
    return _move(db, affiliation, "closed", by, "", affiliation.merchant_id, reason="left")


def set_tier(db, affiliation: Affiliation, tier: str, by: Member) -> None:
    """How good a partner it is to the merchant; orders made before keep their tier."""
    acts.note(db, "affiliation.tier", affiliation.affiliate_id, by=by, merchant_id=affiliation.merchant_id, tier=tier,
              before=affiliation.tier)
    affiliation.tier = tier
    db.flush()


def _move(db, row: Affiliate | Affiliation, to: str, by: Member | None, words: str, merchant_id, reason: str = ""):
    db.refresh(row, with_for_update={"key_share": True})
    if row.state == to:
        return row
    if not may_move(row.state, to):
        raise WrongMove
    what, subject = ("affiliation", row.affiliate_id) if isinstance(row, Affiliation) else ("affiliate", row.id)
    acts.note(db, f"{what}.{to}", subject, by=by, merchant_id=merchant_id, words=words, before=row.state,
              reason=reason)
    row.state, row.state_at = to, now()
    if what == "affiliation":
        row.reason = reason or (f"{to}_by_hand" if by else "")
    db.flush()
    return row


def set_program(db, merchant: Merchant | None, by: Member, *, approval: str, min_paid_orders: int = 1,
                notice_days: int = 14, hold_days: int = 15) -> None:
    """A merchant's terms for affiliates, or (without a merchant) the platform's; they hold for what comes after."""
    values = {"approval": approval, "min_paid_orders": min_paid_orders, "notice_days": notice_days,
              "hold_days": hold_days}
    merchant_id = merchant and merchant.id
    db.execute(insert(Program).values(id=new_id(), merchant_id=merchant_id, **values)
               .on_conflict_do_update(index_elements=[Program.merchant_id], set_=values))
    acts.note(db, "program.changed", merchant_id or uuid.UUID(int=0), by=by, merchant_id=merchant_id, **values)
    db.flush()


# -- Inviting

def invite(db, merchant: Merchant, email: str, by: Member, link, *, tier: str = STANDARD) -> Invitation:
    """Ask somebody by letter; `link(token)` makes the address. A new invitation takes the place of an open one."""
    email, token = email.strip().lower(), new_token()
    db.execute(delete(Invitation).where(Invitation.merchant_id == merchant.id, Invitation.email == email,
                                        Invitation.accepted_at.is_(None)))
    row = Invitation(merchant_id=merchant.id, email=email, tier=tier, token_hash=hash_token(token), by_member_id=by.id,
                     expires_at=now() + INVITATION_LIFE)
    db.add(row)
    db.flush()
    acts.note(db, "affiliate.invited", row.id, by=by, merchant_id=merchant.id, tier=tier)
    member = db.scalar(select(Member).where(Member.email == email))
    with members.speaking_to(member):
        members.write_mail(
            db, key=f"affiliate-invite:{row.id}", member=member, to_email=email,
            subject=_("%(shop)s invites you to promote its shows", shop=merchant.name),
            body=_("Hello,\n\n%(by)s invites you to promote the shows of %(shop)s on Livestall and to earn a share of "
                   "what your viewers buy. Say yes here within two weeks:\n\n%(link)s\n\nIf you do not know %(shop)s, "
                   "do nothing.", by=by.name, shop=merchant.name, link=link(token)))
    return row


def withdraw_invitation(db, row: Invitation, by: Member) -> None:
    """The letter's link opens nothing from now on. Raises InvitationOver if it was taken."""
    db.refresh(row, with_for_update=True)
    if row.accepted_at is not None:
        raise InvitationOver
    if row.expires_at > now():
        row.expires_at = now()
        acts.note(db, "affiliate.invitation_withdrawn", row.id, by=by, merchant_id=row.merchant_id)
        db.flush()


def accept(db, token: str, member: Member) -> Affiliation:
    """Take an invitation: the member is an affiliate of that merchant at once. Raises InvitationOver.

    It is for who has the invited e-mail: a forwarded letter opens nothing."""
    row = queries.open_invitation(db, token)
    if row is None or row.email != member.email:
        raise InvitationOver
    affiliate = apply(db, member)
    if affiliate.state in ("frozen", "closed"):
        raise NotActive
    merchant = db.get(Merchant, row.merchant_id)
    inviter = db.get(Member, row.by_member_id)
    affiliation = _move(db, apply_at(db, affiliate, merchant), "active", inviter, "", merchant.id, reason="invited")
    affiliation.tier = row.tier
    row.accepted_at, row.affiliate_id = now(), affiliate.id
    db.flush()
    return affiliation


# -- Teams

def join_team(db, affiliate: Affiliate, leader: Affiliate, by: Member) -> Affiliate:
    """Be led from now on; orders made before keep their leader. Raises NotActive, TeamRefused."""
    if leader.state != "active" or affiliate.state not in ("applied", "active"):
        raise NotActive
    before = affiliate.parent_id
    try:
        with db.begin_nested():
            affiliate.parent_id = leader.id
            db.flush()
    except IntegrityError as error:
        name = error.orig.diag.constraint_name or ""
        if not name.startswith(("affiliate_team", "ck_affiliates_own_parent")):
            raise
        if name == "affiliate_team_levels":
            raise TeamRefused from None
        raise TeamRefused(_("Nobody leads themselves."), code="team_circle") from None
    acts.note(db, "team.joined", affiliate.id, by=by, leader=str(leader.id), before=before and str(before))
    return affiliate


def leave_team(db, affiliate: Affiliate, by: Member) -> Affiliate:
    """Nobody's member from now on. Leaving twice is leaving once."""
    if affiliate.parent_id:
        acts.note(db, "team.left", affiliate.id, by=by, leader=str(affiliate.parent_id))
        affiliate.parent_id = None
        db.flush()
    return affiliate
