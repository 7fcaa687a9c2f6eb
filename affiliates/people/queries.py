"""Reading affiliates, and the doors to them: a member's own, a merchant's own, a leader's own team."""
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select, text

from affiliates.people.errors import NoAffiliate
from affiliates.people.models import STANDARD, Act, Affiliate, Affiliation, Invitation, Program
from core.clock import now
from core.errors import NotFound
from members.identity import hash_token
from members.models import Member, Merchant
from orders.models import Order


@dataclass(frozen=True)
class Terms:
    """A program as it holds, also where no row was ever written."""
    approval: str
    min_paid_orders: int = 1
    notice_days: int = 14
    hold_days: int = 15


def terms_of(db, merchant_id: uuid.UUID | None) -> Terms:
    """The merchant's (None: the platform's) terms for affiliates."""
    row = db.scalar(select(Program).where(
        Program.merchant_id == merchant_id if merchant_id else Program.merchant_id.is_(None)))
    if row is None:
        # The platform lets everybody in; each merchant looks for itself.
        return Terms("manual" if merchant_id else "all")
    return Terms(row.approval, row.min_paid_orders, row.notice_days, row.hold_days)


def cut_may_hold(db, merchant_id: uuid.UUID, at: datetime) -> datetime:
    """The earliest moment at which a cut that is announced at `at` may hold: after the merchant's notice.

    A shorter notice counts when the longer one before it has passed, else who shortens it could cut at once."""
    earliest = at + timedelta(days=terms_of(db, merchant_id).notice_days)
    before = Terms("manual").notice_days
    for days, changed_at in db.execute(select(Act.detail["notice_days"].as_integer(), Act.created_at).where(
            Act.merchant_id == merchant_id, Act.kind == "program.changed").order_by(Act.id)):
        if days < before:
            earliest = max(earliest, changed_at + timedelta(days=before))
        before = days
    return earliest


def affiliate_of(db, member_id: uuid.UUID) -> Affiliate | None:
    """The member's own row, in whatever state."""
    return db.scalar(select(Affiliate).where(Affiliate.member_id == member_id))


def access_own(db, member) -> Affiliate:
    """The signed-in member's own affiliate. Raises NoAffiliate for who never applied."""
    found = affiliate_of(db, member.id) if member else None
    if found is None:
        raise NoAffiliate
    return found


def access_affiliate(db, affiliate_id: uuid.UUID) -> Affiliate:
    """Any affiliate, for operators. Raises NotFound."""
    found = db.get(Affiliate, affiliate_id)
    if found is None:
        raise NotFound
    return found


def access_affiliation(db, merchant_id: uuid.UUID, affiliate_id: uuid.UUID) -> Affiliation:
    """What this merchant decided about this affiliate. Raises NotFound if they have nothing to do with each other."""
    found = db.get(Affiliation, (affiliate_id, merchant_id))
    if found is None:
        raise NotFound
    return found


def access_team_member(db, leader: Affiliate, affiliate_id: uuid.UUID) -> Affiliate:
    """Somebody of the leader's own team. Raises NotFound for anybody else."""
    found = db.get(Affiliate, affiliate_id)
    if found is None or found.parent_id != leader.id:
        raise NotFound
    return found


def affiliates_at(db, merchant_id: uuid.UUID, state: str | None = None) -> list[tuple[Affiliation, Affiliate]]:
    """A merchant's affiliates by name, those of one state if given."""
    found = (select(Affiliation, Affiliate).join(Affiliate, Affiliate.id == Affiliation.affiliate_id)
             .where(Affiliation.merchant_id == merchant_id).order_by(Affiliate.display_name, Affiliate.id))
    if state:
        found = found.where(Affiliation.state == state)
    return [tuple(row) for row in db.execute(found)]


def merchants_of(db, affiliate_id: uuid.UUID) -> list[tuple[Affiliation, Merchant]]:
    """The merchants an affiliate has to do with, by name."""
    found = (select(Affiliation, Merchant).join(Merchant, Merchant.id == Affiliation.merchant_id)
             .where(Affiliation.affiliate_id == affiliate_id).order_by(Merchant.name, Merchant.id))
    return [tuple(row) for row in db.execute(found)]


