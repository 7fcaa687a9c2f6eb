"""Any order of posting, pending, posting, voiding, reversing, folding and repeating, against a plain model."""
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule, run_state_machine_as_test
from sqlalchemy import text
from sqlalchemy.orm import Session

from core.db import engine
from core.errors import DomainError
from ledger import balances, transfers
from tests.ledger.conftest import broken_rules, open_book

NAMES = ("cash", "ann", "bob", "purse")
GROWS_BY_CREDIT = {"cash": False, "ann": True, "bob": True, "purse": True}


class Books(RuleBasedStateMachine):
    posted, pending = Bundle("posted"), Bundle("pending")

    def __init__(self):
        super().__init__()
        self.count = 0
        with engine().begin() as connection:
            connection.execute(text("SET LOCAL ledger.may_truncate = 'yes'"))
            connection.execute(text("TRUNCATE ledger_accounts, ledger_transfers, ledger_balances, ledger_snapshots"))
        with Session(engine()) as db:
            self.book = open_book(db)
        self.model = dict.fromkeys(NAMES, 0)
        self.aside = 0  # of the purse
        self.reversed = {}

    def key(self):
        self.count += 1
        return f"k{self.count}"

    def do(self, work):
        """In a transaction, twice; the second time changes nothing. None if it was refused."""
        try:
            for _ in range(2):
                with Session(engine()) as db, db.begin():
                    id_ = work(db)
        except DomainError:
            return None
        return id_

    def move(self, debit, credit, amount):
        self.model[debit] += -amount if GROWS_BY_CREDIT[debit] else amount
        self.model[credit] += amount if GROWS_BY_CREDIT[credit] else -amount

    def fits(self, debit, amount):
        return debit != "purse" or self.model["purse"] - self.aside >= amount

    @rule(target=posted, debit=st.sampled_from(NAMES), credit=st.sampled_from(NAMES), amount=st.integers(1, 50))
    def post(self, debit, credit, amount):
        key = self.key()
        id_ = self.do(lambda db: transfers.post(
            db, key=key, debit=getattr(self.book, debit), credit=getattr(self.book, credit), amount_minor=amount,
            code="post"))
        assert (id_ is not None) == (debit != credit and self.fits(debit, amount))
        if id_:
            self.move(debit, credit, amount)
        return id_, debit, credit, amount

    @rule(target=pending, debit=st.sampled_from(NAMES), amount=st.integers(1, 50))
    def pend(self, debit, amount):
        key, credit = self.key(), "bob" if debit == "cash" else "cash"
        id_ = self.do(lambda db: transfers.pend(
            db, key=key, debit=getattr(self.book, debit), credit=getattr(self.book, credit), amount_minor=amount,
            code="pend"))
        assert (id_ is not None) == self.fits(debit, amount)
        if id_ and debit == "purse":
            self.aside += amount
        return id_, debit, credit, amount

    @rule(one=consumes(pending), moves=st.booleans())
    def finish(self, one, moves):
        id_, debit, credit, amount = one
        if id_ is None:
            return
        key = self.key()
        assert self.do(lambda db: (transfers.post_pending if moves else transfers.void)(db, id_, key))
        assert self.do(lambda db: (transfers.void if moves else transfers.post_pending)(db, id_, key + "x")) is None
        self.aside -= amount if debit == "purse" else 0
        if moves:
            self.move(debit, credit, amount)

    @rule(one=posted, amount=st.integers(1, 50))
    def reverse(self, one, amount):
        id_, debit, credit, whole = one
        if id_ is None:
            return
        key, back = self.key(), self.reversed.get(id_, 0)
        done = self.do(lambda db: transfers.reverse(db, id_, key, amount))
        assert (done is not None) == (back + amount <= whole and self.fits(credit, amount))
        if done:
            self.reversed[id_] = back + amount
            self.move(credit, debit, amount)

    @rule(least=st.integers(1, 4))
    def fold(self, least):
        with Session(engine()) as db:
            balances.fold(db, least)

    @invariant()
    def the_books_are_the_models(self):
        with Session(engine()) as db:
            ids = {name: getattr(self.book, name) for name in NAMES}
            found = balances.balances(db, ids.values())
            assert {name: found[id_] for name, id_ in ids.items()} == self.model

    def teardown(self):
        with Session(engine()) as db:
            for name in NAMES:
                last = list(balances.statement(db, getattr(self.book, name)))[-1:]
                assert [line.balance_minor for line in last] in ([], [self.model[name]])
        assert broken_rules() == {}


def test_the_ledger_against_a_plain_model(empty):
    run_state_machine_as_test(Books, settings=settings(
        max_examples=10, stateful_step_count=15, deadline=None, suppress_health_check=list(HealthCheck)))
