"""The operator's pages: shops, letters, failed jobs, members."""
import pytest
from rq import SimpleWorker
from rq.registry import FailedJobRegistry
from rq.serializers import JSONSerializer
from sqlalchemy import select

from core import jobs
from core.db import transaction
from members import actions
from members.models import Mail, Member, Merchant, Role
from tests.members.conftest import letters, sign_in

SHOP = {"name": "Larch & Co", "slug": "larch", "currency": "EUR", "country": "DE", "contact_email": "hi@example.test",
        "staff_email": "nora@example.test"}


@pytest.fixture
def op(browser, person):
    person("op@example.test", "Olu Page", roles=[("operator", None)])
    client = browser()
    sign_in(client, "op@example.test")
    return client


def test_a_shop_is_made_with_its_first_staff_invited(op, db):
    assert op.post("/operator/merchants", data=SHOP).status_code == 303
    row = db.scalar(select(Merchant))
    assert (row.name, row.slug, row.currency, row.country) == ("Larch & Co", "larch", "EUR", "DE")
    assert "invite=" in letters(db, "nora@example.test")[0].body
    assert "Larch" in op.get("/operator/merchants").get_data(as_text=True)


def test_a_shop_is_made_for_a_member_at_once(op, person, db):
    person("nora@example.test", "Nora Vale")
    op.post("/operator/merchants", data=SHOP)
    assert db.scalar(select(Role.kind).join(Member, Member.id == Role.member_id).where(
        Member.email == "nora@example.test")) == "merchant_staff"


@pytest.mark.parametrize(("field", "value"), [
    ("name", ""), ("slug", "Larch"), ("slug", "-x"), ("slug", "x" * 41), ("currency", "XXX"), ("country", "??"),
    ("contact_email", "x"), ("staff_email", "")])
def test_what_a_shop_cannot_be_is_refused_and_nothing_is_made(op, db, field, value):
    assert op.post("/operator/merchants", data={**SHOP, field: value}).status_code == 422
    assert db.scalar(select(Merchant)) is None


def test_a_short_name_is_taken_once(op, db):
    op.post("/operator/merchants", data=SHOP)
    answer = op.post("/operator/merchants", data={**SHOP, "name": "Other"})
    assert answer.status_code == 422
    assert 'id="f-slug-hint" role="alert"' in answer.get_data(as_text=True)


def test_letters_can_be_read_and_the_page_says_that_no_mail_server_is_there(op, db):
    with transaction() as own:
        actions.write_mail(own, key="k1", to_email="ada@example.test", subject="<b>Hi</b>",
                           body="<script>x</script> /reset/abc")
    letter = letters(db)[0]
    page = op.get("/operator/mails").get_data(as_text=True)
    assert "SMTP_URL" in page
    assert "&lt;b&gt;Hi" in page
    body = op.get(f"/operator/mails/{letter.id}").get_data(as_text=True)
    assert "&lt;script&gt;" in body
    assert "/reset/abc" in body


def test_with_a_mail_server_the_operator_does_not_see_links_that_open_accounts(op, db, monkeypatch):
    from members import post
    with transaction() as own:
        actions.write_mail(own, key="k1", to_email="ada@example.test", subject="Hi",
                           body="x/reset/abc-def y?invite=a.b-c_d")
    monkeypatch.setattr(post, "is_set_up", lambda: True)
    body = op.get(f"/operator/mails/{letters(db)[0].id}").get_data(as_text=True)
    assert "abc-def" not in body
    assert "a.b-c_d" not in body


@pytest.mark.parametrize("state", ["waiting", "sent", "failed", "all", "nonsense"])
def test_letters_are_listed_by_state(op, db, state):
    from sqlalchemy import func
    with transaction() as own:
        for name in ("waiting", "sent", "failed"):
            actions.write_mail(own, key=name, to_email="ada@example.test", subject=f"This one: {name}", body="x")
        own.flush()
        rows = {mail.key: mail for mail in own.scalars(select(Mail))}
        rows["sent"].sent_at = rows["failed"].failed_at = func.now()
    page = op.get(f"/operator/mails?state={state}").get_data(as_text=True)
    shown = {name for name in ("waiting", "sent", "failed") if f"This one: {name}" in page}
    assert shown == ({"waiting", "sent", "failed"} if state == "all" else {state if state != "nonsense" else "waiting"})


