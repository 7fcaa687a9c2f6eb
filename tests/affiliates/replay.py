"""Real invoices as paid orders and their cancellations as refunds; then every affiliate's sum, twice.

`read` makes plain events of a file, `play` sends them through orders and affiliates, `reckon` computes the same from
the events in plain Python that shares nothing with them.
"""
import csv
import io
import uuid
import zlib
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import timedelta
from fractions import Fraction
from math import floor
from pathlib import Path

from sqlalchemy import insert, text

from affiliates.commission.publishing import publish
from affiliates.commission.rules import Draft
from affiliates.links.models import Click, Coupon, TrackingLink
from campaigns.catalogue.models import Product, Variant
from campaigns.stock.models import Hold, OfferStock
from campaigns.terms.models import Offer
from core import clock
from core.db import transaction
from core.ids import new_id
from members.models import Member
from orders import coupons, moments, refunds
from orders.models import Order, OrderLine
from orders.payments import Result, apply
from orders.payments.models import Payment
from tests import factories

PROMOTERS = 24
ADDRESS = {"name": "Buyer", "line1": "1 High Street", "line2": "", "city": "Leeds", "postcode": "LS1 1AA",
           "country": "GB", "phone": ""}


@dataclass
class Sale:
    """An invoice: lines are (code, units, unit price in pence)."""
    number: str
    customer: str
    lines: list = field(default_factory=list)


@dataclass
class Return:
    """Units of one line of an earlier sale."""
    sale: str
    line: int
    units: int


def read(path: Path) -> tuple[list, int]:
    """(sales and returns in the file's order, cancelled units whose sale is not in the file).

    Lines without a price and corrections of stock are no sales. A cancellation is of the buyer's latest sale of that
    code at that price that has units left."""
    raw = path.read_bytes()
    try:
        rows = csv.DictReader(io.StringIO(raw.decode("utf-8")))
        rows = list(rows)
    except UnicodeDecodeError:
        rows = list(csv.DictReader(io.StringIO(raw.decode("latin-1"))))
    events, by_number, left, lost = [], {}, defaultdict(list), 0
    for row in rows:
        number, units = row["InvoiceNo"], int(row["Quantity"])
        pence = int(round(Fraction(row["UnitPrice"]) * 100))
        if pence <= 0:
            continue
        what = (row["CustomerID"], row["StockCode"], pence)
        if units > 0 and not number.startswith("C"):
            if number not in by_number:
                by_number[number] = Sale(number, row["CustomerID"])
                events.append(by_number[number])
            sale = by_number[number]
            sale.lines.append((row["StockCode"], units, pence))
            left[what].append([number, len(sale.lines) - 1, units])
        elif units < 0:
            lost += _give_back(events, left[what], -units)
    return events, lost


def _give_back(events: list, sold: list, units: int) -> int:
    for entry in reversed(sold):
        part = min(entry[2], units)
        if part:
            entry[2] -= part
            units -= part
            events.append(Return(entry[0], entry[1], part))
    return units


# -- Who, by which rule. Both sides read this table and nothing else of one another.

def category(code: str) -> str:
    return f"shelf {zlib.crc32(code.encode()) % 5}"


def promoter(customer: str) -> int | None:
    """Which affiliate brought a customer; nobody brought those without a name."""
    return int(customer) % PROMOTERS if customer else None


def by_coupon(customer: str) -> bool:
    return bool(customer) and int(customer) % 3 == 0


COUPON_PPM = 125_000
WIDE, LATER, CAMPAIGN, GOLD, SHELF, CAPPED = 80_000, 95_000, 90_000, 110_000, 120_000, 150_000
CAMPAIGN_LEVEL2, CAP, FLAT = 20_000, 999, 7


def is_flat(code: str) -> bool:
    return zlib.crc32(code.encode()) % 17 == 0


def is_gold(who: int) -> bool:
    return who % 4 == 1


def leader(who: int) -> int | None:
    return 0 if 1 <= who <= 5 else None


def second_campaign(number: str) -> bool:
    return int(number[1:] if number[0].isalpha() else number) % 2 == 1


# -- Computed alone

def half_up(exact: Fraction) -> int:
    return floor(exact + Fraction(1, 2))


def largest_remainder(whole: int, parts: list[int]) -> list[int]:
    exact = [Fraction(whole * part, sum(parts)) for part in parts]
    shares = [floor(one) for one in exact]
    order = sorted(range(len(parts)), key=lambda i: (shares[i] - exact[i], i))
    for i in order[:whole - sum(shares)]:
        shares[i] += 1
    return shares


