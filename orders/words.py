"""How states read. Colours keep their meanings: leaf is well, harbour waits, vermilion is trouble."""
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import pgettext

from orders.models import Order, Refund
from orders.payments.models import Dispute, Payment

REASONS = {"cancelled": _l("Order cancelled"), "returned": _l("Sent back by the buyer"),
           "damaged": _l("Arrived damaged"), "missing": _l("Did not arrive"), "goodwill": _l("Goodwill"),
           "late_payment": _l("Payment came after the reservation ended"), "second_payment": _l("Paid twice")}

# An order's transfers, as the merchant sees them.
TRANSFERS = {"payment": _l("Paid by the buyer"), "fee": _l("Fee of the platform"),
             "refund": _l("Sent back to the buyer"), "fee_back": _l("Part of the fee, given back"),
             "refund_refused": _l("Came back: the bank refused the refund"), "fee_again": _l("Fee, taken again"),
             "late_payment": _l("Payment that the order could not keep"), "late_refund": _l("That payment, sent back"),
             "dispute": _l("Taken back by the buyer's bank"), "dispute_won": _l("Given back by the buyer's bank")}


def state_of(order: Order) -> tuple[str, str]:
    """(words, kind of chip) for an order as a whole."""
    if order.state == "awaiting_payment":
        return _("Waiting for payment"), "calm"
    if order.state == "expired":
        return _("Not paid in time"), ""
    if order.state == "cancelled":
        return _("Cancelled"), ""
    if order.refunded_minor == order.total_minor:
        return _("Refunded"), "calm"
    return {"to_pack": (_("Paid, being packed"), "stock"), "sent": (_("On its way"), "stock"),
            "delivered": (_("Delivered"), "stock")}[order.fulfilment]


def desk_state(order: Order) -> tuple[str, str]:
    """The same for the people who pack."""
    if order.state == "paid" and order.fulfilment == "to_pack":
        return _("To pack"), "money"
    if order.state == "paid" and order.fulfilment == "sent" and order.refunded_minor < order.total_minor:
        return _("Sent"), "calm"
    return state_of(order)


def money_back(order: Order, refunds: list[Refund]) -> str:
    """What became of a cancelled order's money; empty while nobody has sent it. A refusal is over when all is back."""
    if any(refund.state == "pending" for refund in refunds):
        return _("Your money is on its way back.")
    if order.refunded_minor == order.total_minor:
        return _("Your money was sent back.")
    return _("Your bank refused the money. The shop will send it again.") if refunds else ""


def failure(payment: Payment | None) -> str:
    """Why the last attempt took no money; empty if it did not fail."""
    if payment is None or payment.state != "failed":
        return ""
    if payment.failure == "abandoned":
        return _("The payment was not finished. Nothing was charged.")
    if payment.failure == "never_sent":
        return _("The payment did not reach the bank. Nothing was charged.")
    return _("The bank said no. Nothing was charged.")


def payment_words(payment: Payment) -> tuple[str, str]:
    """(words, kind of chip) for one attempt."""
    if payment.failure == "amount_mismatch":
        return _("Amount differs, please check"), "urgent"
    return {"created": (_("Starting"), "calm"), "pending": (_("At the bank"), "calm"),
            "unknown": (_("No answer yet"), "calm"), "succeeded": (_("Paid"), "stock"),
            "failed": (_("Failed"), ""), "returned": (_("Sent back"), "calm")}[payment.state]


def refund_words(refund: Refund) -> tuple[str, str]:
    return {"pending": (pgettext("money", "On its way"), "calm"), "succeeded": (_("Sent back"), "stock"),
            "failed": (_("Refused by the bank"), "urgent")}[refund.state]


def dispute_words(dispute: Dispute) -> tuple[str, str]:
    return {"open": (pgettext("dispute", "Open"), "urgent"), "won": (pgettext("dispute", "Won"), "stock"),
            "lost": (pgettext("dispute", "Lost"), "")}[dispute.state]


def method_words(payment: Payment) -> str:
    return _("Saved card") if payment.method == "card" else _("Bank page")


def show_time(second: int | None) -> str:
    """A second of the show as a clock: "12:34", "1:02:14"."""
    if second is None:
        return ""
    hours, rest = divmod(second, 3600)
    minutes, seconds = divmod(rest, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes:02}:{seconds:02}"
