"""What the payout console accepts."""
from marshmallow import fields, validate

from affiliates.payouts.models import METHODS
from core.web import In
from members.schemas import CURRENCIES

NOTE = validate.Length(1, 500)


class BatchIn(In):
    """A new batch: everybody who is owed at least `threshold` in this currency and can be paid this way."""
    currency = fields.String(required=True, validate=validate.OneOf(CURRENCIES))
    channel = fields.String(required=True, validate=validate.OneOf(METHODS))
    threshold = fields.String(required=True, validate=validate.Length(1, 20))


class DecideIn(In):
    """What a person who asked the bank found out."""
    outcome = fields.String(required=True, validate=validate.OneOf(("paid", "rejected", "returned", "stands")))
    note = fields.String(required=True, validate=NOTE)


class WriteOffIn(In):
    """A debt that is let off, in whole or in part. `key` is the browser's: the same twice is once."""
    owner = fields.String(required=True, validate=validate.Length(1, 80))
    currency = fields.String(required=True, validate=validate.OneOf(CURRENCIES))
    amount = fields.String(required=True, validate=validate.Length(1, 20))
    note = fields.String(required=True, validate=NOTE)
    key = fields.UUID(required=True)
