"""Long work in the background: two jobs at a time, taken from the people in turn; the same job for all who ask for it.

A job is an iterator of snapshots. `start` gives the one of a key, running or at rest; `watch` draws it until it rests,
with its progress, the time left, and a button to stop and continue. What no page looks at any more stops by itself and
goes on when one looks again.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, Generic, TypeVar

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from deconvviz.errors import DeconvvizError
from lessons._kit.form.i18n import t
from lessons._kit.form.library import said

#: Jobs that run at once, that may wait in the queue, of one person too, and that are remembered once they are at rest.
MAX_RUNNING, MAX_WAITING, MAX_EACH, MAX_REMEMBERED = 2, 32, 8, 32
#: Seconds without anybody looking after which a job stops; a hidden tab still asks once a minute.
ABANDONED_AFTER = 90.0
#: Seconds between two looks of a page at a running job.
EVERY = 1.0
T = TypeVar("T")
_log = logging.getLogger(__name__)


class Full(DeconvvizError):
    """There is no room in the line, for anybody or for this person; nothing has begun."""

    def __init__(self, waiting: int, of_person: bool) -> None:
        super().__init__(f"{waiting} {'of your jobs' if of_person else 'jobs'} wait already; try again later")
        self.waiting, self.of_person = waiting, of_person

    def words(self) -> str:
        """The sentence for the page."""
        if self.of_person:
            return t("{count} of your own jobs wait already. Try again when one of them has begun.", count=self.waiting)
        return t("The line is full: {count} jobs wait already. Try again in a minute.", count=self.waiting)


class Job(Generic[T]):
    """Work that goes on behind the page; made by `start`.

    Attributes:
      key: what it is the only job of.
      person: who asked for it first.
      latest: the last snapshot; None before the first.
      count: snapshots so far.
      done: it has come to its end, well or with an error.
      stopped: it was stopped before its end, and can go on.
      stopping: it will stop after the snapshot that it works on.
      abandoned: it was stopped because nobody looked any more.
      error: what went wrong; None if nothing did.
    """

    def __init__(self, key: str, make: Callable[[], Iterator[T]], queue: JobQueue, person: str = "") -> None:
        self.key, self.person = key, person
        self.latest: T | None = None
        self.count = 0
        self.done = self.stopped = self.stopping = self.abandoned = False
        self.error: BaseException | None = None
        self._make, self._queue = make, queue
        self._snapshots: Iterator[T] | None = None
        self._looked = queue.clock()
        #: Seconds that it ran before it began to run now; when that was, None while it does not run.
        self._ran = 0.0
        self._began: float | None = None
        #: Seconds and steps at its first snapshot: what came before was compiling.
        self._first: tuple[float, int] | None = None

    @property
    def waiting(self) -> bool:
        """It stands in the queue."""
        return self in self._queue.waiting

    @property
    def ahead(self) -> int:
        """Jobs that begin before it, if nobody asks for another one."""
        with self._queue.changed:
            return self._queue.in_turn().index(self) if self.waiting else 0

    @property
    def resting(self) -> bool:
        """It neither runs nor waits."""
        return self.done or self.stopped

    @property
    def seconds(self) -> float:
        """How long it has run, without waiting and standing still."""
        return self._ran + (0.0 if self._began is None else self._queue.clock() - self._began)

    @property
    def fraction(self) -> float | None:
        """How much of it is done, 0..1, where the snapshots have ``step`` and ``steps``; else None."""
        if self.done and self.error is None:
            return 1.0
        at = _step(self.latest)
        return None if at is None else min(at[0] / at[1], 1.0)

    @property
    def seconds_left(self) -> float | None:
        """Seconds left at the speed since the first snapshot; None while that is not known."""
        at, first = _step(self.latest), self._first
        if at is None or first is None or at[0] <= first[1]:
            return None
        return (self.seconds - first[0]) / (at[0] - first[1]) * (at[1] - at[0])

    def look(self) -> None:
        """Say that somebody looks at it; one that was stopped because nobody did goes on."""
        with self._queue.changed:
            self._looked = self._queue.clock()
            if self.abandoned:
                self.go_on()

    def is_left(self) -> bool:
        """Nobody has looked at it for so long that others come first."""
        return self._queue.clock() - self._looked > self._queue.abandoned_after

    def stop(self) -> None:
        """Stop after the snapshot that it works on; at once if it still waits."""
        with self._queue.changed:
            if self.waiting:
                self._queue.waiting.remove(self)
                self.stopped = True
            elif not self.resting:
                self.stopping = True
            self._queue.changed.notify_all()

    def go_on(self) -> None:
        """Continue a stopped job where it was; a failed one begins again."""
        with self._queue.changed:
            self.stopping = self.abandoned = False
            if not self.resting or (self.done and self.error is None):
                return
            if self.error is not None:
                self._snapshots = self._first = self.error = None
            self.done = self.stopped = False
            self._looked = self._queue.clock()
            self._queue.enter(self)

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until it neither runs nor waits; False if it still does after so many seconds."""
        return self._queue.wait(lambda: self.resting, timeout)

    def run(self) -> None:
        """Snapshot after snapshot until it ends, fails or is to stop: the work of its thread."""
        stopped, error = False, None
        try:
            self._snapshots = self._snapshots or iter(self._make())
            for snapshot in self._snapshots:
                at = _step(snapshot)
                with self._queue.changed:
                    self.latest, self.count = snapshot, self.count + 1
                    if self._first is None and at is not None:
                        self._first = self.seconds, at[0]
                    self.abandoned = self.is_left() and not self.stopping
                    stopped = self.stopping or self.abandoned or not threading.main_thread().is_alive()
                    self._queue.changed.notify_all()
                    if stopped:
                        break
        except BaseException as failure:  # whatever it is, its place must become free
            error = failure
            if not isinstance(error, DeconvvizError):
                _log.exception("job %s failed", self.key)
        with self._queue.changed:
            self.stopped, self.done, self.error = stopped, not stopped, error
            if self.done:
                self._snapshots = None
            self.stopping, self._ran, self._began = False, self.seconds, None
            self._queue.leave(self)


