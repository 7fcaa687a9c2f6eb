"""All the money of a shop in any order, against a plain model: orders, partial refunds, disputes, rule changes,
decisions, settlement chunk by chunk with all of that in between, payouts and payouts that come back.

Every command dies once before one of its statements or commits, is then done, and is done again. The model knows no
order of events: what each party is owed in the end is a sum over what happened, so before, during and after a
settlement must be the same.
"""
import contextlib
import os
import uuid
from datetime import timedelta
from fractions import Fraction
from math import floor

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, multiple, rule, run_state_machine_as_test
from sqlalchemy import select, text

import core.db
from affiliates.commission import actions as commission
from affiliates.commission.models import Commission, CommissionHold
from affiliates.commission.publishing import publish
from affiliates.commission.rules import Draft
from affiliates.payouts import accounts, apply, attempts, batches
from affiliates.payouts.models import Payout, PayoutAttempt, PayoutBatch, SandboxPayout
from affiliates.payouts.providers import Result as PayoutResult
from affiliates.settlement import actions as settling
from affiliates.settlement import jobs
from affiliates.settlement.models import SettlementRun
from campaigns.stock.claims import run_batch
from core.checks import CHECKS
from core.clock import now
from core.db import transaction
from core.errors import DomainError
from orders import actions, books, checkout, refunds
from orders.models import Order
from orders.payments import DisputeFacts, Result, disputes
from orders.payments import apply as payments
from tests import factories
from tests.orders.conftest import key
from tests.orders.test_crashes import Died, dying_at

PRICE, FEE_PPM, PASSWORD = 210, 25_000, "correct horse battery"
FAR = timedelta(days=60)  # past every hold period
# Each takes 5 s: `make test` tries a few days of the shop, MACHINE_EXAMPLES=100 many.
EXAMPLES = int(os.environ.get("MACHINE_EXAMPLES", "4"))
deaths = st.integers(1, 60)


def half_up(exact: Fraction) -> int:
    return floor(exact + Fraction(1, 2))


class Sale:
    """What happened to one order, as the model knows it."""

    def __init__(self, ppm, team_ppm, total, units):
        self.ppm, self.team_ppm, self.total, self.units = ppm, team_ppm, total, units
        self.paid = self.delivered = self.rejected = False
        self.back, self.refunded, self.disputes = 0, 0, {}

    def disputed(self):
        return sum(minor for minor, state in self.disputes.values() if state != "won")

    def kept(self, ppm):
        """What is left of a commission at this rate."""
        earned = half_up(Fraction(self.total * ppm, 10**6))
        gone = min(self.total, self.refunded + self.disputed())
        return 0 if self.rejected else earned - half_up(Fraction(earned * gone, self.total))

    def merchants(self):
        fee = half_up(Fraction((self.total - self.refunded) * FEE_PPM, 10**6))
        return self.total - self.refunded - self.disputed() - fee - self.kept(self.ppm) - self.kept(self.team_ppm)

    def is_through(self):
        return self.paid and (self.delivered or self.refunded + self.disputed() >= self.total)


