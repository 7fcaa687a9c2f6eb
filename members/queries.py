"""Reads, and the doors that say whose things a member may see."""
import uuid

from flask import g, session
from sqlalchemy import func, or_, select

from core.errors import Forbidden, NotFound
from members.access import RIGHTS, is_operator, may
from members.models import Address, Follow, Mail, Member, Merchant, PasswordReset, Role, SignIn

MERCHANT_KEY = "merchant_id"  # in the browser's cookie: the shop a person with several works for now


def member_by_email(db, email: str) -> Member | None:
    return db.scalar(select(Member).where(Member.email == email.strip().lower()))


def access_member(db, member_id) -> Member:
    """Any member, for operators. Raises NotFound."""
    member = db.get(Member, member_id)
    if member is None or member.simulated:
        raise NotFound
    return member


def find_members(db, text: str, limit: int = 50) -> list[Member]:
    """People whose name or e-mail has the text in it, newest first; rehearsal buyers are no people."""
    query = select(Member).where(~Member.simulated).order_by(Member.id.desc()).limit(limit)
    if text:
        part = f"%{escape_like(text)}%"
        query = query.where(or_(Member.email.ilike(part, escape="\\"), Member.name.ilike(part, escape="\\")))
    return list(db.scalars(query))


def escape_like(text: str) -> str:
    """Text in which % and _ mean themselves."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


# -- Merchants

def my_merchants(db, right: str | None = None) -> list[Merchant]:
    """The shops the member works for (with this right), by name; all of them for an operator."""
    query = select(Merchant).order_by(Merchant.name, Merchant.id)
    if not is_operator(g.get("member")):
        roles = g.member.roles if g.get("member") else ()
        ids = {role.merchant_id for role in roles
               if role.merchant_id and (right is None or right in RIGHTS.get(role.kind, ()))}
        query = query.where(Merchant.id.in_(ids))
    return list(db.scalars(query))


def current_merchant(db, right: str | None = None) -> Merchant:
    """The shop that the signed-in person works for now: the one chosen last, else the first.

    Raises Forbidden without."""
    mine = my_merchants(db, right)
    if not mine:
        raise Forbidden
    chosen = session.get(MERCHANT_KEY)
    return next((merchant for merchant in mine if str(merchant.id) == chosen), mine[0])


def access_merchant(db, merchant_id, right: str) -> Merchant:
    """A merchant at which the signed-in person has the right. Raises NotFound for strangers."""
    merchant = db.get(Merchant, merchant_id)
    if merchant is None or not may(g.get("member"), right, merchant_id):
        raise NotFound
    return merchant


def public_merchant(db, merchant_id) -> Merchant:
    """A merchant as everybody may know it. Raises NotFound."""
    merchant = db.get(Merchant, merchant_id)
    if merchant is None:
        raise NotFound
    return merchant


def people_of(db, merchant_id) -> list[tuple[Member, list[Role]]]:
    """Who works for a merchant, by name, with their roles there."""
    rows = db.execute(select(Member, Role).join(Role, Role.member_id == Member.id)
                      .where(Role.merchant_id == merchant_id).order_by(Member.name, Member.id, Role.kind)).all()
    people: dict[uuid.UUID, tuple[Member, list[Role]]] = {}
    for member, role in rows:
        people.setdefault(member.id, (member, []))[1].append(role)
    return list(people.values())


def who_may(db, merchant_id, right: str) -> list[Member]:
    """Who works for a merchant and has the right there."""
    return [member for member, _roles in people_of(db, merchant_id) if may(member, right, merchant_id)]


def merchants_with_people(db) -> list[tuple[Merchant, int]]:
    """Every shop by name, with how many people work there."""
    people = (select(func.count(func.distinct(Role.member_id))).where(Role.merchant_id == Merchant.id)
              .correlate(Merchant).scalar_subquery())
    return [tuple(row) for row in db.execute(select(Merchant, people).order_by(Merchant.name, Merchant.id))]


def house_counts(db) -> dict[str, int]:
    return {"merchants": db.scalar(select(func.count()).select_from(Merchant)),
            "members": db.scalar(select(func.count()).select_from(Member).where(~Member.simulated))}


def is_following(db, member_id, merchant_id) -> bool:
    return db.get(Follow, (member_id, merchant_id)) is not None


def followers(db, merchant_id) -> list[Member]:
    return list(db.scalars(select(Member).join(Follow, Follow.member_id == Member.id).where(
        Follow.merchant_id == merchant_id, Member.disabled_at.is_(None)).order_by(Member.id)))


# -- Addresses

def addresses_of(db, member_id) -> list[Address]:
    """The default first, then the newest."""
    return list(db.scalars(select(Address).where(Address.member_id == member_id, Address.removed_at.is_(None))
                           .order_by(Address.is_default.desc(), Address.id.desc())))


def default_address(db, member_id) -> Address | None:
    return db.scalar(select(Address).where(Address.member_id == member_id, Address.removed_at.is_(None),
                                           Address.is_default))


def access_address(db, address_id, member: Member, *, removed: bool = False) -> Address:
    """One of the member's own addresses (a removed one for undoing). Raises NotFound."""
    address = db.get(Address, address_id)
    if address is None or address.member_id != member.id or (address.removed_at is not None) != removed:
        raise NotFound
    return address