class JobQueue:
    """The jobs of a process, a few of them running.

    Args:
      max_running, max_waiting, max_remembered, abandoned_after, max_each: see the constants of the module.
      clock: seconds, growing.
    """

    def __init__(
        self,
        max_running: int = MAX_RUNNING,
        max_waiting: int = MAX_WAITING,
        max_remembered: int = MAX_REMEMBERED,
        abandoned_after: float = ABANDONED_AFTER,
        clock: Callable[[], float] = time.monotonic,
        max_each: int = MAX_EACH,
    ) -> None:
        self.max_running, self.max_waiting, self.max_remembered = max_running, max_waiting, max_remembered
        self.abandoned_after, self.clock, self.max_each = abandoned_after, clock, max_each
        self.waiting: list[Job[Any]] = []
        self.changed = threading.Condition(threading.RLock())
        self._running: list[Job[Any]] = []
        #: Who has had a turn, the latest last.
        self._served: dict[str, None] = {}
        #: The one asked for longest ago comes first.
        self._jobs: dict[str, Job[Any]] = {}

    def find(self, key: str) -> Job[Any] | None:
        """The job of a key, if there is one."""
        with self.changed:
            job = self._jobs.pop(key, None)
            if job is not None:
                self._jobs[key] = job
            return job

    def start(self, key: str, make: Callable[[], Iterator[T]], person: str = "") -> Job[T]:
        """The job of a key; it is begun, or waits, if there is none yet.

        Where the queue is full the job has ended with an error that says so; `Job.go_on` tries again.
        """
        with self.changed:
            job = self.find(key)
            if job is None:
                job = self._jobs[key] = Job(key, make, self, person)
                self.enter(job)
            return job

    def enter(self, job: Job[Any]) -> None:
        """Run it or let it wait; if the queue is full it ends with an error."""
        mine = sum(other.person == job.person for other in self.waiting)
        if len(self._running) >= self.max_running:
            if len(self.waiting) >= self.max_waiting:
                job.done, job.error = True, Full(len(self.waiting), of_person=False)
                return
            if job.person and mine >= self.max_each:
                job.done, job.error = True, Full(mine, of_person=True)
                return
        self.waiting.append(job)
        self._advance()

    def leave(self, job: Job[Any]) -> None:
        """Give its place to the next."""
        self._running.remove(job)
        resting = [key for key, each in self._jobs.items() if each.resting]
        for key in resting[: max(len(resting) - self.max_remembered, 0)]:
            del self._jobs[key]
        self._advance()

    def wait(self, reached: Callable[[], bool], timeout: float | None) -> bool:
        """Wait for a condition of the jobs; False if it does not hold after so many seconds."""
        with self.changed:
            return self.changed.wait_for(reached, timeout)

    def in_turn(self) -> list[Job[Any]]:
        """The jobs that wait in the order in which they will begin.

        Of each person one after the other, first of those with the fewest at work, then of those whose turn was
        longest ago.
        """
        at_work = Counter(job.person for job in self._running)
        turns = {person: number for number, person in enumerate(self._served)}
        waiting, order = list(self.waiting), list[Job[Any]]()
        while waiting:
            following = min(waiting, key=lambda job: (at_work[job.person], turns.get(job.person, -1)))
            waiting.remove(following)
            order.append(following)
            at_work[following.person] += 1
            turns[following.person] = len(turns) + len(order)
        return order

    def _advance(self) -> None:
        """Give free places to the people in turn; what nobody looks at any more loses its turn."""
        while self.waiting and len(self._running) < self.max_running:
            job = self.in_turn()[0]
            self.waiting.remove(job)
            if job.is_left():
                job.stopped = job.abandoned = True
                continue
            self._running.append(job)
            self._served.pop(job.person, None)
            self._served[job.person] = None
            waiting = {other.person for other in self.waiting}
            for person in [person for person in self._served if person not in waiting][: -self.max_remembered]:
                del self._served[person]
            job._began = self.clock()
            threading.Thread(target=job.run, name=f"job {job.key}").start()
        self.changed.notify_all()


