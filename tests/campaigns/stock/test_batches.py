"""First come, first served; bounded; nobody waits in silence."""
import threading
import time

import pytest

from campaigns.stock.batches import Batcher
from core.errors import Busy


class Gate:
    """A run that waits to be let go, and keeps the batches it was given."""

    def __init__(self):
        self.batches, self.go, self.entered = [], threading.Event(), threading.Event()

    def __call__(self, batch, next_may_start):
        self.batches.append(batch)
        self.entered.set()
        self.go.wait(10)
        return [item * 2 for item in batch]


def ask(batcher, items):
    """Ask for all at once, in order; returns threads and the dict of what they got."""
    found, threads = {}, []

    def one(item):
        try:
            found[item] = batcher.call(item)
        except Busy as refusal:
            found[item] = refusal
    for item in items:
        before = len(batcher._asked)
        threads.append(threading.Thread(target=one, args=(item,)))
        threads[-1].start()
        until(lambda before=before, item=item: len(batcher._asked) > before or item in found)
    return threads, found


def until(true):
    pause = threading.Event()
    for _ in range(1000):
        if true():
            return
        pause.wait(0.005)
    raise AssertionError("it did not come true")


def begun(run, **more):
    """A batcher whose first batch is under way with the item 0."""
    batcher = Batcher(run, **more)
    (first,), _found = ask(batcher, [0])
    assert run.entered.wait(10)
    return batcher, first


def test_what_comes_meanwhile_goes_into_the_next_batch_in_order():
    run = Gate()
    batcher, first = begun(run, runners=1)
    threads, found = ask(batcher, [3, 1, 2])
    run.go.set()
    for thread in [first, *threads]:
        thread.join()
    assert run.batches == [[0], [3, 1, 2]]
    assert found == {3: 6, 1: 2, 2: 4}


def test_no_batch_is_larger_than_the_bound():
    run = Gate()
    batcher, first = begun(run, runners=1, most=2)
    threads, _ = ask(batcher, [1, 2, 3, 4, 5])
    run.go.set()
    for thread in [first, *threads]:
        thread.join()
    assert run.batches == [[0], [1, 2], [3, 4], [5]]


def test_the_second_runner_starts_only_when_it_cannot_overtake():
    order, locked, go = [], threading.Event(), threading.Event()

    def run(batch, next_may_start):
        order.append(("begins", batch))
        if batch == ["a"]:
            locked.wait(10)
            order.append(("locked", batch))
            next_may_start()
            go.wait(10)
        else:
            go.set()
        return batch
    batcher = Batcher(run)
    first = threading.Thread(target=batcher.call, args=("a",))
    first.start()
    until(lambda: order)
    threads, _ = ask(batcher, ["b"])
    assert order == [("begins", ["a"])]
    locked.set()
    for thread in [first, *threads]:
        thread.join()
    assert order == [("begins", ["a"]), ("locked", ["a"]), ("begins", ["b"])]


def test_when_too_many_wait_the_next_is_told_at_once_when_to_come_back():
    run = Gate()
    batcher, first = begun(run, runners=1, waiting_most=2)
    threads, _ = ask(batcher, [1, 2])
    waits = set()
    for item in range(20):
        with pytest.raises(Busy) as refusal:
            batcher.call(item)
        waits.add(refusal.value.extra["retry_ms"])
    assert all(200 <= wait <= 800 for wait in waits)
    assert len(waits) > 1  # not all at the same moment again
    run.go.set()
    for thread in [first, *threads]:
        thread.join()


def test_nobody_waits_longer_than_the_patience_and_who_left_the_queue_is_not_served():
    run = Gate()
    batcher, first = begun(run, runners=1, patience_seconds=0.2)
    began = time.monotonic()
    threads, found = ask(batcher, [1])
    for thread in threads:
        thread.join(5)
    assert time.monotonic() - began < 2
    assert isinstance(found[1], Busy)
    run.go.set()
    first.join()
    assert batcher.call(7) == 14
    assert run.batches[1:] == [[7]]


def test_an_error_is_everybodys_in_the_batch_and_the_next_batch_is_served():
    calls = []

    def run(batch, _next):
        calls.append(batch)
        if len(calls) == 1:
            raise ValueError("broken")
        return batch
    batcher = Batcher(run)
    with pytest.raises(ValueError, match="broken"):
        batcher.call(1)
    assert batcher.call(2) == 2
