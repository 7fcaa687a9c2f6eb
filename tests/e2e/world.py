"""What a page can show and the demo alone does not have: run in the stack's environment, prints the ids as JSON.

Everything goes through the house's own actions; only times are moved by hand, as nobody waits five minutes here.
"""
import json
import sys
import uuid
from datetime import timedelta
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from flask import g  # noqa: E402
from sqlalchemy import func, select, text, update  # noqa: E402

from affiliates.appeals import actions as appeals  # noqa: E402
from affiliates.commission import actions as commission  # noqa: E402
from affiliates.commission.models import Commission  # noqa: E402
from affiliates.people.actions import apply, apply_at, invite  # noqa: E402
from affiliates.people.queries import access_own  # noqa: E402
from affiliates.portal.settings import team_token  # noqa: E402
from affiliates.settlement import actions as settlement  # noqa: E402
from affiliates.settlement.models import SettlementChunk, SettlementItem  # noqa: E402
from affiliates.settlement.queries import newest_run, parties_of  # noqa: E402
from app import create_app  # noqa: E402
from campaigns.catalogue import imports  # noqa: E402
from campaigns.catalogue.models import Product  # noqa: E402
from campaigns.stock.actions import expire_due  # noqa: E402
from campaigns.stock.claims import claim  # noqa: E402
from campaigns.stock.line import join  # noqa: E402
from campaigns.stock.models import Hold, OfferStock  # noqa: E402
from campaigns.stock.queries import stock_of  # noqa: E402
from campaigns.terms import publishing  # noqa: E402
from campaigns.terms.models import Campaign  # noqa: E402
from core import clock, jobs, logs  # noqa: E402
from core.db import reading, transaction  # noqa: E402
from demo import accounts, crowd, shows  # noqa: E402
from live.show import actions as plan  # noqa: E402
from live.show.models import FlashSale, LiveSession  # noqa: E402
from members import actions as members  # noqa: E402
from members import emails, invites  # noqa: E402
from members.keys import actions as keys  # noqa: E402
from members.models import Mail, Member, Merchant  # noqa: E402
from members.queries import default_address  # noqa: E402
from orders import actions, cards, checkout, refunds  # noqa: E402
from orders.payments import attempts, returns  # noqa: E402
from orders.payments.models import SandboxCharge  # noqa: E402
from tests.e2e import world_payouts  # noqa: E402
from tests.e2e.people import BUYER, FRESH, HOLDER, LINER, NEWCOMER  # noqa: E402

ORNAMENT, BAG, TINS = "84879", "85099B", "22720"
GOOD = "sku,name,price,stock,category,option\nMUG-1,Stoneware mug,9.95,40,Kitchen,blue\nMUG-2,Stoneware mug with a long name that has to break somewhere,10.95,12,Kitchen,\n84879,Assorted colour bird ornament,1.79,,,\n" + "BAD-1,Mug,free,1,,\nBAD-2,,3.00,1,,\n"  # noqa: E501


def make() -> dict:
    """{name: id or token} of everything, and the cookies of everybody."""
    with transaction() as db:
        people = _people(db)
        shop = db.scalars(select(Merchant).where(Merchant.slug == "lantern-larch")).one()
        nora = db.scalars(select(Member).where(Member.email == accounts.HOST)).one()
        g.member = nora
        live = db.scalars(select(LiveSession).where(LiveSession.title == shows.TONIGHT)).one()
        offers = shows.offer_ids(db, db.get(Campaign, live.campaign_id))
        ids = _studio(db, shop, nora)
        ids |= {"live": live.id, "tins": offers[TINS], "ornament": offers[ORNAMENT]}
    ids |= _orders(people[BUYER], offers, nora)
    _sold_out(people, live, offers[TINS], offers[ORNAMENT])
    ids["hold"] = claim(people[HOLDER].id, "world-hold", offers[ORNAMENT], 2)["id"]
    with transaction() as db:  # the clock shall not run out while pictures are taken
        db.execute(update(Hold).where(Hold.member_id == people[HOLDER].id).values(
            expires_at=func.now() + timedelta(hours=1)))
    ids |= _imports(shop.id, nora.id)
    ids |= _tokens(shop, people, nora)
    ids |= _affiliates(people, shop)
    ids |= _settlements(shop, nora, ids["ended"])
    _keys(shop)
    ids |= world_payouts.make(shop)
    jobs.enqueue("orders.payments.jobs.look_up", "not an id")
    return {name: str(value) for name, value in ids.items()}


