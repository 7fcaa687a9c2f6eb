"""Files for the bank and from the bank."""
from importlib import resources
from xml.etree import ElementTree

import pytest
import xmlschema

from affiliates.payouts import exports, reconcile
from affiliates.payouts.bank_details import iban_fits, masked
from affiliates.payouts.errors import FileRefused, NotExportable
from affiliates.payouts.models import Payout, PayoutAccount, PayoutAttempt, PayoutBatch
from core.clock import now
from core.db import transaction
from core.ids import new_id
from tests.affiliates.payouts.conftest import IBAN
from tests.races.test_last_unit import race

DEBTOR = {"name": "Livestall & Söhne", "iban": "DE89370400440532013000", "bic": "COBADEFFXXX"}
NS = {"p": exports.NAMESPACE}


@pytest.fixture
def batch(desk):
    desk.account("Aiko", "bank", iban=IBAN, bic="BUKBGB22")
    desk.account("Bo", "bank", number="31926819", bank_code="601613")
    desk.earn("Aiko", 123_45)
    desk.earn("Bo", 7_00)
    return desk.batch("bank")


def export(desk, batch, form):
    with transaction() as db:
        return exports.export(db, batch.id, desk.checker, form, DEBTOR)


@pytest.fixture(scope="session")
def schema():
    """ISO 20022's own schema, as a package for banks' files carries it."""
    return xmlschema.XMLSchema(str(resources.files("sepaxml") / "schemas" / "pain.001.001.09.xsd"))


def test_pain_001_is_valid_against_its_schema(desk, batch, schema):
    name, text = export(desk, batch, "pain.001")
    assert name == f"payouts-{batch.number}.xml"
    schema.validate(text)
    root = ElementTree.fromstring(text)
    head, block = root[0]
    assert len(block.findall("p:CdtTrfTxInf", NS)) == 2
    for one in block.findall("p:CdtTrfTxInf", NS):
        assert one.find("p:Amt/p:InstdAmt", NS).get("Ccy") == "GBP"
    assert (head.findtext("p:NbOfTxs", None, NS), head.findtext("p:CtrlSum", None, NS)) == ("2", "130.45")
    assert (block.findtext("p:NbOfTxs", None, NS), block.findtext("p:CtrlSum", None, NS)) == ("2", "130.45")
    assert block.findtext("p:DbtrAcct/p:Id/p:IBAN", None, NS) == DEBTOR["iban"]
    accounts = {one.findtext("p:CdtrAcct/p:Id/p:IBAN", None, NS)
                or one.findtext("p:CdtrAcct/p:Id/p:Othr/p:Id", None, NS) for one in block[9:]}
    assert accounts == {IBAN, "31926819"}
    assert "601613" in text and "BUKBGB22" in text and "Livestall &amp; Söhne" in text


@pytest.mark.parametrize(("currency", "minor", "details", "holder", "debtor"), [
    ("JPY", 10**15, {"number": "0" * 34, "bank_code": "9" * 35}, "商店 <&> \x07\x00\ud800'\"" + "x" * 200, {}),
    ("KWD", 1, {"iban": "KW81CBKU0000000000001234560101"}, " ", {"iban": "DE89370400440532013000", "bic": ""}),
    ("EUR", 999, {"number": "1234", "bic": "BUKBGB22XXX"}, "O'Neill", {"number": "12", "name": "y" * 300})])
def test_whatever_people_are_called_it_fits(app, schema, currency, minor, details, holder, debtor):
    """Straight from rows: the longest, the shortest, no letters that XML knows, currencies of none and three digits."""
    batch = PayoutBatch(id=new_id(), number=7, currency=currency, exported_at=now())
    rows = [(Payout(amount_minor=minor, currency=currency),
             PayoutAccount(owner="a", holder=holder, details=details), PayoutAttempt(key=f"{new_id().hex}-99"))]
    schema.validate(exports.to_pain(batch, rows, {"name": "Livestall", **(debtor or DEBTOR)}))


def test_the_schema_refuses_what_stands_in_another_order(desk, batch, schema):
    """Control: it does look."""
    text = export(desk, batch, "pain.001")[1]
    for wrong in (text.replace("PmtMtd", "PmtMethod"), text.replace("BUKBGB22", "bukbgb22"),
                  text.replace('Ccy="GBP"', 'Ccy="pounds"')):
        assert wrong != text and not schema.is_valid(wrong)


def test_the_same_batch_is_the_same_file_and_submits_once(desk, batch):
    first = export(desk, batch, "pain.001")
    assert desk.payout("Aiko").state == "submitted"
    assert export(desk, batch, "pain.001") == first
    with pytest.raises(NotExportable):
        export(desk, desk.draft("bank"), "csv")


def test_no_cell_of_the_csv_is_a_formula(desk):
    desk.account("Aiko", "bank", iban=IBAN)
    from affiliates.payouts.models import PayoutAccount
    with transaction() as db:
        db.query(PayoutAccount).one().holder = '=HYPERLINK("http://evil")'
    desk.earn("Aiko", 900)
    _name, text = export(desk, desk.batch("bank"), "csv")
    assert "'=HYPERLINK" in text and '\n=HYPERLINK' not in text and ",9.00,GBP" in text


