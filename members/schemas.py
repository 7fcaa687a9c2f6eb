"""What pages may send: checked, trimmed, and refused in words."""
import re
import unicodedata

from flask_babel import lazy_gettext as _l
from marshmallow import ValidationError, fields, validate, validates_schema

from core.i18n import LANGUAGES
from core.web import In
from members import passwords
from members.countries import CODES, NO_POSTCODE
from members.models import MERCHANT_ROLES

# Currencies a shop may sell in.
CURRENCIES = ("AUD", "CAD", "CHF", "CNY", "EUR", "GBP", "HKD", "INR", "JPY", "KRW", "KWD", "NZD", "SEK", "SGD", "TWD",
              "USD")

NEEDED = _l("Please fill this in.")
_WORDS = {"required": NEEDED, "null": NEEDED, "invalid": _l("We cannot read that.")}
# Signs that turn text around or hide it: a name with them in it can look like another's.
_HIDDEN = re.compile("[\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]")


def tidy(text: str) -> str:
    """One line of visible text: NFC, no control or direction signs, single spaces."""
    text = _HIDDEN.sub("", unicodedata.normalize("NFC", text))
    return " ".join("".join(" " if unicodedata.category(sign) == "Cc" else sign for sign in text).split())


class Line(fields.String):
    """A line of text of 1 to `longest` signs, tidied; `needed=False` allows none."""

    def __init__(self, longest: int, *, needed: bool = True, **more):
        self.longest, self.needed = longest, needed
        default = {} if needed else {"load_default": ""}
        super().__init__(required=needed, **{"error_messages": _WORDS, **default, **more})

    def _deserialize(self, value, attr, data, **kwargs):
        text = tidy(super()._deserialize(value, attr, data, **kwargs))
        if self.needed and not text:
            raise ValidationError(NEEDED)
        if len(text) > self.longest:
            raise ValidationError(_l("That is too long: %(most)s signs at most.", most=self.longest))
        return text


class Paragraph(fields.String):
    """Text of up to `longest` signs with line breaks."""

    def __init__(self, longest: int):
        self.longest = longest
        super().__init__(load_default="", error_messages=_WORDS)

    def _deserialize(self, value, attr, data, **kwargs):
        text = super()._deserialize(value, attr, data, **kwargs).replace("\r\n", "\n")
        text = "\n".join(tidy(line) for line in text.split("\n")).strip()
        if len(text) > self.longest:
            raise ValidationError(_l("That is too long: %(most)s signs at most.", most=self.longest))
        return text


class Mailbox(fields.String):
    """An e-mail address in lower case."""

    LONGEST = 254  # RFC 5321
    _shape = validate.Email()

    def __init__(self, **more):
        super().__init__(**{"required": True, "error_messages": _WORDS, **more})

    def _deserialize(self, value, attr, data, **kwargs):
        address = super()._deserialize(value, attr, data, **kwargs).strip().lower()
        if not address:
            raise ValidationError(NEEDED)
        try:
            self._shape(address)
        except ValidationError:
            raise ValidationError(_l("That is not an e-mail address.")) from None
        if len(address) > self.LONGEST:
            raise ValidationError(_l("That is not an e-mail address."))
        return address


class Secret(fields.String):
    """A password as it was typed. `new=True` wants the length of a good one."""

    def __init__(self, *, new: bool = False):
        self.new = new
        super().__init__(required=True, error_messages=_WORDS)

    def _deserialize(self, value, attr, data, **kwargs):
        text = super()._deserialize(value, attr, data, **kwargs)
        if not text:
            raise ValidationError(NEEDED)
        if len(text) > passwords.LONGEST:
            raise ValidationError(_l("That is too long: %(most)s signs at most.", most=passwords.LONGEST))
        if self.new and len(text) < passwords.SHORTEST:
            raise ValidationError(_l("Take %(least)s characters or more.", least=passwords.SHORTEST))
        return text


def one_of(values):
    return fields.String(required=True, error_messages=_WORDS,
                         validate=validate.OneOf(list(values), error=_l("Choose one of those offered.")))


def an_id():
    return fields.UUID(required=True, error_messages={**_WORDS, "invalid_uuid": _l("We cannot read that.")})


class SignInIn(In):
    email = Mailbox()
    password = Secret()
    remember = fields.Boolean(load_default=False, error_messages=_WORDS)
    next = fields.String(load_default="")


class SignUpIn(In):
    name = Line(60)
    email = Mailbox()
    password = Secret(new=True)
    invite = fields.String(load_default="")
    next = fields.String(load_default="")


class ForgotIn(In):
    email = Mailbox()


class ResetIn(In):
    password = Secret(new=True)


class LanguageIn(In):
    language = one_of(LANGUAGES)
    next = fields.String(load_default="")


class NameIn(In):
    name = Line(60)


class EmailIn(In):
    email = Mailbox()
    current_password = Secret()


class PasswordIn(In):
    current_password = Secret()
    password = Secret(new=True)


class AddressIn(In):
    name = Line(80)
    line1 = Line(120)
    line2 = Line(120, needed=False)
    city = Line(80)
    postcode = Line(16, needed=False)
    country = one_of(sorted(CODES))
    phone = Line(30, needed=False, validate=validate.Regexp(
        r"^$|^\+?[0-9 ()./-]{5,30}$", error=_l("Write the number with digits, for example +44 113 496 0000.")))
    is_default = fields.Boolean(load_default=False, error_messages=_WORDS)

    @validates_schema
    def _postcode_where_there_are_any(self, data, **_kwargs):
        if not data.get("postcode") and data.get("country") in CODES - NO_POSTCODE:
            raise ValidationError({"postcode": [str(NEEDED)]})


class OnIn(In):
    on = fields.Boolean(required=True, error_messages=_WORDS)


class GrantIn(In):
    merchant_id = an_id()
    email = Mailbox()
    kind = one_of(MERCHANT_ROLES)


class RevokeIn(In):
    merchant_id = an_id()
    member_id = an_id()
    kind = one_of(MERCHANT_ROLES)


class ShopIn(In):
    merchant_id = an_id()
    name = Line(80)
    contact_email = Mailbox()
    delivery_note = Paragraph(500)
    returns_note = Paragraph(500)


class SwitchIn(In):
    merchant_id = an_id()
    next = fields.String(load_default="")


class MerchantIn(In):
    name = Line(80)
    slug = fields.String(required=True, error_messages=_WORDS, validate=validate.Regexp(
        r"^[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?$", error=_l("Use small letters, digits and hyphens, at most 40.")))
    currency = one_of(CURRENCIES)
    country = one_of(sorted(CODES))
    contact_email = Mailbox()
    staff_email = Mailbox()