def reckon(events: list, raised_after: int) -> dict[int, int]:
    """{affiliate: what is left of all commissions, in pence}."""
    earned, lines, seen = defaultdict(int), {}, 0
    for event in events:
        if isinstance(event, Return):
            _reckon_return(earned, lines[event.sale, event.line], event.units)
            continue
        seen += 1
        gross = [units * pence for _code, units, pence in event.lines]
        off = half_up(Fraction(sum(gross) * COUPON_PPM, 10**6)) if by_coupon(event.customer) else 0
        for place, share in enumerate(largest_remainder(off, gross)):
            code, units, _pence = event.lines[place]
            paid = gross[place] - share
            shares = _shares(event, code, units, paid, seen > raised_after)
            lines[event.number, place] = {"paid": paid, "units": units, "back": 0, "shares": shares}
            for who, amount in shares:
                earned[who] += amount
    return dict(earned)


def _shares(sale: Sale, code: str, units: int, paid: int, raised: bool) -> list[tuple[int, int]]:
    who = promoter(sale.customer)
    if who is None:
        return []

    def of(ppm):
        return half_up(Fraction(paid * ppm, 10**6))
    if is_flat(code):
        return [(who, FLAT * units)]
    if category(code) == "shelf 1":
        return [(who, of(SHELF))]
    if category(code) == "shelf 2":
        return [(who, min(of(CAPPED), CAP))]
    if second_campaign(sale.number):
        above = [(leader(who), of(CAMPAIGN_LEVEL2))] if leader(who) is not None else []
        return [(who, of(CAMPAIGN)), *above]
    return [(who, of(GOLD if is_gold(who) else LATER if raised else WIDE))]


def _reckon_return(earned: dict, line: dict, units: int) -> None:
    def kept(amount, back):
        money = line["paid"] * back // line["units"]
        return amount - half_up(Fraction(amount * money, line["paid"]))
    before, line["back"] = line["back"], line["back"] + units
    for who, amount in line["shares"]:
        earned[who] += kept(amount, line["back"]) - kept(amount, before)


# -- Through the house