def lines(desk, *rows, total=None):
    keys = {name: desk.attempt(name).key for name in ("Aiko", "Bo")}
    made = [f"{keys.get(name, name)},{outcome},{amount},GBP,ref" for name, outcome, amount in rows]
    whole = total or f"total,{len(rows)},{sum(float(row[2]) for row in rows):.2f},GBP,"
    return "\n".join([",".join(reconcile.HEAD), *made, whole]).encode()


def apply_file(desk, data):
    with transaction() as db:
        return reconcile.apply_file(db, "answer.csv", data, desk.checker)


def test_a_banks_file_ends_payouts_and_the_same_file_again_changes_nothing(desk, batch):
    export(desk, batch, "csv")
    data = lines(desk, ("Aiko", "paid", "123.45"), ("Bo", "rejected", "7.00"))
    done, fresh = apply_file(desk, data)
    assert (done.rows, done.changed, done.total_minor, fresh) == (2, 2, 130_45, True)
    assert apply_file(desk, data)[1] is False
    assert (desk.payout("Aiko").state, desk.payout("Bo").state) == ("paid", "rejected")
    assert desk.stands("Aiko")[:2] == (0, 0) and desk.stands("Bo")[0] == 700
    apply_file(desk, lines(desk, ("Aiko", "returned", "123.45")))
    assert desk.stands("Aiko")[0] == 123_45


def test_a_wrong_line_or_total_applies_nothing_and_is_listed(desk, batch):
    export(desk, batch, "csv")
    good = ("Aiko", "paid", "123.45")
    for data, line in (
            (lines(desk, good, ("nobody", "paid", "1.00")), 3), (lines(desk, good, ("Bo", "paid", "7.01")), 3),
            (lines(desk, good, good), 3), (lines(desk, good, ("Bo", "won", "7.00")), 3),
            (lines(desk, good, total="total,1,123.46,GBP,"), 3), (lines(desk, good, total="total,2,123.45,GBP,"), 3),
            (lines(desk, good, total="total,1,123.45,EUR,"), 3), (lines(desk, good, total="sum"), 3),
            (b"a,b\n", 1), (b"\xff\xfe", 1), (b"", 1)):
        with pytest.raises(FileRefused) as refusal:
            apply_file(desk, data)
        assert line in [one["line"] for one in refusal.value.extra["lines"]], data
        assert desk.payout("Aiko").state == "submitted"


def test_the_same_file_from_four_hands_at_once_is_applied_once(desk, batch):
    export(desk, batch, "csv")
    data = lines(desk, ("Aiko", "paid", "123.45"), ("Bo", "paid", "7.00"))
    results = race([lambda: apply_file(desk, data)] * 4)
    assert sorted(fresh for _done, fresh in results) == [False, False, False, True]
    assert len({done.id for done, _fresh in results}) == 1 and desk.stands("Aiko")[:2] == (0, 0)


@pytest.mark.parametrize("total", ["total,0,0,XXX,", "total,0,0.00,GBP,", "total,-1,0,XXX,", ""])
def test_a_file_without_payouts_is_refused_whatever_its_total_says(desk, batch, total):
    export(desk, batch, "csv")
    with pytest.raises(FileRefused) as refusal:
        apply_file(desk, f"{','.join(reconcile.HEAD)}\n{total}".encode())
    assert [one["problem"] for one in refusal.value.extra["lines"]] == ["The file has no payouts."]


def test_when_no_line_can_be_read_they_are_listed_and_nothing_else(desk, batch):
    export(desk, batch, "csv")
    with pytest.raises(FileRefused) as refusal:
        apply_file(desk, lines(desk, ("nobody", "paid", "0"), ("none", "paid", "0"), total="total,2,0,XXX,"))
    assert [one["line"] for one in refusal.value.extra["lines"]] == [2, 3]


def test_a_file_that_contradicts_what_was_paid_applies_nothing_of_it(desk, batch):
    export(desk, batch, "csv")
    apply_file(desk, lines(desk, ("Aiko", "paid", "123.45")))
    with pytest.raises(FileRefused) as refusal:
        apply_file(desk, lines(desk, ("Aiko", "rejected", "123.45"), ("Bo", "paid", "7.00")))
    assert [one["line"] for one in refusal.value.extra["lines"]] == [2]
    assert desk.payout("Bo").state == "submitted"


def test_a_file_about_what_was_not_sent_yet_is_refused(desk, batch):
    with pytest.raises(FileRefused):
        apply_file(desk, lines(desk, ("Aiko", "paid", "123.45")))


def test_ibans_by_their_own_sum():
    assert iban_fits("GB33BUKB20201555555555") and iban_fits("NO9386011117947")
    assert not iban_fits("GB34BUKB20201555555555") and not iban_fits("GB33")
    assert masked("bank", {"iban": IBAN}) == "•••• 5555"
