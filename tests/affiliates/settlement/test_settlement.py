"""Everybody gets what the commissions say, once, whoever dies and however often it is asked for."""
import threading
import time

import pytest
from sqlalchemy import text

import core.db
from affiliates.settlement import actions, books, jobs, queries
from core import jobs as queue
from core.db import reading, supposing, transaction
from tests.orders.test_crashes import Died, dying_at


def test_every_party_gets_the_sum_of_its_commissions(ended):
    run = ended.settle()
    assert (run.state, run.result["problems"]) == ("audited", [])
    assert ended.balances() == ended.expected()
    assert run.result["parties"] == sum(owner.startswith("affiliate") for owner in ended.expected())


def test_the_dry_run_shows_every_figure_and_posts_nothing(ended):
    with supposing() as db:
        plan = queries.dry_run(db, ended.campaign_id)
    assert ended.balances() == {} and ended.state() == "ended"
    run = ended.settle()
    with reading() as db:
        done = {row.affiliate_id: (row.items, row.adjustments, row.amount_minor)
                for row in queries.parties_of(db, run.id)}
        merchant = queries.merchant_statement(db, run.id)
    assert done == {row.affiliate_id: (row.items, row.adjustments, row.amount_minor) for row in plan.parties}
    assert run.result["commissions_minor"] == plan.commissions_minor
    assert {name: getattr(merchant, name) for name in plan.merchant if name != "through"} == {
        name: value for name, value in plan.merchant.items() if name != "through"}
    assert merchant.due_minor == ended.balances()[f"merchant:{run.merchant_id}"] == merchant.sales_minor - (
        merchant.refunds_minor + merchant.disputes_minor + merchant.fees_minor + merchant.commissions_minor)


def test_a_second_settlement_takes_nothing_and_says_so(ended):
    ended.settle()
    before = ended.balances()
    again = ended.settle()
    assert (again.seq, again.state, again.result["items"], again.result["adjustments"],
            again.result["merchant_minor"]) == (2, "audited", 0, 0, 0)
    assert ended.balances() == before


@pytest.mark.parametrize("size", [1, 37, 10_000])
def test_the_size_of_chunks_changes_nothing(ended, size):
    ended.settle(size)
    assert ended.balances() == ended.expected()
    assert ended.value("SELECT count(*) FROM settlement_chunks") == {1: 30, 10_000: 1}.get(
        size, ended.value("SELECT count(*) FROM settlement_chunks"))


def test_what_is_held_or_not_ripe_waits_for_a_later_run(ended):
    first = ended.settle()
    assert first.result["left"]["commissions"] > 0 and ended.state() == "settling"
    ended.force("UPDATE commissions SET held = false, matures_at = '2026-09-20'")
    ended.force("UPDATE orders SET delivered_at = '2026-09-05'")
    last = ended.settle()
    assert last.result["left"] == {"commissions": 0, "orders": 0} and ended.state() == "settled"
    assert ended.balances() == ended.expected()
    third = ended.settle()
    assert third.result["items"] == 0 and ended.state() == "settled"


@pytest.mark.parametrize("when", ["before", "during", "after", "spread"])
def test_a_refund_before_during_or_after_ends_in_the_same_balances(ended, when):
    ids = ended.some("NOT held AND matures_at IS NOT NULL", 12)
    parts = {"before": (ids, [], []), "during": ([], ids, []), "after": ([], [], ids),
             "spread": (ids[:4], ids[4:8], ids[8:])}[when]
    ended.reverse(parts[0], 3)
    run_id = ended.open(100)
    with transaction() as db:
        actions.settle_next(db, run_id)
    ended.reverse(parts[1], 3)
    jobs.settle(str(run_id))
    ended.reverse(parts[2], 3)
    ended.settle()
    assert ended.balances() == ended.expected()


def test_money_that_goes_back_after_a_settlement_is_a_debt_repaid_by_later_earnings(ended):
    ended.settle()
    who = ended.value("SELECT affiliate_id FROM commissions WHERE held AND affiliate_id NOT IN (SELECT affiliate_id "
                      "FROM commissions WHERE matures_at IS NULL) GROUP BY 1 ORDER BY count(*) LIMIT 1")
    owner, balance = books.affiliate(who), ended.balances()[books.affiliate(who)]
    # All that was settled was paid out already.
    with transaction() as db:
        from ledger import accounts, transfers
        bank = accounts.open(db, "platform", "clearing", "GBP")
        transfers.post(db, key="paid", debit=accounts.open(db, owner, "payable", "GBP"), credit=bank,
                       amount_minor=balance, code="payout")
    for id_ in ended.some(f"affiliate_id = '{who}' AND NOT held", 10_000):
        left = ended.value("SELECT amount_minor - reversed_minor FROM commissions WHERE id = :id", id=id_)
        ended.reverse([id_], left)
    ended.settle()
    debt = ended.balances()[owner]
    assert debt < 0
    ended.force("UPDATE commissions SET held = false WHERE affiliate_id = :who", who=who)
    earned = ended.value("SELECT sum(amount_minor - reversed_minor) FROM commissions WHERE affiliate_id = :who",
                         who=who)
    ended.settle()
    assert ended.balances().get(owner, 0) == debt + earned


def test_two_open_runs_are_one_and_only_an_ended_campaign_has_any(ended):
    assert ended.open() == ended.open()
    ended.force("UPDATE campaigns SET state = 'live'")
    with pytest.raises(actions.NotEnded):
        ended.open()
    ended.force("UPDATE campaigns SET state = 'settling'")


def test_many_workers_at_once_settle_each_chunk_once(ended):
    run_id = ended.open(30)

    def work():
        with ended_app.app_context():
            jobs.settle(str(run_id))
    from flask import current_app
    ended_app = current_app._get_current_object()
    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert ended.run(run_id).state == "audited"
    assert ended.balances() == ended.expected()


