"""Account numbers as people type them, checked. Pure."""
import re

from flask_babel import gettext as _

from core.errors import Invalid

OUTCOMES = ("paid", "rejected", "returned", "time_out")


def iban_fits(iban: str) -> bool:
    """ISO 13616: two letters, two check digits, up to 30 more; the whole as a number is 1 modulo 97."""
    if not re.fullmatch(r"[A-Z]{2}\d{2}[A-Z0-9]{11,30}", iban):
        return False
    moved = iban[4:] + iban[:4]
    return int("".join(str(int(char, 36)) for char in moved)) % 97 == 1


def clean(method: str, details: dict) -> dict:
    """The details of an account without blanks, in upper case. Raises Invalid with the fields that are wrong."""
    given = {name: re.sub(r"[\s-]", "", str(value)).upper() for name, value in details.items() if str(value).strip()}
    wrong = {}
    if method == "bank":
        kept = {name: given[name] for name in ("iban", "number", "bank_code", "bic") if name in given}
        if "iban" in kept and not iban_fits(kept["iban"]):
            wrong["iban"] = [_("This IBAN has a typing error.")]
        if "iban" not in kept and not re.fullmatch(r"[A-Z0-9]{4,34}", kept.get("number", "")):
            wrong["number"] = [_("Give an IBAN, or an account number.")]
        if "bic" in kept and not re.fullmatch(r"[A-Z0-9]{4}[A-Z]{2}[A-Z0-9]{2}([A-Z0-9]{3})?", kept["bic"]):
            wrong["bic"] = [_("A BIC has 8 or 11 letters and digits.")]
        if not re.fullmatch(r"[A-Z0-9]{0,35}", kept.get("bank_code", "")):
            wrong["bank_code"] = [_("We cannot read that.")]
    elif method == "stripe":
        kept = {"account": str(details.get("account", "")).strip()}
        if not re.fullmatch(r"acct_\w{6,40}", kept["account"]):
            wrong["account"] = [_("We cannot read that.")]
    else:
        kept = {"outcome": str(details.get("outcome", "paid"))}
        if kept["outcome"] not in OUTCOMES:
            wrong["outcome"] = [_("We cannot read that.")]
    if wrong:
        raise Invalid(fields=wrong)
    return kept


def masked(method: str, details: dict) -> str:
    """The account as pages name it: the last four characters."""
    number = details.get("iban") or details.get("number") or details.get("account") or details.get("outcome", "")
    return number if method == "sandbox" else f"•••• {number[-4:]}"