def _step(snapshot: Any) -> tuple[int, int] | None:
    """(steps done, steps wanted) of a snapshot that knows them."""
    step, steps = getattr(snapshot, "step", None), getattr(snapshot, "steps", None)
    return (int(step), int(steps)) if step is not None and steps else None


_QUEUE = JobQueue()
#: For work of a second or two that a page begins by itself: one at a time, never behind the long jobs.
SHORT = JobQueue(max_running=1, max_remembered=8)


def start(key: str, make: Callable[[], Iterator[T]], queue: JobQueue | None = None) -> Job[T]:
    """The job of a key, the same for everybody; begun if there is none yet.

    Args:
      key: everything that the work depends on: digests, names, numbers.
      make: gives the iterator of snapshots; called in the job's own thread.
      queue: where it waits for its turn; that of the long jobs if None.
    """
    context = get_script_run_ctx(suppress_warning=True)
    return (queue or _QUEUE).start(key, make, context.session_id if context else "")


def find(key: str) -> Job[Any] | None:
    """The job of a key, if somebody has started it and it is still remembered; starts nothing."""
    return _QUEUE.find(key)


def counts() -> tuple[int, int]:
    """(jobs that run, jobs that wait) at this moment."""
    with _QUEUE.changed:
        return len(_QUEUE._running), len(_QUEUE.waiting)


def watch(job: Job[T], draw: Callable[[Job[T]], None], key: str = "job", every: float = EVERY) -> None:
    """Draw a job again and again until it rests, and above it how far it is and the button to stop or continue.

    Args:
      job: what to watch.
      draw: draws the job's latest snapshot, or what stands there before the first one.
      key: name of this place on the page.
      every: seconds between two looks.
    """
    looking = not job.resting

    @st.fragment(run_every=every if looking else None)
    def part() -> None:
        job.look()
        with st.container(key=f"watched-{key}"):  # style.css keeps it from fading while it is drawn again
            with st.container(key=f"{key}-progress"):
                _progress(job, key)
            draw(job)
        if looking == job.resting:  # begin to ask again and again, or cease
            st.rerun()

    part()


def _progress(job: Job[Any], key: str) -> None:
    """One line of words, a bar while it runs, and a button."""
    if job.error is not None:
        if isinstance(job.error, Full):
            st.warning(job.error.words())
        else:
            st.error(t("It went wrong: {reason}", reason=said(job.error) or type(job.error).__name__))
        st.button(t("Try again"), key=f"{key}-again", on_click=job.go_on)
    elif job.stopped:
        st.markdown(t("Stopped. {words}", words=_words(job)))
        st.button(t("Continue"), key=f"{key}-go-on", on_click=job.go_on)
    elif not job.done:
        words = _words(job)
        if job.stopping:
            words = t("It stops after this snapshot. {words}", words=words)
        st.progress(job.fraction or 0.0, text=words)
        st.button(t("Stop"), key=f"{key}-stop", on_click=job.stop, disabled=job.stopping)


def _words(job: Job[Any]) -> str:
    """How far it is."""
    if job.waiting:
        return t("Waiting in line, {ahead} ahead of it; {most} run at once.", ahead=job.ahead, most=MAX_RUNNING)
    at, left = _step(job.latest), job.seconds_left
    if at is None:
        return t("Working for {seconds} s.", seconds=round(job.seconds))
    words = t("Step {step} of {steps}.", step=at[0], steps=at[1])
    return words if left is None or job.resting else f"{words} " + t("About {seconds} s left.", seconds=round(left))
