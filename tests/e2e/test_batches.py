"""Two people pay what a settlement left: the sandbox answers by itself, the bank by a file; both parties see it."""
import csv
import io

import pytest
from playwright.sync_api import expect

from affiliates.payouts.reconcile import HEAD
from demo.accounts import AFFILIATES, CHECKER, OPERATOR, STAFF
from tests.e2e.conftest import shoot

# Four people, each with a browser of their own.
pytestmark = pytest.mark.timeout(300)


def draft(page, channel: str) -> str:
    """The operator's new batch; its address."""
    page.goto("/operator/payouts")
    page.get_by_label("Way").select_option(channel)
    page.get_by_label("Least amount").fill("0.01")
    page.get_by_role("button", name="Make a draft").click()
    expect(page.get_by_text("somebody else has to approve it")).to_be_visible()
    expect(page.get_by_role("button", name="Approve")).to_have_count(0)
    return page.url


def approve(page, address: str) -> None:
    page.goto(address)
    page.get_by_role("button", name="Approve").click()
    expect(page.get_by_text("The money is set aside")).to_be_visible()


def answer(text: str) -> bytes:
    """What the bank would say of our file: everything was paid."""
    rows = list(csv.DictReader(io.StringIO(text)))
    out = io.StringIO()
    write = csv.writer(out).writerow
    write(HEAD)
    for place, row in enumerate(rows):
        write((row["payout"], "paid", row["amount"], row["currency"], f"BANK-{place}"))
    pence = sum(round(float(row["amount"]) * 100) for row in rows)
    write(("total", len(rows), f"{pence // 100}.{pence % 100:02}", rows[0]["currency"], ""))
    return out.getvalue().encode()


def test_two_people_pay_by_sandbox_and_by_file(person, stack, tmp_path):
    op, ruth = person(OPERATOR, phone=False), person(CHECKER, phone=False)
    ruth.goto("/operator/payouts/accounts")
    expect(ruth.get_by_text("GB82WEST12345698765432")).to_be_visible()
    ruth.get_by_role("button", name="verify").click()
    expect(ruth.get_by_text("The next batch can pay there")).to_be_visible()

    address = draft(op, "sandbox")
    expect(op.get_by_text("Wants the money another way")).to_be_visible()
    approve(ruth, address)
    # The bank answers by itself, and the page turns over without anybody pressing anything.
    expect(ruth.locator(".page-head .chip")).to_have_text("Done")
    expect(ruth.locator("tr .chip").first).to_have_text("Paid")
    shoot(ruth, "payout-batch-paid")

    address = draft(op, "bank")
    approve(ruth, address)
    op.reload()
    with op.expect_download() as download:
        op.get_by_role("button", name="CSV").click()
    path = tmp_path / "payouts.csv"
    download.value.save_as(path)
    said = answer(path.read_text(encoding="utf-8-sig"))
    op.goto("/operator/payouts/reconciliation")
    op.set_input_files("input[name=file]", {"name": "bank.csv", "mimeType": "text/csv",
                                            "buffer": said.replace(b"total,1", b"total,2")})
    op.get_by_role("button", name="Apply the file").click()
    expect(op.get_by_text("The last line has to be the total")).to_be_visible()
    op.set_input_files("input[name=file]", {"name": "bank.csv", "mimeType": "text/csv", "buffer": said})
    op.get_by_role("button", name="Apply the file").click()
    expect(op.get_by_text("1 payout is brought up to date")).to_be_visible()

    for email in AFFILIATES:
        page = person(email)
        page.goto("/affiliate/payouts")
        expect(page.locator("main .chip").first).to_have_text("Paid")
    ana = person(STAFF, phone=False)
    ana.goto("/studio/affiliates/money")
    expect(ana.get_by_text("Payout set aside")).to_be_visible()
    assert "0 broken" in stack.run("check")