def test_control_without_lock_and_key_the_same_work_pays_twice(ended):
    """The items' key away and one chunk done by two hands: the sums double. So the test above tests something."""
    run_id = ended.open(10_000)
    ended.write("ALTER TABLE settlement_items DROP CONSTRAINT pk_settlement_items")
    try:
        sums = []
        with transaction() as first, transaction() as second:
            for db in (first, second):
                values = {"campaign_id": ended.campaign_id, "run_id": run_id, "lo": queries._FIRST,
                          "hi": queries._LAST, "cutoff": ended.run(run_id).cutoff}
                sql = str(actions.sums.TAKE).replace("ON CONFLICT DO NOTHING", "")
                sql = sql.replace("INSERT INTO settlement_adjustments", "INSERT INTO pg_temp.taken")
                db.execute(text("CREATE TEMP TABLE taken (LIKE settlement_adjustments) ON COMMIT DROP"))
                sums.append(sum(row.amount_minor for row in db.execute(text(sql), values)))
        assert sums[0] == sums[1] > 0
        assert ended.value("SELECT count(*) - count(DISTINCT commission_id) FROM settlement_items") > 0
    finally:
        ended.force("DELETE FROM settlement_items")
        ended.write("ALTER TABLE settlement_items ADD CONSTRAINT pk_settlement_items "
                    "PRIMARY KEY (affiliate_id, commission_id)")


def test_dying_at_any_statement_or_commit_changes_no_sum(ended):
    """A life goes on from wherever the last one ended, dying a little later each time, until one lives."""
    run_id, moment, lives = ended.open(300), 1, 0
    while True:
        try:
            with dying_at(moment):
                jobs.settle(str(run_id))
        except Died:
            lives, moment = lives + 1, moment + 1
            continue
        if ended.run(run_id).state == "audited":
            break
        time.sleep(0.05)  # the server may not know yet that the life before is over: the next tick finds its locks gone
    assert lives > 10
    assert ended.balances() == ended.expected()
    jobs.settle(str(run_id))
    assert ended.balances() == ended.expected()


def test_a_chunk_that_fails_is_seen_does_not_stop_others_and_is_tried_again(ended, monkeypatch, db):
    run_id, real = ended.open(300), books.post_parties

    def broken(db, run, sums):
        if any(owner.int & 1 for owner in sums):
            raise RuntimeError("the printer is on fire")
        real(db, run, sums)
    monkeypatch.setattr(books, "post_parties", broken)
    jobs.settle(str(run_id))
    failed = queries.failed_chunks(db, run_id)
    assert failed and all((one.state, one.tries) == ("failed", 3) for one in failed)
    assert "on fire" in failed[0].error and ended.run(run_id).state != "audited"
    monkeypatch.setattr(books, "post_parties", real)
    with transaction() as other:
        assert actions.retry(other, run_id, None) == len(failed)
    jobs.settle(str(run_id))
    assert ended.run(run_id).state == "audited" and ended.balances() == ended.expected()


def test_the_audit_sees_a_wrong_amount_and_blocks(ended):
    run_id = ended.open()
    while True:
        with transaction() as db:
            if actions.settle_next(db, run_id) is None:
                break
    with transaction() as db:
        assert actions.finish(db, run_id)
    wrong = ended.value("SELECT commission_id FROM settlement_items LIMIT 1")
    ended.force("UPDATE settlement_items SET amount_minor = amount_minor + 1 WHERE commission_id = :id", id=wrong)
    with transaction() as db:
        run = actions.audit_run(db, run_id)
    assert run.state == "blocked" and ended.state() == "settling"
    assert {"an item is its commission, recomputed", "a party's sum is its transfer"} <= {
        one["rule"] for one in run.result["problems"]}
    ended.force("UPDATE settlement_items SET amount_minor = amount_minor - 1 WHERE commission_id = :id", id=wrong)
    with transaction() as db:
        assert actions.audit_run(db, run_id).state == "audited"
        assert actions.audit_run(db, run_id) is None


def test_the_tick_wakes_what_is_not_finished_and_opens_what_is_due(ended, monkeypatch):
    asked = []
    monkeypatch.setattr(queue, "enqueue", lambda path, *args, **_options: asked.append((path, *args)) or True)
    run_id = ended.open()
    jobs.wake_due()
    assert asked == [(jobs.PATH, str(run_id))]
    jobs.settle(str(run_id))
    asked.clear()
    jobs.wake_due()
    jobs.open_due()
    assert asked == []  # a day has to pass
    ended.write("UPDATE settlement_runs SET opened_at = opened_at - interval '2 days'")
    jobs.open_due()
    assert len(asked) == 1 and asked[0][1] != str(run_id)
    jobs.settle(asked[0][1])


def test_pages_hear_how_far_it_is_and_each_party_is_told(ended):
    run = ended.settle()
    told = ended.value("SELECT payload->>'state' FROM events WHERE kind = 'settlement.changed' "
                       "ORDER BY id DESC LIMIT 1")
    assert told == "audited"
    assert ended.value("SELECT count(DISTINCT affiliate_id) FROM affiliate_totals_due") == run.result["parties"]


def test_statement_lines_add_up_to_the_transfer(ended):
    run = ended.settle()
    with core.db.engine().connect() as db:
        party = queries.parties_of(db, run.id)[0]
        lines = queries.lines_of(db, party.affiliate_id, run.id).all()
        some = [line.commission_id for line in lines]
        assert queries.settled_ids(db, party.affiliate_id, some) == set(some)
    assert sum(line.amount_minor for line in lines) == party.amount_minor
    assert {line.what for line in lines} <= {"commission", "refund"}
