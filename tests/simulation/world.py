"""Tasks, processes and time of a simulated evening. Everything that happens by chance comes from one seed.

A task is a generator. `yield` is a point where anything else may happen first, and where its process may be killed;
`yield <list>` waits until somebody calls `wake`; `yield <seconds>` sleeps; `yield <Future>` waits for an answer.
"""
import heapq
import random

from tests.simulation.database import Violation

LONGEST_STEPS = 60_000


class Future:
    """An answer that may never come."""

    def __init__(self):
        self.done, self.value, self.waiting = False, None, []


class Late:
    """What a wait gives when its time is over."""


LATE = Late()


class Task:
    def __init__(self, work, process):
        self.work, self.process = work, process
        self.alive, self.gift, self.sleep = True, None, 0


class World:
    def __init__(self, seed: int, crash_chance: float = 0.004):
        self.random = random.Random(seed)
        self.now, self.steps = 0.0, 0
        self.crash_chance = crash_chance
        self.ready: list[Task] = []
        self.timers: list = []
        self.tasks: dict[str, set[Task]] = {}
        self.transactions: dict[str, set] = {}
        self.up: dict[str, object] = {}  # process → what to do when it starts
        self.running: Task | None = None
        self.blocked: set[Task] = set()  # tasks that wait for a lock
        self.crashes = 0
        self.ordinal = 0

    # -- tasks

    def spawn(self, work, process: str = "outside") -> Task:
        task = Task(work, process)
        self.tasks.setdefault(process, set()).add(task)
        self.ready.append(task)
        return task

    def wake(self, task: Task, gift=None) -> None:
        if task.alive and task.sleep is not None:
            self.blocked.discard(task)
            task.sleep, task.gift = None, gift
            self.ready.append(task)

    def after(self, seconds: float, do) -> None:
        self.ordinal += 1
        heapq.heappush(self.timers, (self.now + seconds, self.ordinal, do))

    def resolve(self, future: Future, value) -> None:
        if not future.done:
            future.done, future.value = True, value
            for task, sleep in future.waiting:
                if task.sleep is sleep:
                    self.wake(task, value)

    # -- processes

    def start(self, process: str, begin) -> None:
        """A process: `begin()` is called now and whenever it starts again."""
        self.up[process] = begin
        begin()

    def is_up(self, process: str) -> bool:
        return process in self.up

    def kill(self, process: str) -> None:
        """kill -9: its tasks are gone, its transactions rolled back, nobody gets an answer. It starts again soon."""
        self.crashes += 1
        begin = self.up.pop(process)
        for task in self.tasks.pop(process, ()):
            task.alive = False
            self.blocked.discard(task)
            task.work.close()
        for tx in list(self.transactions.pop(process, ())):
            tx.rollback()
        self.ready = [task for task in self.ready if task.alive]
        self.after(self.random.uniform(0.2, 4), lambda: self.start(process, begin))

    # -- time

    def run(self, until: float) -> None:
        """Until the virtual clock says so."""
        while True:
            while self.timers and self.timers[0][0] <= self.now:
                heapq.heappop(self.timers)[2]()
            if self.ready:
                self._step()
                continue
            if self.blocked:  # nobody sleeps in a transaction
                raise Violation(f"deadlock: {len(self.blocked)} tasks wait for each other")
            if not self.timers or self.timers[0][0] > until:
                self.now = until
                return
            self.now = self.timers[0][0]

    def _step(self) -> None:
        self.steps += 1
        if self.steps > LONGEST_STEPS:
            raise Violation("it does not come to an end")
        chance, ready = self.random.random, self.ready
        i = int(chance() * len(ready))
        ready[i], ready[-1] = ready[-1], ready[i]
        task = ready.pop()
        if self.crash_chance and task.process in self.up and chance() < self.crash_chance:
            self.kill(task.process)
            return
        self.now += chance() * 0.004
        gift, task.gift, task.sleep = task.gift, None, None
        self.running = task
        try:
            asked = task.work.send(gift)
        except StopIteration:
            task.alive = False
            self.tasks.get(task.process, set()).discard(task)
            return
        self._wait(task, asked)

    def _wait(self, task: Task, asked) -> None:
        if asked is None:
            self.ready.append(task)
        elif isinstance(asked, list):
            task.sleep = asked
            asked.append(task)
            self.blocked.add(task)
        elif isinstance(asked, tuple):
            self._await(task, *asked)
        else:
            task.sleep = token = object()
            self.after(asked, lambda: task.sleep is token and self.wake(task))

    def _await(self, task: Task, future: Future, seconds: float) -> None:
        if future.done:
            task.gift = future.value
            self.ready.append(task)
            return
        task.sleep = token = object()
        future.waiting.append((task, token))
        self.after(seconds, lambda: task.sleep is token and self.wake(task, LATE))
