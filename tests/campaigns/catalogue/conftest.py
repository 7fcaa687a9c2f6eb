"""A shop, its staff, and a browser in which somebody is signed in."""
import re
from datetime import timedelta

import pytest

from core import clock
from members.identity import hash_token, new_token
from members.models import SignIn
from tests import factories


@pytest.fixture
def shop(db):
    row = factories.merchant(db)
    db.commit()
    return row


@pytest.fixture
def ana(db, shop):
    """Merchant staff of the shop."""
    row = factories.member(db, "Ana", roles=[("merchant_staff", shop)])
    db.commit()
    return row


@pytest.fixture
def browser(empty, db):
    """browser(member) → a test client in which the member is signed in."""
    def open_for(member):
        token = new_token()
        db.add(SignIn(member_id=member.id, token_hash=hash_token(token), expires_at=clock.now() + timedelta(hours=1)))
        db.commit()
        client = empty.test_client()
        with client.session_transaction() as session:
            session["sign_in"] = token
        return client
    return open_for


@pytest.fixture
def staff(browser, ana):
    return browser(ana)


def words(answer) -> str:
    """A page's text without its tags."""
    return " ".join(re.sub(r"<[^>]*>", " ", answer.get_data(as_text=True)).split())