def _keys(shop) -> None:
    """Keys of staff and of the operator."""
    with transaction() as db:
        for email, name, scopes in ((accounts.STAFF, "Nightly export to our books", ["shop:read", "shop:write"]),
                                    (accounts.OPERATOR, "Bank files", ["payouts:read", "payouts:write"])):
            member = db.scalars(select(Member).where(Member.email == email)).one()
            keys.make(db, member, name=name, scopes=scopes, merchant_id=shop.id)


def _people(db) -> dict:
    """By e-mail: a buyer with a long address and cards, one who holds units, one in line, one who has nothing."""
    found = {}
    for email, name in ((BUYER, "Sam"), (HOLDER, "Kim"), (LINER, "Lou"), (NEWCOMER, "Ada"), (FRESH, "Ines")):
        found[email] = members.sign_up(db, email=email, name=name, password=accounts.PASSWORD)
    for email in (BUYER, HOLDER, LINER):
        members.add_address(db, found[email], name=found[email].name, line1="Apartment 12, The Old Lantern Works",
                            line2="214 Upper Larch Street", city="Newcastle upon Tyne", postcode="NE1 4XD",
                            country="GB", phone="+44 191 496 0123", is_default=True)
        cards.add_test_card(db, found[email], "approve")
    members.add_address(db, found[BUYER], name="Sam", line1="3 Quay", city="Leith", postcode="EH6 6AB", country="GB")
    fresh = members.create_merchant(db, name="Tide & Thyme", slug="tide-thyme", currency="EUR", country="IE",
                                    contact_email=f"hello@{accounts.DOMAIN}")
    members.grant(db, found[FRESH], "merchant_staff", fresh, None)
    return found


def _studio(db, shop, nora) -> dict:
    rows = dict(db.execute(select(Campaign.name, Campaign.id)).all())
    past, coming = (db.scalars(select(LiveSession).where(LiveSession.state == state)).one()
                    for state in ("ended", "scheduled"))
    off = shows.make_show(db, shop, db.get(Campaign, rows["Baking day"]), nora, "Bread and butter",
                          "Two loaves, one oven.", clock.now() + timedelta(days=2))
    plan.cancel(db, off)
    product = db.scalars(select(Product).where(Product.name.ilike("%CAKESTAND%")).limit(1)).one()
    return {"past": past.id, "next": coming.id, "cancelled": off.id, "product": product.id,
            "draft": rows["Spring table"], "published": rows["Winter kitchen"], "scheduled": rows["Baking day"],
            "ended": rows["Warm hands"]}


def _place(buyer, offer_id, key: str, quantity: int = 1, how: str = "card"):
    """(order id, payment id) of units claimed and ordered; not paid yet."""
    hold = claim(buyer.id, key, offer_id, quantity)
    with transaction() as db:
        order, payment, _fresh = checkout.place(db, buyer, {
            "key": key, "hold_id": hold["id"], "address_id": default_address(db, buyer.id).id, "method": how})
    return order.id, payment.id


def _paid(buyer, offer_id, key: str, quantity: int = 1):
    order_id, payment_id = _place(buyer, offer_id, key, quantity)
    attempts.begin(payment_id)
    return order_id


