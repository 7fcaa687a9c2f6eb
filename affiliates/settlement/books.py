"""What a settlement moves in the ledger. `payable` is what the platform owes a party; below zero it is the party's
debt, made by money that went back after it was settled, and repaid from later earnings."""
import uuid

from ledger import accounts, transfers
from ledger.transfers import Posting
from orders.books import SALES, merchant

PAYABLE = accounts.kind("payable", side="credit")


def affiliate(affiliate_id) -> str:
    """An affiliate as an owner of accounts."""
    return f"affiliate:{affiliate_id}"


def journal(run_id) -> str:
    return f"settlement:{run_id}"


def post_parties(db, run, sums: dict[uuid.UUID, int]) -> None:
    """Commissions of many affiliates: out of the merchant's sales, or back into them."""
    owners = {affiliate(id_): minor for id_, minor in sums.items() if minor}
    _post(db, run, {owner: (f"settle:{run.id}:{owner.partition(':')[2]}", minor, ("commission", "clawback"))
                    for owner, minor in owners.items()})


def post_merchant(db, run, amount_minor: int) -> None:
    """The merchant's proceeds, or what has to come back of them."""
    if amount_minor:
        _post(db, run, {merchant(run.merchant_id): (f"settle:{run.id}:merchant", amount_minor,
                                                    ("proceeds", "proceeds_back"))})


def _post(db, run, rows: dict[str, tuple]) -> None:
    """owner → (key, signed minor units, code when it is owed and when it is taken back)."""
    if not rows:
        return
    sales = (merchant(run.merchant_id), SALES, run.currency)
    ids = accounts.open_all(db, [sales, *((owner, PAYABLE, run.currency) for owner in rows)])
    made = []
    for owner, (key, minor, codes) in rows.items():
        sides = ids[sales], ids[owner, PAYABLE, run.currency]
        debit, credit = sides if minor > 0 else sides[::-1]
        made.append(Posting(key, debit, credit, abs(minor), codes[minor < 0], journal(run.id)))
    transfers.post_all(db, made)
