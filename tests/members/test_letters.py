"""Letters: written with what causes them, sent once per key, tried again for a while, kept with their error."""
import dataclasses
import threading
from datetime import timedelta

import pytest
from redis import Redis
from sqlalchemy import func, select, update

from core import bus, jobs
from core.db import transaction
from members import actions, post
from members import jobs as member_jobs
from members.models import Mail
from tests.members.conftest import letters
from tests.members.smtp_double import Double


@pytest.fixture
def server(app, monkeypatch):
    """A mail server that SMTP_URL names."""
    double = Double()
    monkeypatch.setattr(post, "_settings", dataclasses.replace(app.config["LIVESTALL"], smtp_url=double.url))
    bus.client().delete(post._ASKED)
    yield double
    double.shutdown()
    double.server_close()


def write(key="k1", to="ada@example.test", subject="Hello", body="A line.\n\nAnother — with signs: 你好."):
    with transaction() as db:
        actions.write_mail(db, key=key, to_email=to, subject=subject, body=body)


def test_a_letter_goes_out_once_and_is_marked(server, db):
    write()
    write()
    assert member_jobs.send_mails() == 1
    assert member_jobs.send_mails() == 0
    assert len(server.letters) == 1
    letter = letters(db)[0]
    assert (letter.tries, letter.error) == (1, None)
    assert letter.sent_at is not None
    text = server.letters[0]
    assert "To: ada@example.test" in text
    assert f"Message-ID: <{letter.id}@localhost>" in text
    assert "From: Livestall <no-reply@localhost>" in text


def test_a_letter_that_its_transaction_forgets_is_never_sent(server, db):
    with pytest.raises(RuntimeError), transaction() as own:
        actions.write_mail(own, key="k1", to_email="ada@example.test", subject="Hello", body="x")
        raise RuntimeError
    assert member_jobs.send_mails() == 0
    assert letters(db) == []


def test_a_subject_cannot_smuggle_a_header(server, db):
    write(subject="Hello\r\nBcc: everybody@example.test")
    member_jobs.send_mails()
    assert "\nBcc:" not in server.letters[0]
    assert "Subject: Hello Bcc: everybody@example.test" in server.letters[0]


def test_a_server_in_trouble_is_asked_again_later_and_later_and_then_given_up(server, db):
    write()
    server.refuse["RCPT"] = "451 try later"
    waits = []
    for _ in range(member_jobs.MOST_TRIES):
        assert member_jobs.send_mails() == 0
        with transaction() as own:
            waits.append(own.scalar(select(Mail.next_try_at - func.now())))
            own.execute(update(Mail).values(next_try_at=func.now()))
    minutes = [round(wait.total_seconds() / 60) for wait in waits]
    assert minutes[:-1] == [1, 2, 4, 8, 16, 32, 64]
    letter = letters(db)[0]
    assert letter.failed_at is not None
    assert "try later" in letter.error
    assert member_jobs.send_mails() == 0
    with transaction() as own:
        actions.try_mail_again(own, own.get(Mail, letter.id))
    server.refuse.clear()
    assert member_jobs.send_mails() == 1


def test_a_letter_refused_for_ever_is_not_tried_again_and_holds_up_no_other(server, db):
    write("k1", "nobody@example.test")
    write("k2")
    server.refuse["RCPT"] = "550 nobody here"
    assert member_jobs.send_mails() == 0
    assert [bool(letter.failed_at) for letter in letters(db)] == [True, True]
    server.refuse.clear()
    write("k3")
    assert member_jobs.send_mails() == 1


def test_an_address_that_is_none_fails_alone(server, db):
    write("k1", "two words@example.test")
    write("k2")
    assert member_jobs.send_mails() == 1
    assert bool(letters(db)[0].failed_at)


def test_a_mail_server_that_is_away_costs_one_try_and_the_letter_stays(server, db):
    server.shutdown()
    server.server_close()
    write()
    assert member_jobs.send_mails() == 0
    letter = letters(db)[0]
    assert (letter.tries, letter.sent_at, letter.failed_at) == (1, None, None)
    assert "refused" in letter.error.lower()


def test_two_workers_at_once_send_each_letter_once(server, db):
    for number in range(20):
        write(f"k{number}")
    sent = []
    threads = [threading.Thread(target=lambda: sent.append(member_jobs.send_mails())) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(sent) == 20
    assert len(server.letters) == 20


def test_a_sent_letter_no_longer_opens_an_account(server, db, browser, person):
    person()
    browser().post("/forgot", data={"email": "ada@example.test"})
    before = letters(db)[0].body
    member_jobs.send_mails()
    db.expire_all()
    after = letters(db)[0].body
    assert "/reset/" in after
    token = before.split("/reset/")[1].split()[0]
    assert token not in after
    assert token[:30] in server.letters[0].replace("=\n", "").replace("=3D", "=")


def test_a_password_is_not_sent_in_the_clear(app, db, monkeypatch):
    url = post.urlsplit("smtp://user:secret@mail.example.test:25")

    class Plain:
        def __init__(self, *args, **kwargs):
            self.said = []

        def ehlo(self):
            self.said.append("ehlo")

        def has_extn(self, _name):
            return False

        def login(self, *args):
            raise AssertionError("the password went out")

        def close(self):
            self.said.append("close")
    monkeypatch.setattr(post.smtplib, "SMTP", Plain)
    with pytest.raises(post.smtplib.SMTPException, match="encryption"):
        post._connect(url)


def test_without_a_mail_server_letters_wait_and_no_worker_is_asked(db):
    jobs.queue().empty()
    write()
    assert not post.is_set_up()
    post.ask_if_due()
    assert member_jobs.send_mails() == 0
    assert letters(db)[0].tries == 0
    assert jobs.queue().get_job_ids() == []


def test_the_tick_asks_one_worker_and_not_again_until_it_came(server, db):
    jobs.queue().empty()
    post.ask_if_due()
    assert jobs.queue().count == 0
    write()
    post.ask_if_due()
    post.ask_if_due()
    assert jobs.queue().count == 1
    post.worker_came()
    post.ask_if_due()
    assert jobs.queue().count == 2
    jobs.queue().empty()


def test_a_letter_that_waits_for_its_next_try_is_not_due(server, db):
    write()
    with transaction() as own:
        own.execute(update(Mail).values(next_try_at=func.now() + timedelta(minutes=1)))
    jobs.queue().empty()
    post.ask_if_due()
    assert (jobs.queue().count, member_jobs.send_mails()) == (0, 0)


def test_without_redis_asking_does_nothing_and_sending_still_works(server, db, monkeypatch):
    write()
    monkeypatch.setattr(bus, "_client", Redis.from_url("redis://127.0.0.1:1/0", socket_connect_timeout=0.2))
    post.ask_if_due()
    assert member_jobs.send_mails() == 1
