"""A party types where its money goes: the same form for affiliates and shops."""
from contextlib import contextmanager

from flask import current_app

from affiliates.payouts import accounts, providers, words
from affiliates.payouts.errors import WrongPassword
from affiliates.payouts.models import PayoutAccount
from core.errors import Invalid
from members import throttle

FIELDS = {"bank": ("iban", "number", "bank_code", "bic"), "stripe": ("account",), "sandbox": ()}


def methods() -> list[tuple[str, str]]:
    """What kinds of account can be given here, with their words. The sandbox's only where everything is a demo."""
    there = {"bank": True, "stripe": providers.known("stripe"), "sandbox": current_app.config["LIVESTALL"].demo}
    said = words.account_kinds()
    return [(name, said[name]) for name in there if there[name]]


@contextmanager
def watched(member):
    """Guessing the password gets slow, and a wrong one is said at its field. Raises Invalid, TooMany."""
    tries = [throttle.Bucket(f"password:{member.id}", throttle.FREE)]
    throttle.take(tries)
    try:
        yield
    except WrongPassword as error:
        raise Invalid(fields={"password": [error.message]}) from error
    throttle.forgive(tries)


def set_account(db, owner: str, member, given: dict) -> PayoutAccount:
    """The account of a checked form. Raises Invalid, WrongPassword."""
    if given["method"] not in dict(methods()):
        raise Invalid
    return accounts.set_account(db, owner, member, method=given["method"], holder=given["holder"],
                                details={name: given[name] for name in FIELDS[given["method"]]},
                                password=given["password"])