class Stage:
    """A shop in which a file can be played."""

    def __init__(self, db, events: list):
        self.shop = factories.merchant(db)
        self.staff = factories.member(db, "Ana", roles=[("merchant_staff", self.shop)])
        self.campaigns = [factories.campaign(db, self.shop, "draft") for _ in range(2)]
        self.orders, self.people, self.links, self.codes = {}, {}, {}, {}
        self._goods(db, events)
        for campaign in self.campaigns:
            campaign.state = "live"
        self._promoters(db)
        self._rules(db)
        self._customers(db, {event.customer for event in events if isinstance(event, Sale)})
        db.commit()

    def _goods(self, db, events) -> None:
        units = defaultdict(int)
        for event in events:
            for code, count, _pence in event.lines if isinstance(event, Sale) else ():
                units[code, second_campaign(event.number)] += count
        codes = sorted({code for code, _second in units})
        products = {code: new_id() for code in codes}
        self.variants = {code: new_id() for code in codes}
        db.execute(insert(Product), [{"id": products[code], "merchant_id": self.shop.id, "name": code,
                                      "category": category(code)} for code in codes])
        db.execute(insert(Variant), [{"id": self.variants[code], "product_id": products[code], "price_minor": 1,
                                      "merchant_id": self.shop.id, "sku": code, "currency": "GBP"} for code in codes])
        self.products = products
        self.offers = {key: (new_id(), new_id()) for key in units}
        db.execute(insert(Offer), [
            {"id": self.offers[key][0], "campaign_id": self.campaigns[key[1]].id, "merchant_id": self.shop.id,
             "variant_id": self.variants[key[0]], "title": key[0], "price_minor": 1,
             "allotment": min(count, 1_000_000), "limit_per_member": 1000} for key, count in units.items()])
        db.execute(insert(OfferStock), [
            {"id": self.offers[key][1], "offer_id": self.offers[key][0], "allotment": count, "reserve": 0, "left": 0,
             "held": count, "currency": "GBP", "price_minor": 1, "unit_limit": 2_000_000_000, "hold_seconds": 300}
            for key, count in units.items()])

    def _promoters(self, db) -> None:
        self.affiliates = []
        for who in range(PROMOTERS):
            lead = self.affiliates[leader(who)] if leader(who) is not None else None
            made = factories.affiliate(db, shop=self.shop, name=f"promoter {who}", parent=lead,
                                       tier="gold" if is_gold(who) else "standard")
            self.affiliates.append(made)
            link = TrackingLink(code=f"Link{who:03}", affiliate_id=made.id, merchant_id=self.shop.id,
                                campaign_id=self.campaigns[0].id)
            self.codes[who] = Coupon(code=f"CODE{who}", merchant_id=self.shop.id, affiliate_id=made.id,
                                     percent_ppm=COUPON_PPM)
            db.add_all([link, self.codes[who]])
            self.links[who] = link
        db.flush()

    def _rules(self, db) -> None:
        factories.commission_rule(db, self.shop, WIDE)
        factories.commission_rule(db, self.shop, CAMPAIGN, campaign_id=self.campaigns[1].id,
                                  level2_ppm=CAMPAIGN_LEVEL2)
        factories.commission_rule(db, self.shop, GOLD, tier="gold")
        factories.commission_rule(db, self.shop, SHELF, category="shelf 1")
        factories.commission_rule(db, self.shop, CAPPED, category="shelf 2", cap_minor=CAP)
        for code, product_id in self.products.items():
            if is_flat(code):
                factories.commission_rule(db, self.shop, product_id=product_id, flat_minor=FLAT)

    def _customers(self, db, customers: set) -> None:
        self.people = {name: new_id() for name in customers}
        db.execute(insert(Member), [{"id": id_, "email": f"buyer-{name or 'none'}@example.test", "name": "Buyer",
                                     "password_hash": "!", "simulated": False} for name, id_ in self.people.items()])
        db.execute(insert(Click), [
            {"link_id": self.links[promoter(name)].id, "visitor": uuid.uuid4(), "member_id": id_, "utm": {},
             "referrer": "", "created_at": clock.now() - timedelta(hours=1)}
            for name, id_ in self.people.items() if name and not by_coupon(name)])

    def raise_the_wide_rule(self) -> None:
        with transaction() as db:
            publish(db, db.merge(self.shop), Draft(rate_ppm=LATER), self.staff)

    def sell(self, sale: Sale) -> None:
        """An order as the checkout would make it, with many lines, and its money."""
        with transaction() as db:
            order = self._order(db, sale)
            payment = Payment(order_id=order.id, provider="sandbox", method="bank_page", currency="GBP",
                              amount_minor=order.total_minor, key=f"replay-{sale.number}")
            db.add(payment)
            db.flush()
            moments.PLACED.tell(db, order)
            effect = apply.apply_result(db, payment.id, Result("succeeded", payment.key, order.total_minor, "GBP"))
            assert effect == "paid"

    def _order(self, db, sale: Sale) -> Order:
        gross = [units * pence for _code, units, pence in sale.lines]
        coupon = self.codes[promoter(sale.customer)] if by_coupon(sale.customer) else None
        off = coupons.discount(coupons.Coupon(coupon.code, coupon.percent_ppm), sum(gross)) if coupon else 0
        second = second_campaign(sale.number)
        order = Order(member_id=self.people[sale.customer], merchant_id=self.shop.id, currency="GBP", address=ADDRESS,
                      campaign_id=self.campaigns[second].id, coupon_code=coupon and coupon.code, discount_minor=off,
                      total_minor=sum(gross) - off, key=f"replay-{sale.number}", body_hash="")
        db.add(order)
        db.flush()
        ids, holds, lines = [], [], []
        for place, share in enumerate(coupons.shares(off, gross)):
            code, units, pence = sale.lines[place]
            offer_id, stock_id = self.offers[code, second]
            ids.append(new_id())
            holds.append({"id": new_id(), "stock_id": stock_id, "offer_id": offer_id, "member_id": order.member_id,
                          "quantity": units, "price_minor": pence, "expires_at": clock.now() + timedelta(hours=1)})
            lines.append({"id": ids[-1], "order_id": order.id, "position": place, "offer_id": offer_id,
                          "stock_id": stock_id, "variant_id": self.variants[code], "hold_id": holds[-1]["id"],
                          "title": code, "sku": code, "quantity": units, "unit_price_minor": pence,
                          "discount_minor": share, "terms": {}})
        db.execute(insert(Hold), holds)
        db.execute(insert(OrderLine), lines)
        self.orders[sale.number] = (order.id, ids)
        return order

    def take_back(self, back: Return, key: str) -> None:
        with transaction() as db:
            order_id, lines = self.orders[back.sale]
            refunds.refund_lines(db, order_id, {lines[back.line]: back.units}, reason="returned", restock=False,
                                 key=key, by=self.staff)

    def sums(self) -> dict[int, int]:
        with transaction() as db:
            found = dict(db.execute(text("SELECT affiliate_id, sum(amount_minor - reversed_minor)::bigint "
                                         "FROM commissions GROUP BY 1")).all())
        return {who: found[one.id] for who, one in enumerate(self.affiliates) if one.id in found}


def play(db, events: list) -> tuple[Stage, int]:
    """(the shop afterwards, after how many sales the wide rule was raised)."""
    stage = Stage(db, events)
    sales = sum(isinstance(event, Sale) for event in events)
    sold = 0
    for place, event in enumerate(events):
        if isinstance(event, Return):
            stage.take_back(event, f"replay-back-{place}")
            continue
        if sold == sales // 2:
            stage.raise_the_wide_rule()
        stage.sell(event)
        sold += 1
    return stage, sales // 2
