"""Writes: accounts, roles, addresses and letters. Each takes an open session, flushes and never commits."""
from contextlib import contextmanager
from datetime import timedelta

from flask import current_app, g
from flask_babel import force_locale
from flask_babel import gettext as _
from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert

from core import events
from core.errors import DomainError, Invalid, NotFound
from core.i18n import LANGUAGES, known, locale
from core.ids import new_id
from members import passwords
from members.identity import end_sign_ins, hash_token, new_token
from members.models import Address, Follow, Mail, Member, Merchant, PasswordReset, Role
from members.words import role_names

RESET_LIFE = timedelta(hours=1)
# Enough for a person who keeps losing the letter, too few to fill a stranger's mailbox.
RESETS_PER_HOUR = 5
MOST_ADDRESSES = 20
# Letters whose link opens an account: members.jobs blanks them once they are sent.
RESET_MAIL, INVITE_MAIL, CHANGE_MAIL = "reset:", "invite:", "email:"


# -- Accounts

def sign_up(db, *, email: str, name: str, password: str, language: str | None = None) -> Member:
    """A new member. Raises Invalid for a weak password or an e-mail that has an account."""
    passwords.refuse_weak(password, email, name)
    hashed = passwords.hash_password(password)  # before the first statement, so no connection waits for it
    member_id = db.scalar(insert(Member).values(
        id=new_id(), email=email.strip().lower(), name=name, password_hash=hashed, language=language, simulated=False,
    ).on_conflict_do_nothing(index_elements=[Member.email]).returning(Member.id))
    if member_id is None:
        raise Invalid(fields={"email": [_("There is an account with this e-mail already. Sign in instead.")]})
    return db.get_one(Member, member_id)


def rename(db, member_id, name: str) -> None:
    db.execute(update(Member).where(Member.id == member_id).values(name=name))


def set_language(db, member_id, language: str) -> None:
    db.execute(update(Member).where(Member.id == member_id).values(language=language))


def set_password(db, member: Member, password_hash: str, *, keep_sign_in=None) -> None:
    """A new password ends every other sign-in and every reset link that is under way."""
    db.execute(update(Member).where(Member.id == member.id).values(password_hash=password_hash))
    db.execute(update(PasswordReset).where(PasswordReset.member_id == member.id, PasswordReset.used_at.is_(None))
               .values(used_at=func.now()))
    end_sign_ins(db, member.id, but=keep_sign_in)
    write_mail(db, key=f"password:{new_id()}", member=member, subject=_("Your password was changed"), body=_(
        "Hello %(name)s,\n\nthe password of your account was changed just now, and other browsers were signed out.\n\n"
        "If that was not you, ask for a new password on the sign-in page at once.", name=member.name))


def start_reset(db, member: Member, link) -> bool:
    """Write the letter with a link that sets a new password; `link(token)` makes its address. False if the last hour
    has seen enough of them: those that were sent still work, so nobody can spend them to keep the owner out."""
    db.execute(select(Member.id).where(Member.id == member.id).with_for_update())
    recent = db.scalar(select(func.count()).select_from(PasswordReset).where(
        PasswordReset.member_id == member.id, PasswordReset.created_at > func.now() - RESET_LIFE))
    if recent >= RESETS_PER_HOUR:
        return False
    token = new_reset(db, member)
    with speaking_to(member):
        write_mail(db, key=f"{RESET_MAIL}{new_id()}", member=member, subject=_("A new password for Livestall"), body=_(
            "Hello %(name)s,\n\nsomebody, probably you, asked for a new password. Set it here within an hour:\n\n"
            "%(link)s\n\nIf it was not you, do nothing: your password stays as it is.",
            name=member.name, link=link(token)))
    return True


def new_reset(db, member: Member) -> str:
    """A token that sets a new password once within an hour; only its hash is kept."""
    token = new_token()
    db.add(PasswordReset(member_id=member.id, token_hash=hash_token(token), expires_at=func.now() + RESET_LIFE))
    db.flush()
    return token