def _orders(buyer, offers: dict, nora) -> dict:
    """One order at each of its steps; the newest of the ornament is paid, as the live page then shows it."""
    bag, ids = offers[BAG], {}
    expired, _payment = _place(buyer, bag, "world-expired")
    with transaction() as db:
        db.execute(update(Hold).where(Hold.member_id == buyer.id, Hold.state == "held").values(
            expires_at=func.now() - timedelta(seconds=1)))
        expire_due(db, stock_of(db, bag, False).id)
        actions.expire_orders(db)
    ids["order_expired"] = expired
    ids |= {f"order_{name}": _paid(buyer, bag, f"world-{name}") for name in ("sent", "delivered", "cancelled")}
    with transaction() as db:
        actions.cancel(db, ids["order_cancelled"], buyer)
        for name in ("sent", "delivered"):
            actions.mark_sent(db, ids[f"order_{name}"], "Lark Post", "LP7300977GB")
        actions.mark_delivered(db, ids["order_delivered"])
    ids |= _refused_refund(buyer, bag, nora)
    ids["order_paid"] = _paid(buyer, offers[ORNAMENT], "world-paid", 3)
    with transaction() as db:
        cards.add_test_card(db, buyer, "decline")
    ids["order_awaiting"] = _paid(buyer, bag, "world-awaiting")
    ids["order_bank"], payment_id = _place(buyer, bag, "world-bank", how="bank_page")
    attempts.begin(payment_id)
    with transaction() as db:
        db.execute(update(Hold).where(Hold.member_id == buyer.id, Hold.state == "held").values(
            expires_at=func.now() + timedelta(hours=1)))
    with reading() as db:
        open_charge = db.scalars(select(SandboxCharge).where(SandboxCharge.card_ref.is_(None)))
        ids["bank"] = open_charge.one().reference
        paid_charge = select(SandboxCharge.reference).where(SandboxCharge.state == "approved").limit(1)
        ids["charge"] = db.scalars(paid_charge).one()
    return ids


def _refused_refund(buyer, offer_id, nora) -> dict:
    with transaction() as db:
        cards.add_test_card(db, buyer, "no_refund")
    order_id = _paid(buyer, offer_id, "world-refused", 2)
    with transaction() as db:
        refund = refunds.refund_lines(db, order_id, None, reason="returned", restock=False, key="world-refused",
                                      by=nora, note="Wrong size")
        cards.add_test_card(db, buyer, "approve")
    returns.send(refund.id)
    return {"order_refused": order_id}


def _sold_out(people: dict, live, offer_id, on_air) -> None:
    """A flash sale of one unit that somebody has, and a line behind it."""
    with transaction() as db:
        shows.press(db, live, "start_sale", offer_id=str(offer_id), countdown_seconds=10, duration_seconds=1200,
                    quantity=1)
        for table in (OfferStock, FlashSale):
            db.execute(update(table).where(table.offer_id == offer_id, table.closes_at.is_not(None))
                       .values(opens_at=func.clock_timestamp() - timedelta(seconds=1)))
        shows.press(db, live, "put_on_air", offer_id=str(on_air))
    _paid(people[HOLDER], offer_id, "world-last")
    with transaction() as db:
        join(db, stock_of(db, offer_id, False).id, people[LINER].id, 1)


def _imports(shop_id, nora_id) -> dict:
    """An import at each of its steps; `busy` is the one that a test keeps at work."""
    ids = {}
    for name, data in (("preview", GOOD), ("busy", GOOD), ("done", GOOD.replace("MUG", "JUG")),
                       ("dropped", GOOD), ("failed", GOOD)):
        with transaction() as db:
            shop, nora = db.get(Merchant, shop_id), db.get(Member, nora_id)
            row = imports.start_import(db, shop, nora, f"{name}.csv", data.encode(), start_stock=0)
            ids[f"import_{name}"] = row.id
            if name == "failed":
                imports.fail(db, row, "gave_up", {})
            elif name == "dropped":
                imports.drop(db, row)
            else:
                imports.read(db, row, shop, lambda _done: None)
            if name in ("busy", "done"):
                imports.ask_apply(db, row)
            if name == "done":
                imports.apply(db, row, shop, lambda _done: None)
            if name == "busy":
                # It is due in an hour, so neither worker nor tick takes it: its page goes on showing work.
                db.execute(text("UPDATE imports SET progress = 3, step_at = now() + interval '1 hour' WHERE id = :id"),
                           {"id": row.id})
    return ids


