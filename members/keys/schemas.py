"""What the account's page of keys accepts."""
from marshmallow import fields, validate

from core.web import In
from members.keys.models import SCOPES


def field_of(scope: str) -> str:
    """The name of a scope's box."""
    return scope.replace(":", "_")


class _KeyIn(In):
    """The name, the shop (where the key is for one), the password; a box a scope."""
    name = fields.String(required=True, validate=validate.Length(1, 60))
    merchant_id = fields.UUID(load_default=None, allow_none=True)
    current_password = fields.String(required=True)


KeyIn = type("KeyIn", (_KeyIn,), {field_of(scope): fields.Boolean(load_default=False) for scope in SCOPES})