def removed_address(db, address_id: str | None, member: Member) -> Address | None:
    """The member's address that was just removed, so that the page can offer it back; None for anything else."""
    try:
        return access_address(db, uuid.UUID(address_id or ""), member, removed=True)
    except (ValueError, NotFound):
        return None


def address_out(address: Address) -> dict:
    """An address as JSON, also inside a show's snapshot."""
    names = ("name", "line1", "line2", "city", "postcode", "country", "phone", "is_default")
    return {"id": str(address.id), **{name: getattr(address, name) for name in names}}


# -- Sign-ins and letters

def sign_ins_of(db, member_id) -> list[SignIn]:
    return list(db.scalars(select(SignIn).where(SignIn.member_id == member_id, SignIn.ended_at.is_(None),
                                                SignIn.expires_at > func.now()).order_by(SignIn.id.desc())))


def reset_is_open(db, token_hash: str) -> bool:
    return db.scalar(select(PasswordReset.id).where(
        PasswordReset.token_hash == token_hash, PasswordReset.used_at.is_(None),
        PasswordReset.expires_at > func.now())) is not None


def mails(db, state: str, page: int, per_page: int = 50) -> tuple[list[Mail], int]:
    """Letters of the outbox, newest first, with how many there are. state: waiting, sent, failed, or all."""
    query = select(Mail)
    if state != "all":
        query = query.where(mail_is(state))
    total = db.scalar(select(func.count()).select_from(query.subquery()))
    return list(db.scalars(query.order_by(Mail.id.desc()).limit(per_page).offset((page - 1) * per_page))), total


def mail_is(state: str):
    """The condition for a letter to be sent, failed for good, or waiting."""
    return {"sent": Mail.sent_at.is_not(None), "failed": Mail.sent_at.is_(None) & Mail.failed_at.is_not(None),
            "waiting": Mail.sent_at.is_(None) & Mail.failed_at.is_(None)}[state]


def mail_counts(db) -> dict[str, int]:
    counted = db.execute(select(*(func.count().filter(mail_is(state)).label(state)
                                  for state in ("waiting", "sent", "failed")))).one()
    return dict(counted._mapping)


def access_mail(db, mail_id) -> Mail:
    """Any letter, for operators. Raises NotFound."""
    mail = db.get(Mail, mail_id)
    if mail is None:
        raise NotFound
    return mail


def due_mails(db) -> bool:
    """Whether a letter is to be sent now."""
    return db.scalar(select(Mail.id).where(mail_is("waiting"), Mail.next_try_at <= func.now()).limit(1)) is not None
