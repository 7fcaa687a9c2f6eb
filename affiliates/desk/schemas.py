"""What the desks accept."""
from marshmallow import fields, validate

from core.web import In

NOTE = validate.Length(1, 2000)


class DecideIn(In):
    """Several held lines at once, one decision and one note."""
    id = fields.List(fields.UUID(), required=True, validate=validate.Length(1, 100))
    decision = fields.String(required=True, validate=validate.OneOf(("released", "rejected")))
    note = fields.String(required=True, validate=NOTE)


class NoteIn(In):
    note = fields.String(required=True, validate=NOTE)


class HoldIn(In):
    """An order whose lines shall wait for a person."""
    number = fields.Integer(required=True, validate=validate.Range(min=1, max=2**62))
    note = fields.String(required=True, validate=NOTE)
