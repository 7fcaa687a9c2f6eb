"""A write that is sent twice is done once, and the second answer is the first one."""
import threading
import uuid
from datetime import timedelta

from sqlalchemy import func, select, update

from affiliates.commission.models import Adjustment, Bonus
from core.clock import now
from core.db import transaction
from members.keys import actions
from members.keys.models import ApiAnswer

BONUS = {"measure": "orders", "threshold": 3, "amount_minor": 500}


def key():
    return {"Idempotency-Key": str(uuid.uuid4())}


def count(model=Bonus):
    with transaction() as db:
        return db.scalar(select(func.count()).select_from(model))


def path(desk):
    return f"/shop/campaigns/{desk.counter.show.campaign_id}/bonuses"


def test_the_same_key_gives_the_same_answer_and_does_nothing(desk, staff):
    sent = key()
    first = staff.post(path(desk), json=BONUS, headers=sent)
    again = staff.post(path(desk), json=BONUS, headers=sent)
    assert (first.status_code, again.status_code, again.json) == (201, 201, first.json)
    assert again.headers["Idempotent-Replayed"] == "true" and "Idempotent-Replayed" not in first.headers
    assert count() == 1
    staff.post(path(desk), json=BONUS)
    staff.post(path(desk), json=BONUS, headers=key())
    assert count() == 3


def test_another_body_under_the_same_key_is_refused(desk, staff):
    sent = key()
    staff.post(path(desk), json=BONUS, headers=sent)
    other = staff.post(path(desk), json={**BONUS, "threshold": 4}, headers=sent)
    assert (other.status_code, other.json["code"]) == (422, "key_conflict") and count() == 1


def test_keys_of_two_programs_have_nothing_to_do_with_each_other(desk, staff, program):
    sent, second = key(), program(desk.staff, shop=desk.counter.shop)
    assert staff.post(path(desk), json=BONUS, headers=sent).json["id"] != second.post(
        path(desk), json=BONUS, headers=sent).json["id"]
    assert count() == 2


def test_a_refusal_is_not_kept(desk, staff):
    sent = key()
    assert staff.post(path(desk), json={**BONUS, "threshold": 0}, headers=sent).status_code == 422
    assert staff.post(path(desk), json=BONUS, headers=sent).status_code == 201
    assert staff.post(path(desk), json=BONUS, headers={"Idempotency-Key": "short"}).json["fields"]


def test_two_at_the_same_moment_are_one(desk, staff):
    sent, answers = key(), []
    start = threading.Barrier(4)

    def send():
        start.wait()
        answers.append(staff.post(path(desk), json=BONUS, headers=sent))
    threads = [threading.Thread(target=send) for _ in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert {one.status_code for one in answers} == {201} and len({one.json["id"] for one in answers}) == 1
    assert count() == 1


def test_a_correction_carries_the_key_into_the_books(desk, aiko, staff):
    desk.came()
    desk.buy(quantity=2)
    line, = aiko.get("/commissions").json["data"]
    to, sent = f"/shop/commissions/{line['id']}/corrections", key()
    done = staff.post(to, json={"amount_minor": -12, "note": "Agreed by phone"}, headers=sent)
    assert done.json["reversed_minor"] == 12
    with transaction() as db:  # the answer was forgotten, the books were not
        db.execute(ApiAnswer.__table__.delete())
    again = staff.post(to, json={"amount_minor": -12, "note": "Agreed by phone"}, headers=sent)
    assert again.json == done.json and count(Adjustment) == 1
    assert staff.post(to, json={"amount_minor": -31, "note": "Too much"}).json["fields"].keys() == {"amount"}


def test_answers_are_kept_for_a_day(desk, staff):
    staff.post(path(desk), json=BONUS, headers=key())
    with transaction() as db:
        assert actions.forget_answers(db) == 0
        db.execute(update(ApiAnswer).values(created_at=now() - timedelta(hours=25)))
        assert actions.forget_answers(db) == 1


def test_a_letter_goes_out_once(desk, staff):
    sent = key()
    body = {"email": "New@Example.test", "tier": "gold"}
    first = staff.post("/shop/invitations", json=body, headers=sent)
    assert first.status_code == 201 and first.json["email"] == "new@example.test"
    assert staff.post("/shop/invitations", json=body, headers=sent).json == first.json
    with transaction() as db:
        from members.models import Mail
        letter, = db.scalars(select(Mail).where(Mail.key.like("affiliate-invite:%")))
        assert "/affiliate/invitations/" in letter.body and letter.to_email == "new@example.test"
