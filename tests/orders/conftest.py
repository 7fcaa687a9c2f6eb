"""A live show with a buyer who can hold, order and pay; and the books' own check after every test."""
import dataclasses
import socket
import threading
import uuid
from dataclasses import dataclass

import pytest
from sqlalchemy import select, text
from werkzeug.serving import make_server

import core.db
from campaigns.stock.actions import expire_due
from campaigns.stock.claims import claim
from campaigns.stock.models import OfferStock
from core.db import transaction
from orders import checks, payments
from orders.models import Order, Refund
from orders.payments import returns
from orders.payments.models import Payment, SandboxCharge
from tests import factories
from tests.factories import signed_in


def key() -> str:
    return str(uuid.uuid4())


@dataclass
class Counter:
    """A shop at work, and shortcuts that a test would otherwise repeat."""
    app: object
    shop: object
    host: object
    show: object
    offer: object
    stock_id: uuid.UUID
    buyer: object
    address: object
    client: object
    desk: object

    def hold(self, quantity=1, member=None):
        return claim((member or self.buyer).id, key(), self.offer.id, quantity)

    def card(self, outcome="approve", client=None):
        return (client or self.client).post("/api/cards", json={"outcome": outcome}).json["card"]["id"]

    def body(self, hold, method="card", **values):
        return {"key": key(), "hold_id": hold["id"], "address_id": str(self.address.id), "method": method, **values}

    def order(self, quantity=1, method="card", outcome="approve", hold=None):
        """(the answer to a checkout, its body)."""
        if method == "card":
            self.card(outcome)
        sent = self.body(hold or self.hold(quantity), method)
        return self.client.post("/api/orders", json=sent), sent

    def paid(self, quantity=1, outcome="approve"):
        """The id of a paid order."""
        answer, _sent = self.order(quantity, outcome=outcome)
        assert answer.status_code == 201, answer.json
        assert answer.json["order"]["state"] == "paid", answer.json
        return uuid.UUID(answer.json["order"]["id"])

    def at_the_bank(self, quantity=1):
        """(order id, the bank's address) of an order whose buyer was sent to the bank's page."""
        answer, _sent = self.order(quantity, "bank_page")
        assert answer.status_code == 201, answer.json
        return uuid.UUID(answer.json["order"]["id"]), answer.json["next"]["redirect"]

    def bank(self, address, act):
        return self.client.post(address, data={"act": act})

    def back(self, order_id):
        """The buyer returns from the bank's page."""
        return self.client.get(f"/orders/{order_id}/returned")

    def end_holds(self):
        """Let every hold's time run out."""
        with transaction() as db:
            db.execute(text("UPDATE holds SET expires_at = clock_timestamp() - interval '1 s' WHERE state = 'held'"))
            expire_due(db, self.stock_id)

    def bank_speaks_now(self):
        """Time passes at the bank: what it kept back is in force, and it answers again."""
        with transaction() as db:
            for charge in db.scalars(select(SandboxCharge)):
                charge.known_at = charge.silent_until = None

    def units(self):
        with transaction() as db:
            stock = db.get(OfferStock, self.stock_id)
            return {"left": stock.left, "held": stock.held, "sold": stock.sold, "reserve": stock.reserve}

    def get(self, what, id_):
        with transaction() as db:
            return db.get(what, id_)

    def order_row(self, id_):
        return self.get(Order, id_)

    def payments(self, order_id):
        with transaction() as db:
            return list(db.scalars(select(Payment).where(Payment.order_id == order_id).order_by(Payment.id)))

    def refunds(self, order_id):
        with transaction() as db:
            return list(db.scalars(select(Refund).where(Refund.order_id == order_id).order_by(Refund.id)))

    def send_refunds(self):
        with transaction() as db:
            due = list(db.scalars(select(Refund.id).where(Refund.state == "pending")))
        for id_ in due:
            returns.send(id_)


@pytest.fixture
def counter(app, db):
    shop, host, show, offer, stock = factories.open_show(db, units=10, limit=6)
    buyer = factories.member(db, "Mei Lin")
    address = factories.address(db, buyer)
    db.commit()
    payments.init(app.config["LIVESTALL"])
    yield Counter(app, shop, host, show, offer, stock.id, buyer, address, signed_in(app, buyer), signed_in(app, host))
    db.commit()
    assert_books_right()


def assert_books_right():
    """No row breaks an invariant of orders; `flask check` says the same of running data."""
    with core.db.engine().connect() as connection:
        broken = {name: rows for name, sql in checks.CHECKS if (rows := connection.execute(text(sql)).mappings().all())}
    assert not broken


@pytest.fixture
def nobody_home(app):
    """BASE_URL leads to a port where nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        before = app.config["LIVESTALL"]
        app.config["LIVESTALL"] = dataclasses.replace(before, base_url=f"http://127.0.0.1:{taken.getsockname()[1]}")
        yield
    app.config["LIVESTALL"] = before


@pytest.fixture
def live_server(app):
    """The application at an address of its own, for what comes over HTTP."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    before = app.config["LIVESTALL"]
    app.config["LIVESTALL"] = dataclasses.replace(before, base_url=f"http://127.0.0.1:{server.server_port}")
    yield app.config["LIVESTALL"].base_url
    app.config["LIVESTALL"] = before
    server.shutdown()
    server.server_close()