def boom(word):
    raise RuntimeError(f"it went {word}")


def test_a_failed_job_is_shown_with_its_reason_and_can_be_tried_again(op, db):
    queue = jobs.queue()
    queue.empty()
    registry = FailedJobRegistry(queue=queue)
    for job_id in registry.get_job_ids():
        registry.remove(job_id, delete_job=True)
    job = queue.enqueue_call("tests.members.test_operator.boom", args=("bang",))
    SimpleWorker([queue], connection=queue.connection, serializer=JSONSerializer).work(burst=True)
    assert registry.get_job_ids() == [job.id]
    page = op.get("/operator/jobs").get_data(as_text=True)
    assert "tests.members.test_operator.boom" in page
    assert "RuntimeError: it went bang" in page
    assert op.post(f"/operator/jobs/{job.id}/retry").status_code == 303
    assert job.id in queue.get_job_ids()
    assert registry.get_job_ids() == []
    assert op.post("/operator/jobs/none-such/retry").status_code == 404
    assert "No job has failed" in op.get("/operator/jobs").get_data(as_text=True)
    queue.empty()


def test_without_redis_the_jobs_page_says_so(op, db, monkeypatch):
    from redis import Redis
    from rq import Queue
    dead = Queue("x", connection=Redis.from_url("redis://127.0.0.1:1/0", socket_connect_timeout=0.2))
    monkeypatch.setattr(jobs, "_queue", dead)
    assert "does not answer" in op.get("/operator/jobs").get_data(as_text=True)
    assert op.get("/operator").status_code == 200
    assert op.post("/operator/jobs/x/retry").status_code == 503


def test_members_are_found_by_name_and_email_and_wildcards_mean_themselves(op, person):
    person("ada_q@example.test", "Ada Quist")
    person("bob@example.test", "Bob 100%")
    wishes = {"quist": {"ada_q"}, "ADA_Q": {"ada_q"}, "%": {"bob"}, "_": {"ada_q"}, "nobody": set()}
    for wish, found in wishes.items():
        page = op.get("/operator/members", query_string={"q": wish}).get_data(as_text=True)
        assert {name for name in ("ada_q", "bob") if f"{name}@example.test ·" in page} == found, wish


def test_an_account_is_shut_signed_out_and_opened_again(op, browser, person, db):
    ada, client = person(), browser()
    sign_in(client)
    assert op.post(f"/operator/members/{ada.id}/disable").status_code == 303
    assert client.get("/account").status_code == 302
    assert sign_in(client).status_code == 409
    assert op.post(f"/operator/members/{ada.id}/enable").status_code == 303
    assert sign_in(client).status_code == 303


def test_an_operator_cannot_shut_the_own_account(op, db):
    me = db.scalar(select(Member.id).where(Member.email == "op@example.test"))
    assert op.post(f"/operator/members/{me}/disable").status_code == 409
    assert op.get("/operator").status_code == 200


def test_rehearsal_buyers_are_no_members(op, person):
    robot = person("robot@example.test", "Robot", simulated=True)
    assert "robot@" not in op.get("/operator/members").get_data(as_text=True)
    assert op.post(f"/operator/members/{robot.id}/disable").status_code == 404


def test_the_first_operator_is_made_on_the_command_line(empty, browser, db):
    from click.testing import CliRunner

    from core.commands import COMMANDS
    out = CliRunner().invoke(COMMANDS, ["operator", "Chief@example.test"], catch_exceptions=False).output
    assert "chief@example.test is an operator now." in out
    link = out.split("http://127.0.0.1:8000")[1].strip()
    client = browser()
    assert client.post(link, data={"password": "a new spoon 99"}).status_code == 303
    assert client.get("/operator").status_code == 200
    again = CliRunner().invoke(COMMANDS, ["operator", "chief@example.test"], catch_exceptions=False).output
    assert "/reset/" not in again
