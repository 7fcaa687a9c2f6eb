"""What orders accept. Prices, amounts and states are never among it: whoever sends one is refused."""
from marshmallow import fields, validate, validates_schema
from marshmallow.exceptions import ValidationError

from core.web import In
from orders.models import REFUND_REASONS
from orders.payments.sandbox import CARDS

# A browser makes its keys with crypto.randomUUID(); they stand in addresses and in the provider's headers.
KEY = validate.Regexp(r"^[A-Za-z0-9_-]{8,64}$")
# What staff may give as a reason; the others are the machine's.
STAFF_REASONS = tuple(reason for reason in REFUND_REASONS if not reason.endswith("_payment"))


class PayIn(In):
    """How to pay. card_id only goes with method "card"; without it the default card is charged."""
    key = fields.String(required=True, validate=KEY)
    method = fields.String(required=True, validate=validate.OneOf(("card", "bank_page")))
    card_id = fields.UUID()

    @validates_schema
    def card_only_with_cards(self, data, **_):
        if data.get("card_id") and data.get("method") != "card":
            raise ValidationError({"card_id": ["only with method card"]})


class CheckoutIn(PayIn):
    hold_id = fields.UUID(required=True)
    address_id = fields.UUID(required=True)
    coupon = fields.String(validate=validate.Length(1, 40))


class CouponIn(In):
    """A code as typed, and the offer that it shall be used for."""
    code = fields.String(required=True, validate=validate.Length(1, 40))
    offer_id = fields.UUID(required=True)


class KeyIn(In):
    key = fields.String(required=True, validate=KEY)


class CardIn(In):
    """A test card: what the sandbox bank will do with it."""
    outcome = fields.String(load_default="approve", validate=validate.OneOf(tuple(CARDS)))


class SendIn(In):
    carrier = fields.String(load_default="", validate=validate.Length(max=60))
    tracking_code = fields.String(load_default="", validate=validate.Length(max=80))


class RefundIn(In):
    """`lines` is gathered from the form's fields line-<id>."""
    key = fields.String(required=True, validate=KEY)
    reason = fields.String(required=True, validate=validate.OneOf(STAFF_REASONS))
    note = fields.String(load_default="", validate=validate.Length(max=500))
    restock = fields.Boolean(load_default=False)
    lines = fields.Dict(keys=fields.UUID(), values=fields.Integer(strict=False, validate=validate.Range(0, 1_000_000)),
                        required=True)
