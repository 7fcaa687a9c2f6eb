"""An approved batch as a file for the bank: CSV, or ISO 20022 pain.001.001.09. The same batch gives the same file."""
import csv
import io
import uuid
from xml.etree import ElementTree

from sqlalchemy import select

from affiliates.payouts import batches
from affiliates.payouts.errors import NoDebtor, NotExportable
from affiliates.payouts.models import Payout, PayoutAccount, PayoutAttempt, PayoutBatch
from affiliates.payouts.moves import move
from affiliates.people import acts
from core import clock
from core.money import plain
from orders.exports import safe_text

HEAD = ("payout", "party", "holder", "iban", "number", "bank_code", "bic", "amount", "currency")
NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:pain.001.001.09"


def export(db, batch_id: uuid.UUID, by, form: str, debtor: dict) -> tuple[str, str]:
    """(name, text) of the file: `form` is "csv" or "pain.001". From the first export on its payouts are submitted.

    `debtor`: {"name", "iban" or "number", "bic"} of the platform's own account. Raises NotExportable, NotFound.
    """
    batch = batches.lock(db, batch_id)
    if batch.channel != "bank" or batch.state not in ("approved", "done"):
        raise NotExportable
    rows = _rows(db, batch)
    if batch.exported_at is None:
        batch.exported_at = clock.now()
        for payout, _account, attempt in rows:
            move(payout, "submitted")
            attempt.state, attempt.sent_at = "sent", batch.exported_at
    acts.note(db, "payout_batch.exported", batch.id, by=by, number=batch.number, form=form)
    db.flush()
    name = f"payouts-{batch.number}"
    if form == "csv":
        return f"{name}.csv", to_csv(rows)
    return f"{name}.xml", to_pain(batch, rows, debtor)


def debtor(config, form: str) -> dict:
    """The platform's own account, from the settings. Raises NoDebtor where the file needs it and it lacks."""
    if form == "pain.001" and not config.payout_debtor_iban:
        raise NoDebtor
    return {"name": config.payout_debtor_name, "iban": config.payout_debtor_iban, "bic": config.payout_debtor_bic}


def _rows(db, batch: PayoutBatch) -> list[tuple[Payout, PayoutAccount, PayoutAttempt]]:
    """All that was approved, with its attempt: by file there is one."""
    return [tuple(row) for row in db.execute(
        select(Payout, PayoutAccount, PayoutAttempt).join(PayoutAccount, PayoutAccount.id == Payout.account_id)
        .join(PayoutAttempt, (PayoutAttempt.payout_id == Payout.id) & (PayoutAttempt.n == 1))
        .where(Payout.batch_id == batch.id).order_by(Payout.id))]


def to_csv(rows) -> str:
    """No cell is run as a formula; begins with a byte order mark, which Excel needs for UTF-8."""
    out = io.StringIO()
    write = csv.writer(out).writerow
    write(HEAD)
    for payout, account, attempt in rows:
        told = account.details
        write((attempt.key, safe_text(payout.owner), safe_text(account.holder),
               *(safe_text(told.get(name)) for name in ("iban", "number", "bank_code", "bic")),
               plain(payout.amount_minor, payout.currency), payout.currency))
    return "\ufeff" + out.getvalue()


def to_pain(batch: PayoutBatch, rows, debtor: dict) -> str:
    """CustomerCreditTransferInitiationV09: one payment information block, a transaction a payout, with the number of
    transactions and their sum in the header, which banks check."""
    total = plain(sum(payout.amount_minor for payout, *_ in rows), batch.currency)
    ElementTree.register_namespace("", NAMESPACE)
    document = ElementTree.Element(f"{{{NAMESPACE}}}Document")
    root = _add(document, "CstmrCdtTrfInitn")
    head = _add(root, "GrpHdr")
    _add(head, "MsgId", batch.id.hex)
    _add(head, "CreDtTm", f"{batch.exported_at:%Y-%m-%dT%H:%M:%S}Z")
    _add(head, "NbOfTxs", str(len(rows)))
    _add(head, "CtrlSum", total)
    _add(_add(head, "InitgPty"), "Nm", _words(debtor["name"], 140))
    block = _add(root, "PmtInf")
    _add(block, "PmtInfId", f"batch-{batch.number}")
    _add(block, "PmtMtd", "TRF")
    _add(block, "NbOfTxs", str(len(rows)))
    _add(block, "CtrlSum", total)
    _add(_add(block, "ReqdExctnDt"), "Dt", f"{batch.exported_at:%Y-%m-%d}")
    _add(_add(block, "Dbtr"), "Nm", _words(debtor["name"], 140))
    _account(_add(block, "DbtrAcct"), debtor)
    _agent(_add(block, "DbtrAgt"), debtor, always=True)
    _add(block, "ChrgBr", "SLEV" if batch.currency == "EUR" else "SHAR")
    for payout, account, attempt in rows:
        _transaction(block, payout, account, attempt)
    ElementTree.indent(document)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(document, "unicode") + "\n"


def _transaction(block, payout: Payout, account: PayoutAccount, attempt: PayoutAttempt) -> None:
    one = _add(block, "CdtTrfTxInf")
    _add(_add(one, "PmtId"), "EndToEndId", attempt.key)
    amount = _add(_add(one, "Amt"), "InstdAmt", plain(payout.amount_minor, payout.currency))
    amount.set("Ccy", payout.currency)
    if account.details.get("bic") or account.details.get("bank_code"):
        _agent(_add(one, "CdtrAgt"), account.details)
    _add(_add(one, "Cdtr"), "Nm", _words(account.holder, 140))
    _account(_add(one, "CdtrAcct"), account.details)
    _add(_add(one, "RmtInf"), "Ustrd", f"Payout {attempt.key}")


def _account(node, details: dict) -> None:
    kind = _add(node, "Id")
    if details.get("iban"):
        _add(kind, "IBAN", details["iban"])
    else:
        _add(_add(kind, "Othr"), "Id", details["number"])


def _agent(node, details: dict, always: bool = False) -> None:
    bank = _add(node, "FinInstnId")
    if details.get("bic"):
        _add(bank, "BICFI", details["bic"])
    elif details.get("bank_code"):
        _add(_add(bank, "ClrSysMmbId"), "MmbId", details["bank_code"])
    elif always:
        _add(_add(bank, "Othr"), "Id", "NOTPROVIDED")


def _words(text: str, most: int) -> str:
    """Text as XML 1.0 and banks take it: no control characters."""
    return "".join(char for char in text if char.isprintable())[:most] or "-"


def _add(parent, name: str, text: str | None = None):
    node = ElementTree.SubElement(parent, f"{{{NAMESPACE}}}{name}")
    node.text = text
    return node
