"""Letters speak the language of who reads them, whatever page or job caused them."""
import pytest
from sqlalchemy import select

from core.db import transaction
from members.actions import set_language
from members.models import Mail
from orders.payments import DisputeFacts
from orders.payments.disputes import apply_dispute
from tests.factories import member

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


def test_who_chose_no_language_reads_their_own_pages_and_never_the_packers(counter):
    counter.client.set_cookie("lang", "zh")
    order_id = counter.paid()
    counter.desk.set_cookie("lang", "zh")
    counter.desk.post(f"/studio/orders/{order_id}/sent", data={"carrier": "Post", "tracking_code": "AB12"})
    with transaction() as db:
        letters = {mail.key.split(":")[0]: mail.body for mail in db.scalars(select(Mail))}
    assert "收货地址：" in letters["order-paid"] and "Tracking code" in letters["order-sent"]


def test_the_shop_hears_of_a_dispute_once_each_in_their_language(counter):
    with transaction() as db:
        packer = member(db, roles=[("host", counter.shop)])
        set_language(db, packer.id, "zh")
    payment = counter.payments(counter.paid())[0]
    for state in ("open", "open", "lost"):
        with transaction() as db:
            apply_dispute(db, payment.id, DisputeFacts("dp_1", state, 210, "GBP", "=fraudulent"))
    with transaction() as db:
        letters = {mail.to_email: mail for mail in db.scalars(select(Mail).where(Mail.key.startswith("dispute:")))}
    assert len(letters) == 2 and "银行" in letters.pop(packer.email).body
    mail, = letters.values()
    assert "£2.10" in mail.body and "=fraudulent" in mail.body and "/studio/orders/" in mail.body
