"""Why an order, a payment or a refund was refused."""
from flask_babel import lazy_gettext as _l

from core.errors import DomainError


class HoldOver(DomainError):
    code, message = "hold_over", _l("Your reservation has ended. Nothing was charged.")


class AlreadyOrdered(DomainError):
    """The hold has an order; `order_id` and `url` say which."""
    code, message = "already_ordered", _l("There is an order for this already.")


class AlreadyPaid(DomainError):
    code, message = "already_paid", _l("This order is paid.")


class PaymentRunning(DomainError):
    code, message = "payment_running", _l("Your last payment has not been answered yet. Please wait a moment.")


class NotPayable(DomainError):
    code, message = "not_payable", _l("This order can no longer be paid.")


class CardGone(DomainError):
    code, status, message = "card_gone", 422, _l("That card is not saved here.")


class CouponRefused(DomainError):
    """`code` says why: coupon_unknown, coupon_over, coupon_elsewhere, coupon_too_small."""
    code, status, message = "coupon_unknown", 422, _l("We do not know this coupon code.")

    def __init__(self, message=None, *, code=None):
        super().__init__(message, code=code)
        self.fields = {"coupon": [self.message]}


class AlreadySent(DomainError):
    code, message = "already_sent", _l("This order is on its way, so it can no longer be cancelled here.")


class NotCancellable(DomainError):
    code, message = "not_cancellable", _l("This order cannot be cancelled.")


class NotRefundable(DomainError):
    code, status, message = "not_refundable", 422, _l("Nothing of this order can be refunded.")


class WrongStep(DomainError):
    code, message = "wrong_step", _l("This order is not at that step.")


class CardsElsewhere(DomainError):
    code, message = "cards_elsewhere", _l("Cards are saved on the bank's page when you pay.")
