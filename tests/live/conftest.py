"""A show with everything in it, pages that act on it, and the relay by hand."""
import json
import uuid
from dataclasses import dataclass, field

import pytest
from sqlalchemy import text

import core.db
from campaigns.stock.claims import claim
from campaigns.stock.models import OfferStock
from core import bus, clock
from core.db import reading, transaction
from live import doors, presence, relay, snapshot, staff_view
from live.chat import actions as chat
from live.show.models import LiveSession, RunItem
from members.models import Member
from tests import factories
from tests.factories import signed_in


def key() -> str:
    return str(uuid.uuid4())


@dataclass
class World:
    """A merchant's show with four offers and a run of five lines; a host, an assistant and two viewers.

    After a flash sale the first and last offer go to full price, the second keeps the sale's, the third is taken down.
    """
    app: object
    shop: object
    host: object
    helper: object
    viewer: object
    other: object
    campaign: object
    show: object
    offers: list
    items: list
    clients: dict = field(default_factory=dict)

    @property
    def id(self) -> str:
        return str(self.show.id)

    @property
    def offer(self) -> str:
        return str(self.offers[0].id)

    def client(self, member):
        """One browser for each person; None: nobody signed in."""
        name = member and member.id
        if name not in self.clients:
            self.clients[name] = signed_in(self.app, member) if member else self.app.test_client()
        return self.clients[name]

    def control(self, action, member=None, **data):
        """What the control page sends; the answer."""
        return self.client(member or self.host).post(
            f"/api/live/{self.id}/control", json={"key": data.pop("key", key()), "action": action, **data})

    def do(self, action, member=None, **data):
        """The same, and it must succeed; the action."""
        answer = self.control(action, member, **data)
        assert answer.status_code == 200, answer.json
        return answer.json["action"]

    def say(self, member, body="hello", **more):
        """A line of chat as the socket event writes it; the message."""
        doors.forget(self.show.id)
        with transaction() as db:
            return chat.say(db, doors.facts(self.show.id), member, more.get("key", key()), body)["message"]

    def hold(self, member=None, quantity=1, offer=0, rehearsal=False):
        return claim((member or self.viewer).id, key(), self.offers[offer].id, quantity, rehearsal)

    def open(self, offer=0):
        return self.do("open_shelf", offer_id=str(self.offers[offer].id))

    def state(self) -> LiveSession:
        with reading() as db:
            return db.get(LiveSession, self.show.id)

    def stock(self, offer=0, rehearsal=False) -> OfferStock:
        with reading() as db:
            return db.query(OfferStock).filter_by(offer_id=self.offers[offer].id, rehearsal=rehearsal).one()

    def shown(self, member) -> dict:
        with reading() as db:
            return snapshot.snapshot(db, self.show.id, member and db.get(Member, member.id))

    def staff(self) -> dict:
        with self.app.test_request_context():
            from flask import g
            g.member = self.host
            with reading() as db:
                return json.loads(json.dumps(staff_view.staff_snapshot(db, self.show.id, self.host)))

    def run_titles(self) -> list[str]:
        with reading() as db:
            return [item.title for item in db.query(RunItem).filter_by(live_session_id=self.show.id)
                    .order_by(RunItem.position)]


def pump() -> list[dict]:
    """Number what is pending, as the relay does; the events: {stream, seq, kind, payload, at}."""
    with core.db.engine().connect() as connection:
        frames = relay.pump(connection)
    return [{"stream": frame["data"]["stream"], **event} for frame in frames if "data" in frame
            for event in frame["data"]["events"]]


def execute(sql: str, **values) -> None:
    with transaction() as db:
        db.execute(text(sql), values)


@pytest.fixture
def quiet():
    """No counts from the test before."""
    client = bus.client()
    keys = list(client.scan_iter("livestall:here:*")) + list(client.scan_iter("livestall:reactions:*"))
    if keys:
        client.delete(*keys)
    presence.reset()


@pytest.fixture
def world(empty, quiet):
    with transaction() as db:
        shop = factories.merchant(db)
        host = factories.member(db, "Nora", roles=[("host", shop)])
        helper = factories.member(db, "Jun", roles=[("assistant", shop)])
        viewer, other = factories.member(db, "Mei Lin"), factories.member(db, "Tomasz")
        what = factories.campaign(db, shop)
        goods = [factories.variant(db, shop, on_hand=60, name=name) for name in ("Heart", "Bag", "Clock", "Tin")]
        rules = (None, "sale_price", "take_down", "full_price")
        offers = [factories.offer(db, what, one, allotment=10, limit_per_member=4, position=n, compare_at_minor=295,
                                  after_sale=rule) for n, (one, rule) in enumerate(zip(goods, rules, strict=True))]
        what.state = "live"
        db.flush()
        show = factories.live_session(db, what, host, blocked_words=["cheaper"], slow_seconds=0)
        for one in offers:
            factories.stock(db, one, left=0, mode="closed", opens_at=None, live_session_id=show.id)
        items = [RunItem(live_session_id=show.id, position=n, title=title, minutes=5, offer_id=offer)
                 for n, (title, offer) in enumerate((("Welcome", None), *((one.title, one.id) for one in offers)), 1)]
        db.add_all(items)
        db.flush()
    return World(empty, shop, host, helper, viewer, other, what, show, offers, items)


def set_state(world, state: str) -> None:
    """Put the show into a state without going there."""
    now = clock.now()
    with transaction() as db:
        show = db.get(LiveSession, world.show.id)
        show.state, show.ended_at = state, now if state == "ended" else None
        show.started_at = None if state in ("scheduled", "cancelled") else show.started_at or now
    doors.forget(world.show.id)
    snapshot.forget(world.show.id)
