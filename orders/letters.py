"""Letters about an order, in the reader's language, written in the transaction that causes them; once per cause."""
from flask import current_app
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import lazyload

from core.money import format_money
from members.actions import speaking_to, write_mail
from members.countries import country_name
from members.models import Member, Merchant
from members.queries import who_may
from orders.models import Order, Refund
from orders.payments.models import Dispute


def people(db, order: Order) -> tuple[Member, str]:
    """Who bought and the shop's name: read before stock is locked, so that nobody waits for a letter."""
    member = db.get(Member, order.member_id, options=[lazyload(Member.roles)])
    return member, db.scalar(select(Merchant.name).where(Merchant.id == order.merchant_id))


def order_paid(db, order: Order, who: tuple[Member, str]) -> None:
    """The confirmation, with what was bought, where it goes and what was promised."""
    def body(shop, money):
        lines = "\n".join(f"{line.quantity} × {line.title}   {money(line.gross_minor)}" for line in order.lines)
        if order.discount_minor:
            lines += "\n" + _("Coupon %(code)s", code=order.coupon_code) + f"   {money(-order.discount_minor)}"
        return _("Thank you for your order %(number)s from %(shop)s.\n\n%(lines)s\n\nTotal %(total)s, paid.\n\n"
                 "It goes to:\n%(address)s\n\nSee your order: %(url)s",
                 number=order.number, shop=shop, lines=lines, total=money(order.total_minor),
                 address=address_text(order.address), url=order_url(order))
    _write(db, order, f"order-paid:{order.id}", body,
           lambda: _("Your order %(number)s is confirmed", number=order.number), who)


def order_sent(db, order: Order) -> None:
    def body(shop, _money):
        words = [_("%(shop)s has sent your order %(number)s.", shop=shop, number=order.number)]
        if order.tracking_code:
            words.append(_("Carrier: %(carrier)s. Tracking code: %(code)s", carrier=order.carrier or "–",
                           code=order.tracking_code))
        words.append(_("See your order: %(url)s", url=order_url(order)))
        return "\n\n".join(words)
    _write(db, order, f"order-sent:{order.id}", body,
           lambda: _("Your order %(number)s is on its way", number=order.number))


def refunded(db, order: Order, refund: Refund) -> None:
    """Money is on its way back, and why."""
    def body(shop, money):
        words = {
            "late_payment": _("Your payment for order %(number)s arrived after your reservation had ended, and the "
                              "units were gone. We have sent the whole amount back.", number=order.number),
            "second_payment": _("Order %(number)s was paid twice. We have sent the second payment back.",
                                number=order.number),
        }.get(refund.reason) or _("%(shop)s has sent money back for your order %(number)s.", shop=shop,
                                  number=order.number)
        return "\n\n".join([words, _("Refund: %(amount)s. Banks take up to ten days to show it.",
                                     amount=money(refund.amount_minor)),
                            _("See your order: %(url)s", url=order_url(order))])
    _write(db, order, f"refund:{refund.id}", body, lambda: _("Money back for order %(number)s", number=order.number))


def disputed(db, order: Order, dispute: Dispute) -> None:
    """To the shop, which alone can answer the bank; only in its provider's own pages, and within days."""
    if order.rehearsal:
        return
    for reader in who_may(db, order.merchant_id, "orders"):
        with speaking_to(reader) as locale:
            write_mail(db, key=f"dispute:{dispute.id}:{reader.id}", member=reader,
                       subject=_("A bank takes the money of order %(number)s back", number=order.number), body=_(
                "Hello %(name)s,\n\nthe buyer's bank took %(amount)s of order %(number)s back. Reason: %(reason)s.\n\n"
                "Answer at your payment provider; after some days it can no longer be won. Do not refund the order as "
                "well: until the dispute is won, the money would be gone twice.\n\n%(url)s",
                name=reader.name, amount=format_money(dispute.amount_minor, order.currency, locale),
                number=order.number, reason=dispute.reason or "–",
                url=f"{current_app.config['LIVESTALL'].base_url}/studio/orders/{order.id}"))


def _write(db, order: Order, key: str, body, subject, who: tuple[Member, str] | None = None) -> None:
    member, shop = who or people(db, order)
    if order.rehearsal or member.simulated:
        return
    with speaking_to(member) as locale:
        write_mail(db, key=key, member=member, subject=subject(),
                   body=body(shop, lambda minor: format_money(minor, order.currency, locale)))


def order_url(order: Order) -> str:
    return f"{current_app.config['LIVESTALL'].base_url}/orders/{order.id}"


def address_text(address: dict) -> str:
    """An order's address as lines."""
    lines = (address["name"], address["line1"], address.get("line2"),
             f"{address['postcode']} {address['city']}", country_name(address["country"]))
    return "\n".join(line for line in lines if line)