def use_reset(db, token: str) -> Member:
    """The member whose reset link this is; the link works once. Raises NotFound if it is used, old or made up."""
    member_id = db.scalar(update(PasswordReset).where(
        PasswordReset.token_hash == hash_token(token), PasswordReset.used_at.is_(None),
        PasswordReset.expires_at > func.now()).values(used_at=func.now()).returning(PasswordReset.member_id))
    member = member_id and db.get(Member, member_id)
    if member is None or member.disabled_at:
        raise NotFound
    return member


def disable(db, member: Member, by: Member) -> None:
    """Shut an account: it is signed out everywhere and cannot sign in. Its orders and events stay."""
    if member.id == by.id:
        raise DomainError(_("You cannot shut your own account here."))
    db.execute(update(Member).where(Member.id == member.id, Member.disabled_at.is_(None))
               .values(disabled_at=func.now()))
    end_sign_ins(db, member.id)


def enable(db, member: Member) -> None:
    db.execute(update(Member).where(Member.id == member.id).values(disabled_at=None))


# -- Roles

def grant(db, member: Member, kind: str, merchant: Merchant | None, by: Member | None) -> bool:
    """Give a role; False if the member had it. `merchant` is None for operators only."""
    fresh = db.scalar(insert(Role).values(
        id=new_id(), member_id=member.id, merchant_id=merchant and merchant.id, kind=kind, granted_by=by and by.id,
    ).on_conflict_do_nothing().returning(Role.id))
    db.expire(member, ["roles"])
    return fresh is not None


def revoke(db, merchant: Merchant, member_id, kind: str) -> Member:
    """Take a role back. Raises NotFound if it is not held, DomainError for the last of the staff: somebody must be able
    to open the door again."""
    db.execute(select(Merchant.id).where(Merchant.id == merchant.id).with_for_update())  # two cannot remove each other
    role = db.scalar(select(Role).where(Role.merchant_id == merchant.id, Role.member_id == member_id,
                                        Role.kind == kind))
    if role is None:
        raise NotFound
    if kind == "merchant_staff":
        others = db.scalar(select(func.count()).select_from(Role).where(
            Role.merchant_id == merchant.id, Role.kind == kind, Role.member_id != member_id))
        if not others:
            raise DomainError(_("A shop needs somebody who can let people in: name another first."))
    member = role.member
    db.delete(role)
    db.flush()
    db.expire(member, ["roles"])
    # Rooms were entered with the old role, so the sockets must come again.
    events.append(db, events.member_stream(member_id), "roles.changed", {"merchant_id": str(merchant.id)}, urgent=True)
    return member


def create_merchant(db, *, name: str, slug: str, currency: str, country: str, contact_email: str) -> Merchant:
    """A new shop. Raises Invalid if its short name is taken."""
    merchant_id = db.scalar(insert(Merchant).values(
        id=new_id(), name=name, slug=slug, currency=currency, country=country, contact_email=contact_email,
        delivery_note="", returns_note="",
    ).on_conflict_do_nothing(index_elements=[Merchant.slug]).returning(Merchant.id))
    if merchant_id is None:
        raise Invalid(fields={"slug": [_("Another shop has this short name.")]})
    return db.get_one(Merchant, merchant_id)


def change_merchant(db, merchant: Merchant, **settings) -> None:
    """Name, contact and the promises beside Buy."""
    for name, value in settings.items():
        setattr(merchant, name, value)
    db.flush()


def follow(db, member_id, merchant_id, on: bool) -> None:
    """Hear of a merchant's shows, or no longer; saying it twice is saying it once."""
    if on:
        db.execute(insert(Follow).values(member_id=member_id, merchant_id=merchant_id).on_conflict_do_nothing())
    else:
        db.execute(Follow.__table__.delete().where(Follow.member_id == member_id, Follow.merchant_id == merchant_id))


# -- Addresses

def add_address(db, member: Member, *, is_default: bool = False, **lines) -> Address:
    """An address of the member; the same one again gives the one that is there. The first becomes the default."""
    db.execute(select(Member.id).where(Member.id == member.id).with_for_update())
    here = db.scalars(select(Address).where(Address.member_id == member.id, Address.removed_at.is_(None))).all()
    same = next((row for row in here if all(getattr(row, name) == value for name, value in lines.items())), None)
    if same is None and len(here) >= MOST_ADDRESSES:
        raise DomainError(_("You have %(most)s addresses. Remove one first.", most=MOST_ADDRESSES),
                          code="too_many_addresses")
    if same is None:
        same = Address(member_id=member.id, is_default=False, **lines)
        db.add(same)
        db.flush()
    if is_default or not any(row.is_default for row in here):
        make_default(db, same)
    return same


