"""The demo shop, made through the same functions as a real one: people, a catalogue from real invoices, shows.

The shop is one transaction, what is on tonight another; in between last week's show is sold as buyers buy (evening.py).
"""
from pathlib import Path

import click
from flask import g
from sqlalchemy import func, select

from campaigns.catalogue import actions as catalogue
from campaigns.catalogue import imports
from campaigns.catalogue.models import Product, Variant
from core.commands import command
from core.db import transaction
from demo import accounts, evening, payees, promoters, shows
from demo.categories import category
from live.show.models import LiveSession
from members import actions as members
from members.models import Member, Merchant
from orders.payments.models import SavedCard
from orders.payments.sandbox import CARDS

SLUG = "lantern-larch"
LINES = Path(__file__).parent / "data" / "basket_lines.csv"
START_STOCK = 120
# What the shelf holds besides START_STOCK of everything: (SKU, units).
COUNTS = (("84879", 520), ("85099B", 640), ("22111", 310), ("85123A", 412), ("22423", 262), ("22727", 276),
          ("22720", 338), ("22834", 690), ("22752", 4), ("21259", 3), ("22803", 5), ("82486", 0))
ADDRESSES = {accounts.VIEWERS[0]: ("8 Canal Walk", "Manchester", "M1 4WB"),
             accounts.VIEWERS[1]: ("27 Orchard Street", "Bristol", "BS1 5EH")}


@command("seed")
@click.pass_obj
def seed(app):
    """Make the demo shop, its people, catalogue and shows. Does nothing where a shop exists."""
    if not app.config["LIVESTALL"].demo:
        raise click.ClickException("The demo's password is public. Set DEMO=1 if this is a place for demos.")
    with transaction() as gate:
        # Two starts at once: the second waits and then finds the shop.
        gate.execute(select(func.pg_advisory_xact_lock(func.hashtextextended("demo seed", 0))))
        lines = plant()
    for line in lines or ["There is a shop already; nothing was changed."]:
        click.echo(line)


def plant() -> list[str]:
    """Everything that is not there yet; lines that say what was made. A start that was cut off goes on here."""
    with transaction() as db:
        others = db.scalar(select(func.count()).select_from(Merchant).where(Merchant.slug != SLUG))
        shop = db.scalar(select(Merchant).where(Merchant.slug == SLUG))
        if others or shop and db.scalar(select(LiveSession.id).where(LiveSession.title == shows.TONIGHT)):
            return []
        products = _shop(db) if shop is None else 0
        nora = db.scalars(select(Member).where(Member.email == accounts.HOST)).one()
    orders = evening.play(nora)
    with transaction() as db:
        g.member = nora
        shop = db.scalars(select(Merchant).where(Merchant.slug == SLUG)).one()
        people = {who.email: who for who in db.scalars(select(Member))}
        made = shows.stage(db, shop, people)
        made += f", {promoters.plant(db, shop, people, evening.TITLE, shows.TONIGHT)}"
        payees.plant(db, shop, people)
    g.member = None
    return [f"{shop.name}: {len(accounts.PEOPLE)} people, {products} products, {made}, "
            f"a show of last week with {orders} orders."]


def _shop(db) -> int:
    """The shop, its people and its catalogue, and the show of last week just on air; how many products."""
    shop = members.create_merchant(db, name="Lantern & Larch", slug=SLUG, currency="GBP", country="GB",
                                   contact_email=f"hello@{accounts.DOMAIN}")
    members.change_merchant(db, shop, delivery_note="Free delivery, with you in 3 working days.",
                            returns_note="30 days to return, unused and for any reason.")
    people = {email: _person(db, shop, *rest) for email, *rest in ((p[0], p) for p in accounts.PEOPLE)}
    for email in accounts.VIEWERS:
        _furnish(db, people[email])
        members.follow(db, people[email].id, shop.id, True)
    g.member = people[accounts.STAFF]
    products = _catalogue(db, shop, g.member)
    g.member = people[accounts.HOST]
    evening.open_show(db, shop, g.member)
    return products


def _person(db, shop, who) -> Member:
    email, name, role, _purpose = who
    member = members.sign_up(db, email=email, name=name, password=accounts.PASSWORD)
    if role:
        members.grant(db, member, role, None if role == "operator" else shop, None)
        db.refresh(member)
    return member


def _furnish(db, member: Member) -> None:
    """What buying in two taps needs: an address and a sandbox card that says yes."""
    line1, city, postcode = ADDRESSES[member.email]
    members.add_address(db, member, name=member.name, line1=line1, city=city, postcode=postcode, country="GB",
                        is_default=True)
    db.add(SavedCard(member_id=member.id, provider="sandbox", provider_ref="sandbox_approve", brand="Sandbox",
                     last4=CARDS["approve"], is_default=True))


def _catalogue(db, shop: Merchant, by: Member) -> int:
    """The extract through the real import, then what a shop would do by hand: shelves and a count."""
    row = imports.start_import(db, shop, by, LINES.name, LINES.read_bytes(), start_stock=START_STOCK)
    imports.read(db, row, shop, lambda _done: None)
    imports.ask_apply(db, row)
    imports.apply(db, row, shop, lambda _done: None)
    for product in db.scalars(select(Product)).all():
        product.category = category(product.name)
    by_sku = dict(db.execute(select(Variant.sku, Variant).where(Variant.sku.in_([sku for sku, _ in COUNTS]))).all())
    for sku, units in COUNTS:
        catalogue.set_count(db, by_sku[sku], units, f"demo:{sku}", by, note="Stock-take")
    return db.scalar(select(func.count()).select_from(Product))
