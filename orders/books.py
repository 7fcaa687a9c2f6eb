"""Every payment, refund and fee of an order as transfers in the ledger, in the transaction that decides it.

`clearing` is the platform's money at the payment provider, `sales` what a merchant sold and was not yet settled,
`fees` what the platform earned. A refund is posted when it is decided, since from then on it is not the merchant's
any more, and posted back if the provider refuses it. Rehearsals move no money and post nothing.
"""
from core.money import share_ppm
from ledger import accounts, balances, transfers
from ledger.transfers import Posting
from orders.models import Order, Refund
from orders.payments.models import Dispute, Payment

PLATFORM = "platform"
CLEARING = accounts.kind("clearing", side="debit")
SALES = accounts.kind("sales", side="credit")  # below zero when money went back after a settlement
FEES = accounts.kind("fees", side="credit")

_fee_ppm = 0


def init(settings) -> None:
    """Take the platform's fee from the settings; an order keeps the one that it was paid under."""
    global _fee_ppm
    _fee_ppm = settings.platform_fee_ppm


def merchant(merchant_id) -> str:
    """A merchant as an owner of accounts."""
    return f"merchant:{merchant_id}"


def journal(order_id) -> str:
    """What all transfers of an order have in common."""
    return f"order:{order_id}"


def fee_of(order: Order, refunded_minor: int) -> int:
    """The platform's fee when `refunded_minor` of the order has gone back: of what is left, half up. So the fee
    follows refunds to a target, and parts of a full refund take back all of it. `orders.fee_minor` says the same."""
    return share_ppm(order.total_minor - refunded_minor, order.fee_ppm)


def paid(db, order: Order, payment: Payment) -> None:
    """The buyer's money is the merchant's, less the platform's fee."""
    if order.rehearsal:
        return
    order.fee_ppm = _fee_ppm
    rows = [(f"pay:{payment.id}", CLEARING, SALES, payment.amount_minor, "payment"),
            (f"pay:{payment.id}:fee", SALES, FEES, fee_of(order, 0), "fee")]
    _post(db, order, rows)


def returned(db, order: Order, payment: Payment, refund: Refund) -> None:
    """Money that the order could not keep came in and goes out."""
    _post(db, order, [(f"pay:{payment.id}", CLEARING, SALES, payment.amount_minor, "late_payment"),
                      (_key(refund), SALES, CLEARING, refund.amount_minor, "late_refund")])


def refund_counted(db, order: Order, payment: Payment, refund: Refund) -> None:
    """A refund was decided, or tried again: its sum is in order.refunded_minor already, if the order kept the money."""
    kept = payment.state == "succeeded"
    rows = [(_key(refund), SALES, CLEARING, refund.amount_minor, "refund" if kept else "late_refund")]
    if kept:
        back = fee_of(order, order.refunded_minor - refund.amount_minor) - fee_of(order, order.refunded_minor)
        rows.append((_key(refund, "fee"), FEES, SALES, back, "fee_back"))
    _post(db, order, rows)


def refund_refused(db, order: Order, payment: Payment, refund: Refund) -> None:
    """The provider did not send it: its sum is out of order.refunded_minor again."""
    rows = [(_key(refund, "refused"), CLEARING, SALES, refund.amount_minor, "refund_refused")]
    if payment.state == "succeeded":
        again = fee_of(order, order.refunded_minor) - fee_of(order, order.refunded_minor + refund.amount_minor)
        rows.append((_key(refund, "refused:fee"), SALES, FEES, again, "fee_again"))
    _post(db, order, rows)


def disputed(db, order: Order, dispute: Dispute) -> None:
    """The buyer's bank took the money: at once, before anybody is heard. The platform's fee stays."""
    _post(db, order, [(f"dispute:{dispute.id}", SALES, CLEARING, dispute.amount_minor, "dispute")])


def dispute_won(db, order: Order, dispute: Dispute) -> None:
    """The bank gave it back to the shop."""
    _post(db, order, [(f"dispute:{dispute.id}:won", CLEARING, SALES, dispute.amount_minor, "dispute_won")])


def _key(refund: Refund, what: str = "") -> str:
    return f"refund:{refund.id}:{refund.attempt}" + (what and f":{what}")


def _post(db, order: Order, rows: list[tuple]) -> None:
    """(key, debited kind, credited kind, minor units, code); nothing is posted for 0."""
    if order.rehearsal:
        return
    rows = [row for row in rows if row[3]]
    owners = {CLEARING: PLATFORM, FEES: PLATFORM, SALES: merchant(order.merchant_id)}
    ids = accounts.open_all(db, {(owners[kind], kind, order.currency) for row in rows for kind in row[1:3]})
    transfers.post_all(db, [
        Posting(key, ids[owners[debit], debit, order.currency],
                ids[owners[credit], credit, order.currency], amount_minor, code, journal(order.id))
        for key, debit, credit, amount_minor, code in rows])


def transfers_of(db, order: Order) -> list[tuple]:
    """An order's transfers as (when, code, minor units as the merchant sees them), in the order of writing."""
    return [(row.created_at, row.code, row.amount_minor if row.credit_kind == SALES else -row.amount_minor)
            for row in balances.of_journal(db, journal(order.id))]