def change_address(db, address: Address, *, is_default: bool = False, **lines) -> None:
    for name, value in lines.items():
        setattr(address, name, value)
    db.flush()
    if is_default:
        make_default(db, address)


def make_default(db, address: Address) -> None:
    db.execute(select(Member.id).where(Member.id == address.member_id).with_for_update())
    db.execute(update(Address).where(Address.member_id == address.member_id, Address.is_default,
                                     Address.id != address.id).values(is_default=False))
    address.is_default = True
    db.flush()


def remove_address(db, address: Address) -> None:
    """Take an address off the list (orders have their own copy); the newest other one becomes the default."""
    db.execute(select(Member.id).where(Member.id == address.member_id).with_for_update())
    was_default, address.is_default = address.is_default, False
    address.removed_at = func.now()
    db.flush()
    heir = was_default and db.scalar(select(Address).where(
        Address.member_id == address.member_id, Address.removed_at.is_(None)).order_by(Address.id.desc()).limit(1))
    if heir:
        make_default(db, heir)


def restore_address(db, address: Address, *, as_default: bool) -> None:
    """Undo a removal."""
    address.removed_at = None
    db.flush()
    if as_default or not db.scalar(select(Address.id).where(
            Address.member_id == address.member_id, Address.is_default, Address.removed_at.is_(None))):
        make_default(db, address)


# -- Letters

@contextmanager
def speaking_to(reader: Member | None):
    """Within this, sentences are in the language of who reads the letter; gives its locale, for sums. Who never chose
    one gets the page's if they asked for the letter themselves or are no member yet, else the configured default."""
    code = known(reader.language) if reader else None
    if reader and not code and g.get("member") and g.member.id != reader.id:  # ids: each session has its own object
        code = known(current_app.config["LIVESTALL"].default_language)
    name = LANGUAGES[code][0] if code else locale()
    with force_locale(name):
        yield name


def write_mail(db, *, key: str, subject: str, body: str, member: Member | None = None, to_email: str = "") -> None:
    """Put a letter into the outbox of this transaction; the same key twice is one letter. To `member`, or to an e-mail
    that has no account yet."""
    db.execute(insert(Mail).values(
        id=new_id(), key=key, member_id=member and member.id, to_email=member.email if member else to_email,
        subject=" ".join(subject.split()), body=body, tries=0).on_conflict_do_nothing(index_elements=[Mail.key]))


def write_invitation(db, *, email: str, shop: Merchant, role: str, by: Member, link: str) -> None:
    """A letter with a link that gives a role to who signs up with this e-mail."""
    write_mail(db, key=f"{INVITE_MAIL}{new_id()}", to_email=email,
               subject=_("%(shop)s invites you to Livestall", shop=shop.name), body=_(
        "Hello,\n\n%(by)s invites you to work for %(shop)s on Livestall (%(role)s). Make your account here within a "
        "week:\n\n%(link)s\n\nIf you do not know %(shop)s, do nothing.",
        by=by.name, shop=shop.name, role=role, link=link))


def write_welcome(db, *, member: Member, shop: Merchant, kind: str, by: Member) -> None:
    """Tell a member of a new role."""
    with speaking_to(member):
        subject = _("You now work for %(shop)s", shop=shop.name)
        write_mail(db, key=f"role:{new_id()}", member=member, subject=subject, body=_(
            "Hello %(name)s,\n\n%(by)s made you %(role)s of %(shop)s on Livestall. You find the shop under Studio when "
            "you are signed in.", name=member.name, by=by.name, role=role_names()[kind], shop=shop.name))


def try_mail_again(db, mail: Mail) -> None:
    """Give a letter all its tries once more."""
    mail.tries, mail.failed_at, mail.next_try_at = 0, None, func.now()
    db.flush()


__all__ = ["add_address", "end_sign_ins", "grant", "sign_up", "write_mail"]