def _tokens(shop, people: dict, nora) -> dict:
    with transaction() as db:
        invite = invites.make(email="late@livestall.test", kind="host", merchant=shop, by=nora)
        members.write_invitation(db, email="late@livestall.test", shop=shop, role="host", by=nora,
                                 link=f"http://127.0.0.1/sign-up?invite={invite}")
        token, asked = members.new_reset(db, people[NEWCOMER]), []
        emails.start(db, people[BUYER], "sam.new@livestall.test", lambda link: asked.append(link) or link)
        mail = db.scalars(select(Mail).order_by(Mail.id.desc()).limit(1)).one()
        address = default_address(db, people[BUYER].id)
        return {"invite": invite, "reset": token, "email": asked[0], "mail": mail.id,
                "address": address.id, "missing": uuid.uuid4()}


def _affiliates(people: dict, shop) -> dict:
    """Lines of Aiko's in every state, with appeals; one who waits to be approved and one who is new."""
    with transaction() as db:
        ana, aiko = (db.scalars(select(Member).where(Member.email == email)).one()
                     for email in (accounts.STAFF, accounts.AFFILIATES[0]))
        affiliate = access_own(db, aiko)
        asks = apply(db, people[LINER], about="A channel about bread, with a long title that has to break somewhere.")
        apply_at(db, asks, shop)
        apply(db, people[HOLDER]).state = "applied"
        asked = []
        invite(db, shop, NEWCOMER, ana, lambda token: asked.append(token) or token)
        lines = db.scalars(select(Commission).where(Commission.affiliate_id == affiliate.id, Commission.level == 1,
                                                    Commission.amount_minor > 2, Commission.reversed_minor == 0,
                                                    ~Commission.held, Commission.id.not_in(
                                                        select(SettlementItem.commission_id)))
                           .order_by(Commission.id).limit(4)).all()
        for one in lines[1:3]:
            commission.hold_by_hand(db, one, ana, "The same parcel went to two names.")
        commission.correct(db, lines[3], -1, ana, "One was a gift.", "world-correct")
        appeals.appeal(db, lines[1], affiliate, "They are sisters and live together.")
        said = appeals.appeal(db, lines[2], affiliate, "He paid for it himself.")
        appeals.answer(db, said, ana, "Thank you, we see.")
        return {"line_paid": lines[0].id, "line_held": lines[1].id, "line_answered": lines[2].id,
                "line_back": lines[3].id, "promote": asked[0], "team": team_token(affiliate.id),
                "aff_aiko": affiliate.id, "aff_asks": asks.id}


def _settlements(shop, nora, ended) -> dict:
    """The settlement that the demo made, and one with a part that failed."""
    with transaction() as db:
        run = newest_run(db, ended)
        spoons = publishing.publish(db, shows.make_draft(
            db, shop, "Spoon week", (("22697", 245, 295, 4, 2, False),), nora), nora)
        publishing.end(db, spoons, nora)
        failing, _fresh = settlement.open_run(db, spoons.id, by=nora)
        db.add(SettlementChunk(run_id=failing.id, no=1, lo=uuid.UUID(int=0), hi=uuid.UUID(int=1)))
        db.flush()
        for _try in range(settlement.MOST_TRIES):
            settlement.note_failure(db, failing.id, 1, "OSError('[Errno 28] No space left on device')")
        return {"run": run.id, "party": parties_of(db, run.id)[0].affiliate_id, "run_failed": failing.id}


def main() -> None:
    app = create_app()
    logs.configure("error", "text")
    with app.app_context():
        ids = make()
        everybody = (*(row[0] for row in accounts.PEOPLE), BUYER, HOLDER, LINER, NEWCOMER, FRESH)
        cookies = {email: crowd.sign_in(app, email).split("=", 1)[1] for email in everybody}
    print(json.dumps({"ids": ids, "cookies": cookies}))


if __name__ == "__main__":
    main()
