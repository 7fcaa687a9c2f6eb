"""People who are signed in, and drafts that could be published."""
from datetime import timedelta

import pytest

from campaigns.catalogue.actions import record_price
from core.clock import now
from core.db import transaction
from members.identity import COOKIE_KEY, hash_token, new_token
from members.models import Merchant, SignIn
from tests import factories as make


@pytest.fixture
def shop(db) -> Merchant:
    row = make.merchant(db)
    db.commit()
    return row


@pytest.fixture
def sign_in(empty):
    """Makes browsers of people with roles: sign_in("host", shop)."""
    def enter(kind, merchant, name="Ana Wells"):
        token = new_token()
        with transaction() as db:
            who = make.member(db, name, roles=[(kind, merchant)] if kind else [])
            db.add(SignIn(member_id=who.id, token_hash=hash_token(token), expires_at=now() + timedelta(days=1)))
        client = empty.test_client()
        with client.session_transaction() as cookie:
            cookie[COOKIE_KEY] = token
        return client
    return enter


@pytest.fixture
def staff(sign_in, shop):
    return sign_in("merchant_staff", shop)


@pytest.fixture
def draft(db, shop):
    """A draft with two good offers: (campaign, [offers]). Committed."""
    return _draft(db, shop)


def _draft(db, shop, goods=None, allotment=10):
    what = make.campaign(db, shop)
    goods = goods or [make.variant(db, shop, on_hand=50, price_minor=295, name=name) for name in ("Bird", "Clock")]
    for each in goods:
        record_price(db, each.id, each.price_minor)
    offers = [make.offer(db, what, each, price_minor=210, compare_at_minor=295, is_deal=True, allotment=allotment,
                         position=place) for place, each in enumerate(goods, 1)]
    db.commit()
    return what, offers


@pytest.fixture
def make_draft(db, shop):
    return lambda goods=None, allotment=10: _draft(db, shop, goods, allotment)