class Shop(RuleBasedStateMachine):
    """`desk`, `leader` and the two finance persons are set by the test."""
    desk = leader = fin = second = None
    sales = Bundle("sales")

    def __init__(self):
        super().__init__()
        self.model, self.payments, self.ppm, self.team_ppm = {}, {}, 100_000, 30_000
        self.run, self.paid_out = None, {}
        reset()
        with transaction() as db:
            factories.commission_rule(db, self.desk.counter.shop, rate_ppm=self.ppm, level2_ppm=self.team_ppm)

    def do(self, dies, command):
        """What it gave: done with a death in it, again if it died (before or after its commit), and once more."""
        with contextlib.suppress(Died), dying_at(dies):
            command()
        command()
        return command()

    @rule(ppm=st.sampled_from([0, 3_333, 100_000, 333_333]), team_ppm=st.sampled_from([0, 30_000, 66_667]))
    def change_rate(self, ppm, team_ppm):
        """What nobody can lose by holds at once; anything else is announced and changes nothing yet."""
        try:
            with transaction() as db:
                publish(db, self.desk.counter.shop, Draft(rate_ppm=ppm, level2_ppm=team_ppm), self.desk.staff)
        except DomainError as refusal:
            assert refusal.code == "another_coming"
            return
        if ppm >= self.ppm and team_ppm >= self.team_ppm:
            self.ppm, self.team_ppm = ppm, team_ppm

    @rule(target=sales, units=st.integers(1, 4), dies=deaths)
    def order(self, units, dies):
        counter, once, again = self.desk.counter, key(), key()

        def command():
            hold = run_batch([(counter.buyer.id, once, counter.offer.id, units, False)])[0]
            if not isinstance(hold, dict):
                return None
            with transaction() as db:
                return checkout.place(db, counter.buyer, {"key": again, "hold_id": uuid.UUID(hold["id"]),
                                                          "address_id": counter.address.id, "method": "bank_page"})
        made = self.do(dies, command)
        if made is None:
            return multiple()  # nothing left to sell
        order, payment, _fresh = made
        self.model[order.id] = Sale(self.ppm, self.team_ppm, units * PRICE, units)
        self.payments[order.id] = payment
        return order.id

    @rule(id_=sales, dies=deaths)
    def pay(self, id_, dies):
        payment = self.payments[id_]

        def command():
            with transaction() as db:
                payments.apply_result(db, payment.id, Result("succeeded", payment.key, payment.amount_minor, "GBP"))
        self.do(dies, command)
        self.model[id_].paid = True

    @rule(id_=sales, units=st.integers(1, 4), dies=deaths)
    def refund(self, id_, units, dies):
        sale, once = self.model[id_], key()

        def command():
            with transaction() as db:
                refunds.refund_lines(db, id_, {db.get(Order, id_).lines[0].id: units}, reason="goodwill",
                                     restock=False, key=once, by=self.desk.staff)
        try:
            self.do(dies, command)
        except DomainError:
            assert not sale.paid or sale.back + units > sale.units
            return
        sale.back, sale.refunded = sale.back + units, sale.refunded + units * PRICE

    @rule(id_=sales, name=st.sampled_from(["a", "b"]), share=st.integers(1, 100),
          state=st.sampled_from(["open", "won", "lost"]), dies=deaths)
    def dispute(self, id_, name, share, state, dies):
        sale = self.model[id_]
        if not sale.paid:
            return
        minor, before = sale.disputes.get(name, (max(1, sale.total * share // 100), None))

        def command():
            with transaction() as db:
                disputes.apply_dispute(db, self.payments[id_].id, DisputeFacts(f"{id_}-{name}", state, minor, "GBP"))
        self.do(dies, command)
        sale.disputes[name] = (minor, state if before in (None, "open") or state == "won" else before)

    @rule(id_=sales, dies=deaths)
    def deliver(self, id_, dies):
        def step():
            with transaction() as db:
                return db.get(Order, id_).fulfilment

        def command():
            if step() == "to_pack":
                with transaction() as db:
                    actions.mark_sent(db, id_)
                    actions.mark_delivered(db, id_)
        self.do(dies, command)
        self.model[id_].delivered = step() == "delivered"

    @rule(id_=sales, verdict=st.sampled_from(["released", "rejected"]), dies=deaths)
    def doubt(self, id_, verdict, dies):
        """A person holds both lines of an order and decides, whatever was settled before."""
        sale = self.model[id_]
        if not sale.paid or sale.rejected:
            return

        def command():
            with transaction() as db:
                for one in db.scalars(select(Commission).where(Commission.order_id == id_)):
                    if db.scalar(select(CommissionHold).where(CommissionHold.commission_id == one.id)) is None:
                        hold = commission.hold_by_hand(db, one, self.desk.staff, "Looked odd.")
                        commission.decide(db, hold, verdict, self.desk.staff, "Seen.")
        with transaction() as db:
            looked = db.scalar(select(CommissionHold.id).join(Commission).where(Commission.order_id == id_).limit(1))
        if looked is None:
            self.do(dies, command)
            sale.rejected = verdict == "rejected"

    @rule(dies=deaths)
    def open_run(self, dies):
        end_campaign()

        def command():
            with transaction() as db:
                return settling.open_run(db, self.desk.counter.show.campaign_id, size=1, cutoff=now() + FAR)[0].id
        self.run = self.do(dies, command)

    @rule(dies=deaths)
    def settle_one_chunk(self, dies):
        if self.run:
            self.do(dies, lambda: jobs._one(self.run))

    @rule(dies=deaths)
    def settle_the_rest(self, dies):
        if self.run:
            self.do(dies, lambda: jobs.settle(str(self.run)))
            with transaction() as db:
                run = db.get(SettlementRun, self.run)
            assert run.state == "audited", run.result
            self.run = None

    @rule(dies=deaths)
    def pay_out(self, dies):
        """Two finance persons, then the bank; whatever is under way is not paid again."""
        def command():
            with transaction() as db:
                batches.draft(db, currency="GBP", channel="sandbox", threshold_minor=1, by=self.fin)
            with transaction() as db:
                drafts = db.scalars(select(PayoutBatch.id).where(PayoutBatch.state == "draft")).all()
                for id_ in drafts:
                    batches.approve(db, id_, self.second)
            with transaction() as db:
                db.execute(text("UPDATE payout_attempts SET check_at = now() - interval '1 s' "
                                "WHERE check_at IS NOT NULL"))
            with transaction() as db:
                due = attempts.due(db)
            for id_ in due:
                attempts.go_on(id_)
        self.do(dies, command)

    @rule()
    def a_payout_comes_back(self):
        with transaction() as db:
            found = db.scalar(select(PayoutAttempt).join(Payout, Payout.id == PayoutAttempt.payout_id)
                              .where(Payout.state == "paid").order_by(Payout.id).limit(1))
        for _time in range(2 if found else 0):
            with transaction() as db:
                apply.apply_result(db, found.id, PayoutResult("returned"))
                db.get(SandboxPayout, found.key).state = "returned"

    @invariant()
    def no_rule_of_the_house_is_broken(self):
        with core.db.engine().connect() as connection:
            broken = {name: rows for name, sql in CHECKS
                      if (rows := connection.execute(text(sql)).mappings().fetchmany(3))}
        assert not broken

    def teardown(self):
        """All runs end; then each party was given exactly what the model says, paid or still owed."""
        for _time in range(2):
            if self.run is None:
                self.open_run(1)
            self.settle_the_rest(1)
        with core.db.engine().connect() as connection:
            given = dict(connection.execute(text(GIVEN)).all())
        through = [sale for sale in self.model.values() if sale.paid and sale.delivered]
        wanted = {
            f"affiliate:{self.desk.affiliate.id}": sum(sale.kept(sale.ppm) for sale in through),
            f"affiliate:{self.leader.id}": sum(sale.kept(sale.team_ppm) for sale in through),
            books.merchant(self.desk.counter.shop.id): sum(sale.merchants() for sale in self.model.values()
                                                           if sale.is_through())}
        assert {owner: int(minor) for owner, minor in given.items() if minor} == \
            {owner: minor for owner, minor in wanted.items() if minor}


# What a party is owed now and what the bank says that it has: by the bank's own book, not by ours.
GIVEN = """
SELECT owner, sum(minor) FROM (
  SELECT a.owner, CASE WHEN t.credit_id = a.id THEN t.amount_minor ELSE -t.amount_minor END AS minor
  FROM ledger_accounts a JOIN ledger_transfers t ON a.id IN (t.credit_id, t.debit_id)
  WHERE a.kind = 'payable' AND t.state = 'posted'
  UNION ALL
  SELECT p.owner, s.amount_minor FROM sandbox_payouts s JOIN payout_attempts t ON t.key = s.key
  JOIN payouts p ON p.id = t.payout_id WHERE s.state = 'paid'
  UNION ALL
  SELECT owner, amount_minor FROM payouts WHERE state IN ('reserved', 'submitted', 'unknown')
    AND NOT EXISTS (SELECT FROM sandbox_payouts s JOIN payout_attempts t ON t.key = s.key
                    WHERE t.payout_id = payouts.id AND s.state = 'paid')) x
GROUP BY owner"""


def end_campaign():
    """The campaign is over for settling; its offers go on selling, so that everything may happen in between."""
    with core.db.engine().begin() as connection:
        connection.execute(text("UPDATE campaigns SET state = 'settling' WHERE state IN ('live', 'settled')"))


def reset():
    """The same shop, a new day."""
    with core.db.engine().begin() as connection:
        connection.execute(text("SET LOCAL ledger.may_truncate = 'yes'"))
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        connection.execute(text("""TRUNCATE orders, holds, claims, offer_members, affiliate_bindings, commission_rules,
            affiliate_totals_due, settlement_runs, settlement_items, settlement_adjustments, settlement_merchants,
            payout_batches, sandbox_payouts, ledger_accounts CASCADE"""))
        connection.execute(text('UPDATE offer_stock SET "left" = 10, held = 0, sold = 0, reserve = 0, waiting = 0'))
        connection.execute(text("UPDATE campaigns SET state = 'live'"))


@pytest.fixture
def shop(desk, db, monkeypatch):
    """A team of two with accounts at the sandbox bank, two finance persons, and a fee."""
    monkeypatch.setattr(books, "_fee_ppm", FEE_PPM)
    leader_member = factories.member(db, "Bo")
    leader = factories.affiliate(db, leader_member, desk.counter.shop)
    fin, second = (factories.member(db, name, roles=[("operator", None)]) for name in ("Fin", "Ida"))
    db.commit()
    with transaction() as own:
        own.execute(text("UPDATE affiliates SET parent_id = :leader WHERE id = :id"),
                    {"leader": leader.id, "id": desk.affiliate.id})
    for affiliate, member_id in ((desk.affiliate, desk.member.id), (leader, leader_member.id)):
        with transaction() as own:
            row = accounts.set_account(own, f"affiliate:{affiliate.id}", own.get(type(desk.member), member_id),
                                       method="sandbox", holder="Somebody", details={"outcome": "paid"})
            accounts.verify(own, row.id, second)
    desk.came()
    desk.came(30 * 60)
    Shop.desk, Shop.leader, Shop.fin, Shop.second = desk, leader, fin, second
    yield
    reset()


@pytest.mark.timeout(900)
def test_everybody_gets_what_a_plain_model_says(shop):
    run_state_machine_as_test(Shop, settings=settings(
        max_examples=EXAMPLES, stateful_step_count=22, deadline=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck)))
