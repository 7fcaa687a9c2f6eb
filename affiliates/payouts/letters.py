"""The letter that a stolen session cannot stop: somebody said where the money goes."""
import uuid

from flask_babel import gettext as _

from affiliates.payouts import words
from members.actions import speaking_to, write_mail
from members.models import Merchant
from members.queries import who_may


def account_set(db, member, account) -> None:
    """To who set the account and, for a shop's, to everybody there who may; once a change, each in their language."""
    kind, _colon, id_ = account.owner.partition(":")
    shop = db.get(Merchant, uuid.UUID(id_)) if kind == "merchant" else None
    others = who_may(db, shop.id, "affiliates") if shop else []
    for reader in {one.id: one for one in (member, *others)}.values():
        with speaking_to(reader):
            write_mail(db, key=f"payout-account:{account.id}:{reader.id}", member=reader,
                       subject=_("Your payout account was set"), body=_body(member, account, shop))


def _body(member, account, shop: Merchant | None) -> str:
    told = {"day": f"{account.usable_from:%Y-%m-%d %H:%M} UTC", "account": words.account(account)}
    if shop:
        return _("%(name)s set where the money of %(shop)s goes: to %(account)s, from %(day)s on and when we have "
                 "verified it.\n\nIf that is not right, tell us at once.", name=member.name, shop=shop.name, **told)
    return _("Your earnings will go to %(account)s, from %(day)s on and when we have verified it.\n\nIf this was not "
             "you, change your password and tell us at once.", **told)
