"""Errors are data: a code, a status, a message in the member's language and the fields it is about.

One body everywhere: HTTP JSON, socket acknowledgement and, for forms, the page that shows it.
"""
from flask_babel import lazy_gettext as _l


class DomainError(Exception):
    """A refusal to act on. `fields` maps a field to a list of sentences; `extra` is data for the page."""

    code = "refused"
    status = 409
    message = _l("That is not possible now.")

    def __init__(self, message=None, *, code=None, fields=None, **extra):
        if message is not None:
            self.message = message
        if code is not None:
            self.code = code
        self.fields = fields or {}
        self.extra = extra
        super().__init__(self.code)

    def body(self) -> dict:
        body = {"code": self.code, "message": str(self.message),
                "fields": {name: [str(text) for text in texts] for name, texts in self.fields.items()}}
        return {**body, **self.extra}


class Invalid(DomainError):
    code, status, message = "invalid", 422, _l("Please check what you entered.")


class KeyConflict(DomainError):
    """The same idempotency key came with another body (Stripe's rule: same key, same request)."""

    code, status = "key_conflict", 422
    message = _l("This request was already used for something else. Please try again.")


class NotFound(DomainError):
    code, status, message = "not_found", 404, _l("We cannot find that.")


class Forbidden(DomainError):
    code, status, message = "forbidden", 403, _l("You may not do that.")


class SignInNeeded(DomainError):
    code, status, message = "sign_in_needed", 401, _l("Please sign in first.")


class TooMany(DomainError):
    """Throttled; `retry_ms` says when to come back."""

    code, status, message = "too_many", 429, _l("That was a bit fast. Please wait a moment.")


class Busy(DomainError):
    """Overload or a missing part; nothing was done and the same request may be sent again after `retry_ms`."""

    code, status, message = "busy", 503, _l("We are very busy. Please try again in a moment.")
