"""A platform with two finance people, and parties who are owed money."""
from dataclasses import dataclass

import pytest
from sqlalchemy import text, update

import core.db
from affiliates.payouts import accounts, apply, attempts, batches, books, checks, queries
from affiliates.payouts.models import PayoutAttempt, SandboxPayout
from affiliates.settlement.books import PAYABLE, affiliate
from core.db import transaction
from ledger import accounts as ledger_accounts
from ledger import balances, transfers
from ledger.checks import CHECKS as LEDGER_CHECKS
from members import passwords
from orders.books import CLEARING, PLATFORM, SALES
from tests import factories

PASSWORD = "correct horse battery"
IBAN = "GB33BUKB20201555555555"


@dataclass
class Desk:
    maker: object
    checker: object
    people: dict  # name → affiliate
    members: dict

    def owner(self, name):
        return affiliate(self.people[name].id)

    def account(self, name, method="sandbox", verified=True, **details):
        with transaction() as db:
            row = accounts.set_account(db, self.owner(name), self.members[name], method=method, holder=f"{name} Ltd",
                                       details=details)
            return accounts.verify(db, row.id, self.checker) if verified else row

    def earn(self, name, minor, key="earned"):
        """Owed since a settlement; below 0 clawed back."""
        with transaction() as db:
            ids = ledger_accounts.open_all(db, [(PLATFORM, CLEARING, "GBP"), ("merchant:x", SALES, "GBP"),
                                                (self.owner(name), PAYABLE, "GBP")])
            sales, mine = ids["merchant:x", SALES, "GBP"], ids[self.owner(name), PAYABLE, "GBP"]
            transfers.post(db, key=f"pay:{name}:{key}", debit=ids[PLATFORM, CLEARING, "GBP"], credit=sales,
                           amount_minor=abs(minor), code="payment")
            debit, credit = (sales, mine) if minor > 0 else (mine, sales)
            transfers.post(db, key=f"{key}:{name}", debit=debit, credit=credit, amount_minor=abs(minor), code="test")

    def draft(self, channel="sandbox", threshold=500):
        with transaction() as db:
            return batches.draft(db, currency="GBP", channel=channel, threshold_minor=threshold, by=self.maker)

    def approve(self, batch):
        with transaction() as db:
            return batches.approve(db, batch.id, self.checker)

    def batch(self, channel="sandbox", threshold=500):
        return self.approve(self.draft(channel, threshold))

    def go_on(self):
        """What the tick hands out, done here; twice, as it may be."""
        with transaction() as db:
            due = attempts.due(db)
        for id_ in due:
            attempts.go_on(id_)
            attempts.go_on(id_)

    def later(self):
        """Time passes: every open attempt is due again, and the sandbox speaks."""
        with transaction() as db:
            db.execute(update(PayoutAttempt).where(PayoutAttempt.check_at.is_not(None))
                       .values(check_at=text("now() - interval '1 s'")))
            db.execute(update(SandboxPayout).values(silent_until=None))

    def payout(self, name):
        with transaction() as db:
            return queries.payouts_of(db, self.owner(name))[0]

    def attempt(self, name):
        with transaction() as db:
            return apply.running(db, queries.payouts_of(db, self.owner(name))[0].id)

    def stands(self, name):
        """(owed to the party, in transit, at the platform's bank) in minor units."""
        with transaction() as db:
            ids = ledger_accounts.open_all(db, [(self.owner(name), PAYABLE, "GBP"), (PLATFORM, books.IN_TRANSIT, "GBP"),
                                                (PLATFORM, CLEARING, "GBP")])
            found = balances.balances(db, ids.values())
        return tuple(found[ids[one]] for one in ((self.owner(name), PAYABLE, "GBP"),
                                                 (PLATFORM, books.IN_TRANSIT, "GBP"), (PLATFORM, CLEARING, "GBP")))


@pytest.fixture
def desk(db):
    hashed = passwords.hash_password(PASSWORD)
    members = {name: factories.member(db, name, password_hash=hashed) for name in ("Aiko", "Bo", "Cy")}
    people = {name: factories.affiliate(db, member) for name, member in members.items()}
    made = Desk(factories.member(db, "Fin", roles=[("operator", None)]),
                factories.member(db, "Ida", roles=[("operator", None)]), people, members)
    db.commit()
    yield made
    assert broken_rules() == {}


def broken_rules() -> dict:
    with core.db.engine().connect() as connection:
        return {name: rows for name, sql in [*checks.CHECKS, *LEDGER_CHECKS]
                if (rows := connection.execute(text(sql)).mappings().all())}
