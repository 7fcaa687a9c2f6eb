"""Letters speak the language of who reads them, whatever page or job caused them."""
import pytest
from sqlalchemy import select

from core.db import transaction
from members.actions import set_language
from members.models import Mail

WORDS = {"en": ("is confirmed", "It goes to:", "United Kingdom", "has sent your order", "Tracking code"),
         "zh": ("已确认", "收货地址：", "英国", "发货", "快递单号")}


@pytest.mark.parametrize("language", ["en", "zh"])
def test_letters_about_an_order_speak_the_buyers_language(counter, language):
    with transaction() as db:
        set_language(db, counter.buyer.id, language)
    # Their own choice wins over the cookie and the wish of the browser that they pay with.
    counter.client.set_cookie("lang", "zh" if language == "en" else "en")
    order_id = counter.paid()
    answer = counter.desk.post(f"/studio/orders/{order_id}/sent", data={"carrier": "Post", "tracking_code": "AB12"},
                               headers={"Accept-Language": "en"})
    assert answer.status_code == 302
    with transaction() as db:
        letters = "\n".join(f"{mail.subject}\n{mail.body}" for mail in db.scalars(select(Mail)))
    for words in WORDS[language]:
        assert words in letters, words
