"""What a person types into the desks' forms: percentages, amounts, whole numbers, ids that may be left out."""
import re
import uuid
from decimal import Decimal

from flask_babel import gettext as _
from marshmallow import ValidationError, fields

from core import money
from core.errors import Invalid

_PERCENT = re.compile(r"\d{1,3}(?:[.,]\d{1,4})?")


class Percent(fields.Field):
    """"8.5", "8,5" or "8.5 %" as parts per million; nothing typed is None."""

    def _deserialize(self, value, attr, data, **kwargs):
        typed = str(value).replace("%", "").strip()
        if not typed:
            return None
        if not _PERCENT.fullmatch(typed):
            raise ValidationError(_("Give a percentage like 8.5."))
        return int(Decimal(typed.replace(",", ".")) * 10_000)


class Whole(fields.Field):
    """A whole number between two bounds; nothing typed is None."""

    def __init__(self, least: int, most: int, **more):
        super().__init__(**more)
        self.least, self.most = least, most

    def _deserialize(self, value, attr, data, **kwargs):
        typed = str(value).strip()
        if not typed:
            return None
        if not typed.isascii() or not typed.isdigit() or not self.least <= int(typed[:12]) <= self.most:
            raise ValidationError(_("From %(low)s to %(high)s.", low=self.least, high=self.most))
        return int(typed)


class Choice(fields.Field):
    """An id of a list in which nothing may be chosen."""

    def _deserialize(self, value, attr, data, **kwargs):
        try:
            return uuid.UUID(value) if value else None
        except ValueError:
            raise ValidationError(_("We cannot read that.")) from None


def minor(typed: str, currency: str, field: str) -> int | None:
    """Minor units of a typed amount above 0; None if nothing was typed. Raises Invalid for the field."""
    if not typed.strip():
        return None
    try:
        amount = money.parse(typed, currency)
    except ValueError:
        amount = 0
    if amount < 1:
        raise Invalid(fields={field: [_("Enter an amount above 0.")]})
    return amount


def tier_of(typed: str) -> str:
    """The level as it is kept. Raises Invalid."""
    tier = typed.strip().lower().replace(" ", "-")
    if not 1 <= len(tier) <= 30 or not all(sign.isascii() and (sign.isalnum() or sign in "-_") for sign in tier):
        raise Invalid(fields={"tier": [_("Small letters, digits and hyphens, at most 30.")]})
    return tier