def team_of(db, leader_id: uuid.UUID) -> list[Affiliate]:
    """The members of a leader's team, by name."""
    return list(db.scalars(select(Affiliate).where(Affiliate.parent_id == leader_id)
                           .order_by(Affiliate.display_name, Affiliate.id)))


def everybody(db, state: str | None = None) -> list[tuple[Affiliate, Member]]:
    """All affiliates of the platform with their accounts, newest first, for operators."""
    found = select(Affiliate, Member).join(Member, Member.id == Affiliate.member_id).order_by(Affiliate.id.desc())
    return [tuple(row) for row in db.execute(found.where(Affiliate.state == state) if state else found)]


def paid_orders(db, member_id: uuid.UUID, merchant_id: uuid.UUID | None) -> int:
    """How many orders a member paid (at this merchant) and kept at least a part of."""
    found = select(func.count()).select_from(Order).where(
        Order.member_id == member_id, Order.paid_at.is_not(None), Order.refunded_minor < Order.total_minor,
        ~Order.rehearsal)
    return db.scalar(found.where(Order.merchant_id == merchant_id) if merchant_id else found)


@dataclass(frozen=True)
class Standing:
    """Whether an affiliate earns at a merchant now, in which tier, and who leads the team."""
    affiliate_id: uuid.UUID
    member_id: uuid.UUID
    earns: bool
    why_not: str | None  # affiliate_frozen, approval_applied …
    tier: str
    leader_id: uuid.UUID | None  # of an active leader only, who must be approved by the merchant too


# Joins to `x`, which has an affiliate_id, and what `standing_of` reads of them; :merchant_id is the merchant.
STANDING = """a.id, a.member_id, a.state, f.state AS approval, f.tier, leader.id AS leader_id"""
STANDS = """JOIN affiliates a ON a.id = x.affiliate_id
LEFT JOIN affiliations f ON f.affiliate_id = a.id AND f.merchant_id = :merchant_id
LEFT JOIN affiliations leads ON leads.affiliate_id = a.parent_id AND leads.merchant_id = :merchant_id
  AND leads.state = 'active'
LEFT JOIN affiliates leader ON leader.id = leads.affiliate_id AND leader.state = 'active'"""
_STANDINGS = text(f"SELECT {STANDING} FROM unnest(cast(:ids AS uuid[])) x(affiliate_id) {STANDS}")  # noqa: S608


def standings(db, merchant_id: uuid.UUID, affiliate_ids) -> dict[uuid.UUID, Standing]:
    """How these affiliates stand at a merchant, in one statement."""
    rows = db.execute(_STANDINGS, {"merchant_id": merchant_id, "ids": list(affiliate_ids)})
    return {row.id: standing_of(row) for row in rows}


def standing_of(row) -> Standing:
    """What a row with the columns STANDING says."""
    why_not = None
    if row.state != "active":
        why_not = f"affiliate_{row.state}"
    elif row.approval != "active":
        why_not = f"approval_{row.approval or 'missing'}"
    return Standing(row.id, row.member_id, why_not is None, why_not, row.tier or STANDARD, row.leader_id)


def open_invitation(db, token: str) -> Invitation | None:
    """The invitation of a letter's link while it can be taken."""
    return db.scalar(select(Invitation).where(Invitation.token_hash == hash_token(token),
                                              Invitation.accepted_at.is_(None), Invitation.expires_at > now()))


def invitations_of(db, merchant_id: uuid.UUID) -> list[Invitation]:
    """A merchant's invitations, newest first."""
    return list(db.scalars(select(Invitation).where(Invitation.merchant_id == merchant_id)
                           .order_by(Invitation.id.desc())))


def access_invitation(db, merchant_id: uuid.UUID, invitation_id: uuid.UUID) -> Invitation:
    """A merchant's own invitation. Raises NotFound for another's."""
    found = db.get(Invitation, invitation_id)
    if found is None or found.merchant_id != merchant_id:
        raise NotFound
    return found
