"""A shop with a show, a buyer, an approved affiliate and a rule; and the books' own check after every test."""
import uuid
from dataclasses import dataclass
from datetime import timedelta

import pytest
from sqlalchemy import select, text

import core.db
from affiliates import checks
from affiliates.commission.models import Adjustment, Commission
from affiliates.links.models import Click, TrackingLink
from core import clock
from core.db import transaction
from orders import actions, refunds
from orders.models import Order
from tests import factories
from tests.orders.conftest import Counter, counter, key  # noqa: F401  (a fixture)


def assert_affiliates_right():
    """No row breaks an invariant of affiliates; `flask check` says the same of running data."""
    with core.db.engine().connect() as connection:
        broken = {name: rows for name, sql in checks.CHECKS if (rows := connection.execute(text(sql)).mappings().all())}
    assert not broken


@dataclass
class Desk:
    """Shortcuts around one affiliate."""
    counter: Counter
    affiliate: object
    member: object
    staff: object
    rule: object
    link: TrackingLink

    def came(self, seconds=60, link=None, member=None, visitor=None):
        """The buyer came over the link that long ago."""
        with transaction() as db:
            db.add(Click(link_id=(link or self.link).id, visitor=visitor or uuid.uuid4(),
                         member_id=(member or self.counter.buyer).id,
                         created_at=clock.now() - timedelta(seconds=seconds)))

    def buy(self, quantity=1, **more):
        """The id of a paid order."""
        if not self.counter.client.get("/api/cards").json["cards"]:
            self.counter.card()
        answer = self.counter.client.post("/api/orders", json=self.counter.body(self.counter.hold(quantity), **more))
        assert answer.status_code == 201, answer.json
        assert answer.json["order"]["state"] == "paid", answer.json
        return uuid.UUID(answer.json["order"]["id"])

    def refund(self, order_id, units, id_=None):
        with transaction() as db:
            line = db.get(Order, order_id).lines[0]
            refunds.refund_lines(db, order_id, {line.id: units}, reason="returned", restock=True, key=id_ or key(),
                                 by=self.staff)

    def deliver(self, order_id):
        with transaction() as db:
            actions.mark_sent(db, order_id)
            actions.mark_delivered(db, order_id)

    def commissions(self, order_id=None):
        with transaction() as db:
            found = select(Commission).order_by(Commission.created_at, Commission.level)
            return list(db.scalars(found.where(Commission.order_id == order_id) if order_id else found))

    def adjustments(self):
        with transaction() as db:
            return list(db.scalars(select(Adjustment).order_by(Adjustment.id)))


@pytest.fixture
def desk(counter, db):  # noqa: F811
    """10 % on everything; the link leads to the show."""
    member = factories.member(db, "Aiko")
    affiliate = factories.affiliate(db, member, counter.shop)
    staff = factories.member(db, "Ana", roles=[("merchant_staff", counter.shop)])
    rule = factories.commission_rule(db, counter.shop)
    link = TrackingLink(code="Link234", affiliate_id=affiliate.id, merchant_id=counter.shop.id,
                        campaign_id=counter.show.campaign_id, live_session_id=counter.show.id)
    db.add(link)
    db.commit()
    yield Desk(counter, affiliate, member, staff, rule, link)
    db.commit()
    assert_affiliates_right()
