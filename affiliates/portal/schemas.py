"""What the portal accepts."""
from marshmallow import fields, validate

from core.web import In


class ApplyIn(In):
    """How an affiliate calls themselves, and where they promote."""
    display_name = fields.String(load_default="", validate=validate.Length(max=80))
    about = fields.String(load_default="", validate=validate.Length(max=1000))


class NameIn(In):
    display_name = fields.String(required=True, validate=validate.Length(1, 80))
    about = fields.String(load_default="", validate=validate.Length(max=1000))


class PayoutIn(In):
    """Where the money shall go: an IBAN, or a number with its bank's code. The password is asked each time."""
    method = fields.String(load_default="bank", validate=validate.OneOf(("bank", "sandbox", "stripe")))
    holder = fields.String(required=True, validate=validate.Length(1, 70))
    iban = fields.String(load_default="", validate=validate.Length(max=50))
    number = fields.String(load_default="", validate=validate.Length(max=50))
    bank_code = fields.String(load_default="", validate=validate.Length(max=50))
    bic = fields.String(load_default="", validate=validate.Length(max=20))
    account = fields.String(load_default="", validate=validate.Length(max=50))
    password = fields.String(required=True)


class AppealIn(In):
    body = fields.String(required=True, validate=validate.Length(1, 2000))


class AnswerIn(In):
    """A member of the shop's staff answers; with `release`, what is held is let go as well."""
    note = fields.String(required=True, validate=validate.Length(1, 2000))
    release = fields.Boolean(load_default=False)
