"""The settlement console: what it shows before and after, to whom, and what its buttons do."""
import csv
import io
import re
import uuid

import pytest
from sqlalchemy import text

from affiliates.settlement import actions, jobs, queries
from core.db import reading, supposing, transaction
from members.models import Merchant
from tests import factories
from tests.bench import settle_data

ROOT = "/studio/affiliates/settlements"


@pytest.fixture
def people(ended, app):
    """{name: a browser}: Ana of the shop, its assistant, staff of another shop, a buyer, an operator."""
    with transaction() as db:
        shop, other = db.get(Merchant, settle_data.MERCHANT), factories.merchant(db)
        roles = {"ana": ("merchant_staff", shop), "jun": ("assistant", shop), "otto": ("merchant_staff", other),
                 "op": ("operator", None)}
        made = {name: factories.member(db, name, roles=[role]) for name, role in roles.items()}
        made["mei"] = factories.member(db, "mei")
    return {name: factories.signed_in(app, member) for name, member in made.items()}


@pytest.fixture
def ana(people):
    return people["ana"]


def said(answer) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", answer.text).split())


def settle(ana, ended) -> str:
    """Press the button and be the worker; the address of the run."""
    took = ana.post(f"{ROOT}/{ended.campaign_id}/settle")
    assert took.status_code == 303
    jobs.settle(took.location.rpartition("/")[2])
    return took.location


def test_the_dry_run_shows_what_the_settlement_then_posts(ana, ended):
    with supposing() as db:
        plan = queries.dry_run(db, ended.campaign_id)
    page = ana.get(f"{ROOT}/{ended.campaign_id}/dry-run")
    first = plan.parties[0]
    assert f"£{plan.commissions_minor / 100:,.2f}" in said(page) and f"£{first.amount_minor / 100:,.2f}" in said(page)
    assert f"£{plan.merchant['amount_minor'] / 100:,.2f}" in said(page)
    assert "lines are in review" in said(page) and "lines are not delivered" in said(page)
    file = list(csv.DictReader(io.StringIO(
        ana.get(f"{ROOT}/{ended.campaign_id}/dry-run.csv").get_data().decode("utf-8-sig"))))
    assert ended.balances() == {} and ended.state() == "ended"
    run = settle(ana, ended)
    assert {row["party"]: round(float(row["amount"]) * 100) for row in file if float(row["amount"])} == ended.balances()
    done = list(csv.DictReader(io.StringIO(ana.get(f"{run}/parties.csv").get_data().decode("utf-8-sig"))))
    assert [(row["party"], row["lines"], row["amount"]) for row in done] == [
        (row["party"], row["lines"], row["amount"]) for row in file]


def test_a_run_is_shown_while_it_works_and_when_it_is_over(ana, ended):
    took = ana.post(f"{ROOT}/{ended.campaign_id}/settle")
    assert "Begins" in said(ana.get(took.location)) and "is under way" in said(
        ana.get(f"{ROOT}/{ended.campaign_id}/dry-run"))
    again = ana.post(f"{ROOT}/{ended.campaign_id}/settle")
    assert again.location == took.location
    assert "is being settled already" in said(ana.get(again.location))
    jobs.settle(took.location.rpartition("/")[2])
    page = said(ana.get(took.location))
    assert "Settled and checked" in page and "all are right" in page and "js/desk/settlement.js" not in page
    listed = said(ana.get(ROOT))
    assert "Bench" in listed and "Settled and checked" in listed
    assert "Settlement 1" in said(ana.get(f"{ROOT}/{ended.campaign_id}"))
    assert "Settle now" in said(ana.get(f"{ROOT}/{ended.campaign_id}/dry-run"))


def test_settled_again_takes_nothing_and_says_so(ana, ended):
    settle(ana, ended)
    assert "a settlement would take 0 rows" in said(ana.get(f"{ROOT}/{ended.campaign_id}/dry-run"))
    before = ended.balances()
    assert "0 rows were taken and nothing was posted" in said(ana.get(settle(ana, ended)))
    assert ended.balances() == before


def test_a_party_has_a_statement_of_its_lines_as_page_and_file(ana, ended):
    run = settle(ana, ended)
    with reading() as db:
        party = queries.parties_of(db, uuid.UUID(run.rpartition("/")[2]))[0]
    page = said(ana.get(f"{run}/parties/{party.affiliate_id}"))
    assert f"£{party.amount_minor / 100:,.2f}" in page and "× 8 %" in page
    file = list(csv.DictReader(io.StringIO(
        ana.get(f"{run}/parties/{party.affiliate_id}/lines.csv").get_data().decode("utf-8-sig"))))
    assert sum(round(float(row["amount"]) * 100) for row in file) == party.amount_minor
    assert ana.get(f"{run}/parties/{uuid.uuid4()}").status_code == 404
    assert ana.get(f"{run}/parties/{uuid.uuid4()}/lines.csv").status_code == 404


