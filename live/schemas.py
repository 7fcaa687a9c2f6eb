"""What pages may send to a show, over sockets and over HTTP: the same schemas for both doors."""
from flask_babel import gettext as _
from marshmallow import ValidationError, fields, validate

from core.web import In

Key = validate.Length(min=1, max=64)


class Strict(fields.Integer):
    """A whole number written as one: no "3", no 1.5, no NaN, nothing that 8 bytes cannot hold."""

    def __init__(self, **kwargs):
        super().__init__(strict=True, **kwargs)

    def _validated(self, value):
        if isinstance(value, bool) or not isinstance(value, int):
            raise self.make_error("invalid", input=value)
        return super()._validated(value)


class Flag(fields.Field):
    """true or false, written as such; 1 is a number."""

    def _deserialize(self, value, attr, data, **kwargs):
        if not isinstance(value, bool):
            raise ValidationError(_("Say true or false."))
        return value


class JoinIn(In):
    live_id = fields.UUID(required=True)


class LeaveIn(In):
    live_id = fields.UUID(load_default=None)


class NothingIn(In):
    """No fields."""


class ClaimIn(In):
    key = fields.String(required=True, validate=Key)
    offer_id = fields.UUID(required=True)
    quantity = Strict(required=True, validate=validate.Range(min=1, max=1000))


class SocketClaimIn(ClaimIn):
    live_id = fields.UUID(required=True)


class ChatIn(In):
    live_id = fields.UUID(required=True)
    key = fields.String(required=True, validate=Key)
    body = fields.String(required=True, validate=validate.Length(min=1, max=2000))


class ReactIn(In):
    live_id = fields.UUID(required=True)
    count = Strict(load_default=1, validate=validate.Range(min=1, max=20))


class WaitIn(In):
    offer_id = fields.UUID(required=True)
    quantity = Strict(load_default=1, validate=validate.Range(min=1, max=1000))


class OnIn(In):
    on = Flag(required=True)
