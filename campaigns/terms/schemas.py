"""What may be said about campaigns and offers. Amounts are whole minor units; nothing else is a number here."""
import unicodedata

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from marshmallow import ValidationError, fields, validate

from campaigns.terms.models import AFTER_SALE
from core.money import MAX_MINOR
from core.web import In

NAME_LENGTH = 120
# 1,000 is what the database allows a member; more of one thing is a wholesale order, not a show.
MOST_PER_MEMBER = 1000
MOST_UNITS = 1_000_000
# A page of the search holds 50; two hundred at once is a whole show, prepared.
MOST_AT_ONCE = 200
WORDS = {"required": _l("Fill this in."), "null": _l("Fill this in."), "invalid": _l("Check this."),
         "invalid_uuid": _l("Check this.")}


class Whole(fields.Field):
    """A whole number within bounds: 1.5, NaN, "7", true and 2^63 are refused in words."""

    def __init__(self, least: int, most: int, **options):
        super().__init__(error_messages=WORDS, **options)
        self.least, self.most = least, most

    def _deserialize(self, value, attr, data, **kwargs):
        if type(value) is not int or not self.least <= value <= self.most:
            raise ValidationError(_("Enter a whole number from %(least)s to %(most)s.", least=self.least,
                                    most=self.most))
        return value


class Amount(Whole):
    """A price in minor units."""

    def __init__(self, **options):
        super().__init__(1, MAX_MINOR, **options)

    def _deserialize(self, value, attr, data, **kwargs):
        if type(value) is not int or not self.least <= value <= self.most:
            raise ValidationError(_("Enter an amount above 0."))
        return value


def printable(value: str) -> bool:
    """Whether a database and a page can hold it: no control characters, no halves of a surrogate pair."""
    return not any(unicodedata.category(char) in ("Cc", "Cs") for char in value)


def _printable(value: str) -> None:
    if not printable(value):
        raise ValidationError(_("Use letters, digits and signs only."))


def text(most: int, least: int = 0, **options):
    length = _l("Use %(least)s to %(most)s characters.", least=least, most=most)
    return fields.String(error_messages=WORDS, validate=[validate.Length(least, most, error=length), _printable],
                         **options)


def one_of(names, **options):
    return fields.String(error_messages=WORDS, validate=validate.OneOf(names, error=_l("Choose one of the list.")),
                         **options)


class TermsIn(In):
    """Base of the bodies here."""
    error_messages = {"unknown": _l("This is not known here."), "type": _l("Check this.")}


class CreateIn(TermsIn):
    name = text(NAME_LENGTH, 1, required=True)
    currency = fields.String(error_messages=WORDS)  # the shop's; another is refused


class UpdateIn(TermsIn):
    name = text(NAME_LENGTH)
    currency = fields.String(error_messages=WORDS)
    hold_seconds = Whole(30, 3600)
    after_sale = one_of(AFTER_SALE)


class OfferUpdateIn(TermsIn):
    title = text(200, 1)
    price_minor = Amount()
    compare_at_minor = Amount(allow_none=True)
    is_deal = fields.Boolean(truthy={True}, falsy={False}, error_messages=WORDS)
    allotment = Whole(0, MOST_UNITS)
    limit_per_member = Whole(1, MOST_PER_MEMBER)
    hold_seconds = Whole(30, 3600, allow_none=True)
    after_sale = one_of(AFTER_SALE, allow_none=True)
    promise = text(300)


class OfferIn(OfferUpdateIn):
    """A whole offer, as given back by an undone removal."""
    variant_id = fields.UUID(required=True, error_messages=WORDS)
    title = text(200, 1, required=True)
    price_minor = Amount(required=True)
    allotment = Whole(0, MOST_UNITS, required=True)
    limit_per_member = Whole(1, MOST_PER_MEMBER, required=True)
    position = Whole(0, 100_000, required=True)


class AddIn(TermsIn):
    """Products picked from the catalogue, and what they start with."""
    variant_ids = fields.List(fields.UUID(error_messages=WORDS), required=True, error_messages=WORDS,
                              validate=validate.Length(1, MOST_AT_ONCE, error=_l("Choose at least one product.")))
    off_percent = Whole(0, 95, load_default=0)  # off the list price
    share_percent = Whole(0, 100, load_default=0)  # of what is in stock
    limit_per_member = Whole(1, MOST_PER_MEMBER, load_default=1)
    is_deal = fields.Boolean(truthy={True}, falsy={False}, load_default=False, error_messages=WORDS)


class OrderIn(TermsIn):
    ids = fields.List(fields.UUID(error_messages=WORDS), required=True, error_messages=WORDS)


class FixIn(TermsIn):
    code = fields.String(required=True, error_messages=WORDS)
    offer_id = fields.UUID(allow_none=True, load_default=None, error_messages=WORDS)


class EndIn(TermsIn):
    confirm = fields.String(required=True, error_messages=WORDS)


class NothingIn(TermsIn):
    """A button without a body."""