def test_a_failed_part_is_named_and_tried_again_with_one_press(ana, people, ended):
    took = ana.post(f"{ROOT}/{ended.campaign_id}/settle")
    run_id = uuid.UUID(took.location.rpartition("/")[2])
    for _try in range(actions.MOST_TRIES):
        with transaction() as db:
            actions.note_failure(db, run_id, 1, "RuntimeError('no room on the disk')")
    page = said(ana.get(took.location))
    assert "Parts that went wrong" in page and "failed after 3 tries" in page and "Waits for you" in page
    # What broke is the platform's matter: its people read the error as it was, the shop's read what to do.
    assert "no room on the disk" not in page and "The cause lies with the platform" in page
    assert "no room on the disk" in said(people["op"].get(took.location))
    assert ana.post(f"{took.location}/retry").status_code == 303
    page = said(ana.get(took.location))
    assert "1 part is done again" in page
    jobs.settle(str(run_id))
    assert ended.balances() == ended.expected()


def test_a_blocked_run_says_what_differs_and_is_freed_by_another_check(ana, people, ended):
    run = settle(ana, ended)
    run_id = run.rpartition("/")[2]
    assert "computed again just now, and all are right" in said(ana.post(f"{run}/audit", follow_redirects=True))
    ended.force("UPDATE settlement_chunks SET items = items + 1 WHERE no = 1")
    assert "Something is wrong now: The parts do not add up" in said(ana.post(f"{run}/audit", follow_redirects=True))
    ended.force("UPDATE settlement_runs SET state = 'settled'")
    jobs.settle(run_id)
    assert "The parts do not add up" in said(ana.get(run)) and "Blocked" in said(ana.get(run))
    trouble = said(people["op"].get("/operator/settlements?show=trouble"))
    assert "Bench" in trouble and "Blocked" in trouble
    ended.force("UPDATE settlement_chunks SET items = items - 1 WHERE no = 1")
    assert ana.post(f"{run}/audit").status_code == 303
    jobs.settle(run_id)  # what the button woke
    assert "Settled and checked" in said(ana.get(run))
    assert "Nothing needs a look" in said(people["op"].get("/operator/settlements?show=trouble"))


def test_only_staff_of_the_shop_come_in(people, ended):
    run = settle(people["ana"], ended)
    one, of = run, f"{ROOT}/{ended.campaign_id}"
    for path in (ROOT, of, f"{of}/dry-run", f"{of}/dry-run.csv", one, f"{one}/parties.csv"):
        assert (path, people["op"].get(path).status_code) == (path, 200)
        assert (path, people["jun"].get(path).status_code) == (path, 403)
        assert (path, people["mei"].get(path).status_code) == (path, 403)
        assert (path, people["otto"].get(path).status_code) == (path, 404 if path != ROOT else 200)
    for path in (f"{of}/settle", f"{one}/retry", f"{one}/audit"):
        assert people["otto"].post(path).status_code == 404
        assert people["jun"].post(path).status_code == 403
    assert "Bench" not in people["otto"].get(ROOT).text
    assert people["ana"].get("/operator/settlements").status_code == 403
    assert people["ana"].get(f"{ROOT}/{uuid.uuid4()}").status_code == 404


def test_a_campaign_that_runs_is_not_settled(people, ended):
    ended.force("UPDATE campaigns SET state = 'live'")
    page = people["ana"].get(f"{ROOT}/{ended.campaign_id}")
    assert "has not ended" in said(page)
    assert people["ana"].get(f"{ROOT}/{ended.campaign_id}/dry-run").status_code == 409
    assert people["ana"].post(f"{ROOT}/{ended.campaign_id}/settle").status_code == 409
    ended.force("UPDATE campaigns SET state = 'ended'")


def test_a_dry_run_counts_bonuses_that_the_settlement_will_award(ana, ended):
    ended.write("""INSERT INTO commission_bonuses (id, merchant_id, campaign_id, measure, threshold, amount_minor,
                     currency) VALUES (:id, :merchant, :campaign, 'orders', 40, 2500, 'GBP')""",
                id=uuid.uuid4(), merchant=settle_data.MERCHANT, campaign=settle_data.CAMPAIGN)
    with supposing() as db:
        plan = queries.dry_run(db, ended.campaign_id)
        assert db.scalar(text("SELECT count(*) FROM commissions WHERE kind = 'bonus'")) == 0
    assert plan.bonuses > 0
    assert f"settlement awards {plan.bonuses} bonus" in said(ana.get(f"{ROOT}/{ended.campaign_id}/dry-run"))
    run_id = settle(ana, ended).rpartition("/")[2]
    with reading() as db:
        done = {row.affiliate_id: row.amount_minor for row in queries.parties_of(db, run_id)}
        assert queries.merchant_statement(db, run_id).amount_minor == plan.merchant["amount_minor"]
    assert done == {row.affiliate_id: row.amount_minor for row in plan.parties}
    assert ended.value("SELECT count(*) FROM commissions WHERE kind = 'bonus'") == plan.bonuses
