"""Builders with the fewest defaults: `make(db, Member, email=…)` style helpers. Each flushes and returns the row."""
import uuid
from datetime import timedelta

from sqlalchemy.dialects.postgresql import Range

from affiliates.commission.models import CommissionRule
from affiliates.people.models import Affiliate, Affiliation
from campaigns.catalogue.models import Product, StockMove, Variant
from campaigns.stock.models import OfferStock
from campaigns.terms.models import Campaign, Offer
from core import clock
from core.db import transaction
from live.show.models import LiveSession
from members.identity import COOKIE_KEY, hash_token, new_token
from members.models import Address, Member, Merchant, Role, SignIn


def _add(db, row):
    db.add(row)
    db.flush()
    return row


def member(db, name="Mei Lin", roles=(), **values) -> Member:
    """A member; `roles` are (kind, merchant) pairs. The password hash is no hash: use actions.sign_up to sign in."""
    values = {"email": f"{uuid.uuid4().hex[:12]}@example.test", "password_hash": "!", **values}
    row = _add(db, Member(name=name, **values))
    for kind, merchant in roles:
        _add(db, Role(member_id=row.id, merchant_id=merchant and merchant.id, kind=kind))
    db.refresh(row)
    return row


def merchant(db, **values) -> Merchant:
    slug = uuid.uuid4().hex[:10]
    values = {"name": "Lantern & Larch", "slug": slug, "currency": "GBP", "country": "GB",
              "contact_email": f"{slug}@example.test", **values}
    return _add(db, Merchant(**values))


def address(db, who, **values) -> Address:
    values = {"name": who.name, "line1": "14 Larch Road", "city": "Leeds", "postcode": "LS1 4AB", "country": "GB",
              "is_default": True, **values}
    return _add(db, Address(member_id=who.id, **values))


def variant(db, shop, on_hand=100, price_minor=295, name="White hanging heart T-light holder", **values) -> Variant:
    product = _add(db, Product(merchant_id=shop.id, name=name, category="Candles"))
    values = {"sku": uuid.uuid4().hex[:8].upper(), "currency": shop.currency, **values}
    row = _add(db, Variant(product_id=product.id, merchant_id=shop.id, price_minor=price_minor, on_hand=on_hand,
                           **values))
    if on_hand:
        _add(db, StockMove(variant_id=row.id, delta=on_hand, reason="count", key=f"count:{row.id}"))
    return row


def campaign(db, shop, state="draft", **values) -> Campaign:
    return _add(db, Campaign(merchant_id=shop.id, name="Winter kitchen", currency=shop.currency, state=state, **values))


def offer(db, what, goods, price_minor=210, allotment=10, limit_per_member=4, **values) -> Offer:
    return _add(db, Offer(campaign_id=what.id, merchant_id=what.merchant_id, variant_id=goods.id,
                          title=goods.product.name, price_minor=price_minor, allotment=allotment,
                          limit_per_member=limit_per_member, **values))


def stock(db, of, left=None, mode="open", **values) -> OfferStock:
    """The running numbers of an offer, open for sale unless told otherwise; moves its allotment out of on_hand."""
    left = of.allotment if left is None else left
    goods = db.get(Variant, of.variant_id)
    if of.allotment and not values.get("rehearsal"):
        goods.on_hand -= of.allotment
        _add(db, StockMove(variant_id=goods.id, delta=-of.allotment, reason="allot", offer_id=of.id,
                           key=f"allot:{of.id}"))
    values = {"unit_limit": of.limit_per_member, "hold_seconds": of.hold_seconds or 300, "price_minor": of.price_minor,
              "currency": goods.currency, "opens_at": clock.now() - timedelta(seconds=5), **values}
    return _add(db, OfferStock(offer_id=of.id, allotment=of.allotment, left=left, reserve=of.allotment - left,
                               mode=mode, **values))


def live_session(db, what, host, state="live", **values) -> LiveSession:
    started = clock.now() - timedelta(minutes=10) if state in ("live", "paused", "rehearsal") else None
    values = {"title": "Thursday kitchen table", "starts_at": clock.now(), "started_at": started, **values}
    return _add(db, LiveSession(merchant_id=what.merchant_id, campaign_id=what.id, host_id=host.id, state=state,
                                **values))


def open_show(db, units=10, limit=4, price_minor=210):
    """A live show with one open offer: (merchant, host, show, offer, stock), campaign live."""
    shop = merchant(db)
    host = member(db, "Nora", roles=[("host", shop)])
    what = campaign(db, shop)
    thing = offer(db, what, variant(db, shop, on_hand=units + 50), price_minor=price_minor, allotment=units,
                  limit_per_member=limit)
    what.state = "live"
    db.flush()
    show = live_session(db, what, host)
    return shop, host, show, thing, stock(db, thing, live_session_id=show.id)


def signed_in(app, member):
    """A browser in which the member is signed in."""
    token = new_token()
    with transaction() as db:
        db.add(SignIn(member_id=member.id, token_hash=hash_token(token), expires_at=clock.now() + timedelta(hours=1)))
    client = app.test_client()
    with client.session_transaction() as session:
        session[COOKIE_KEY] = token
    return client


def affiliate(db, who=None, shop=None, name="Aiko", parent=None, state="active", tier="standard") -> Affiliate:
    """An active affiliate; with `shop`, approved by it."""
    who = who or member(db, name)
    row = _add(db, Affiliate(member_id=who.id, display_name=who.name, parent_id=parent and parent.id, state=state))
    if shop:
        _add(db, Affiliation(affiliate_id=row.id, merchant_id=shop.id, state="active", tier=tier))
    return row


def commission_rule(db, shop, rate_ppm=100_000, since=None, until=None, version=1, **values) -> CommissionRule:
    """A rule of a merchant, valid from an hour ago unless told otherwise."""
    since = since or clock.now() - timedelta(hours=1)
    if "flat_minor" in values:
        rate_ppm = None
    if "flat_minor" in values or "cap_minor" in values:
        values = {"currency": shop.currency, **values}
    return _add(db, CommissionRule(merchant_id=shop.id, rate_ppm=rate_ppm, version=version,
                                   valid=Range(since, until), **values))
