"""A party types where its money goes: the same form for affiliates and shops."""
from flask import current_app

from affiliates.payouts import accounts, providers, words
from affiliates.payouts.models import PayoutAccount
from core.errors import Invalid

FIELDS = {"bank": ("iban", "number", "bank_code", "bic"), "stripe": ("account",), "sandbox": ()}


def methods() -> list[tuple[str, str]]:
    """What kinds of account can be given here, with their words. The sandbox's only where everything is a demo."""
    there = {"bank": True, "stripe": providers.known("stripe"), "sandbox": current_app.config["LIVESTALL"].demo}
    said = words.account_kinds()
    return [(name, said[name]) for name in there if there[name]]


def set_account(db, owner: str, member, given: dict) -> PayoutAccount:
    """The account of a checked form. Raises Invalid."""
    if given["method"] not in dict(methods()):
        raise Invalid
    return accounts.set_account(db, owner, member, method=given["method"], holder=given["holder"],
                                details={name: given[name] for name in FIELDS[given["method"]]})
