"""Long work in the background: one thread a key, two at a time, and the same job for everybody who asks for it.

A job is an iterator of snapshots. `start` gives the one of a key, running or finished; `watch` draws it until it ends,
with its progress, the time left, and a button to stop and continue. A person who stops a job that others watch only
leaves it; the last one stops it. What nobody looks at any more stops by itself.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator
from typing import Any, Generic, TypeVar

import streamlit as st
from streamlit import runtime
from streamlit.runtime.scriptrunner import get_script_run_ctx

from deconvviz.errors import DeconvvizError
from lessons._kit.form.i18n import t

#: Jobs that run at once, that may wait in line, and that are kept once they are at rest.
AT_ONCE, IN_LINE, KEPT = 2, 32, 32
#: Seconds without anybody looking after which a job stops; a hidden tab still asks once a minute.
AWAY = 90.0
#: Seconds between two looks at a running job.
EVERY = 1.0
#: So many times more seldom looks the page of who has left a job: only to say when it rests.
SELDOM = 10
T = TypeVar("T")
_END: Any = object()
_log = logging.getLogger(__name__)


class Job(Generic[T]):
    """Work that goes on behind the page; made by `start`.

    Attributes:
      key: what it is the only job of.
      latest: the last snapshot; None before the first.
      count: snapshots so far.
      done: it has come to its end, well or with an error.
      waiting: it stands in line.
      stopped: it was stopped before its end, and can go on.
      stopping: it will stop after the snapshot that it works on.
      away: it was stopped because nobody looked any more.
      error: what went wrong; None if nothing did.
    """

    def __init__(self, key: str, make: Callable[[], Iterator[T]], line: Line) -> None:
        self.key = key
        self.latest: T | None = None
        self.count = 0
        self.done = self.waiting = self.stopped = self.stopping = self.away = False
        self.error: Exception | None = None
        self._make, self._line = make, line
        self._snapshots: Iterator[T] | None = None
        #: (seconds it had run before it began to run now, when that was; None while it does not run)
        self._clock: tuple[float, float | None] = (0.0, None)
        self._first: tuple[float, int] | None = None
        self._looked = line.clock()
        #: person -> when they last looked; and those who have left while others stayed.
        self._watchers: dict[str, float] = {}
        self._leavers: set[str] = set()

    @property
    def resting(self) -> bool:
        """It neither runs nor waits."""
        return self.done or self.stopped

    @property
    def seconds(self) -> float:
        """How long it has run, without waiting and standing still."""
        ran, began = self._clock
        return ran + (0.0 if began is None else self._line.clock() - began)

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

    @property
    def ahead(self) -> int:
        """Jobs in line before it."""
        return self._line.ahead(self)

    def look(self, who: str = "") -> None:
        """Say that somebody looks at it; one that stopped because nobody did goes on. Who has left does not count."""
        self._line.look(self, who)

    def has_left(self, who: str) -> bool:
        """This person has stopped it, and it went on for others."""
        return who in self._leavers

    def leave(self, who: str) -> None:
        """One person stops it: it goes on for the others who watch it, and stops if there are none."""
        self._line.leave(self, who)

    def stop(self) -> None:
        """Stop, for everybody, after the snapshot that it works on; at once if it still waits."""
        self._line.stop(self)

    def go_on(self, who: str = "") -> None:
        """Continue a stopped job where it was; a failed one begins again. Who had left watches it again."""
        self._line.go_on(self, who)

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until it neither runs nor waits; False if it still does after so many seconds."""
        return self._line.wait(lambda: self.resting, timeout)


class Line:
    """The jobs of a process, a few of them running.

    Args:
      at_once, in_line, kept, away: see the constants of the module.
      clock: seconds, growing.
      is_here: whether a person's browser is still connected.
    """

    def __init__(
        self,
        at_once: int = AT_ONCE,
        in_line: int = IN_LINE,
        kept: int = KEPT,
        away: float = AWAY,
        clock: Callable[[], float] = time.monotonic,
        is_here: Callable[[str], bool] = lambda who: True,
    ) -> None:
        self.at_once, self.in_line, self.kept, self.away, self.clock = at_once, in_line, kept, away, clock
        self._is_here = is_here
        self._jobs: OrderedDict[str, Job[Any]] = OrderedDict()
        self._line: deque[Job[Any]] = deque()
        self._running: set[Job[Any]] = set()
        self._changed = threading.Condition(threading.RLock())

    def find(self, key: str) -> Job[Any] | None:
        """The job of a key, if there is one."""
        with self._changed:
            if key in self._jobs:
                self._jobs.move_to_end(key)
            return self._jobs.get(key)

    def start(self, key: str, make: Callable[[], Iterator[T]]) -> Job[T]:
        """The job of a key; it is begun, or put in line, if there is none yet.

        Where the line is full the job that comes back has ended with an error, and the next call tries again.
        """
        with self._changed:
            job = self.find(key)
            if job is None:
                job = Job(key, make, self)
                if self._enter(job):
                    self._jobs[key] = job
                    self._forget()
            return job

    def ahead(self, job: Job[Any]) -> int:
        """Jobs in line before a job."""
        with self._changed:
            return self._line.index(job) if job in self._line else 0

    def look(self, job: Job[Any], who: str) -> None:
        """See `Job.look`."""
        with self._changed:
            if job.has_left(who):
                return
            job._looked = job._watchers[who] = self.clock()
            if job.away:
                self.go_on(job, who)

    def leave(self, job: Job[Any], who: str) -> None:
        """See `Job.leave`."""
        with self._changed:
            job._watchers.pop(who, None)
            job._watchers = {one: at for one, at in job._watchers.items() if self._watches(one, at)}
            if job._watchers and not job.resting:
                job._leavers = {one for one in job._leavers if self._is_here(one)} | {who}
            else:
                self.stop(job)

    def _watches(self, who: str, looked: float) -> bool:
        return self.clock() - looked <= self.away and self._is_here(who)

    def stop(self, job: Job[Any]) -> None:
        """See `Job.stop`."""
        with self._changed:
            if job in self._line:
                self._line.remove(job)
                job.waiting, job.stopped = False, True
            elif job in self._running:
                job.stopping = True
            self._changed.notify_all()

    def go_on(self, job: Job[Any], who: str) -> None:
        """See `Job.go_on`."""
        with self._changed:
            job._leavers.discard(who)
            job.stopping = job.away = False
            if job in self._running or job in self._line or (job.done and job.error is None):
                return
            if job.error is not None:
                job._snapshots = job._first = None
            job.done, job.stopped, job.error = False, False, None
            job._looked = self.clock()
            self._enter(job)

    def wait(self, reached: Callable[[], bool], timeout: float | None) -> bool:
        """Wait for a condition of the jobs; False if it does not hold after so many seconds."""
        with self._changed:
            return self._changed.wait_for(reached, timeout)

    def _enter(self, job: Job[Any]) -> bool:
        """Run it, or put it in line; False, with an error, if the line is full."""
        if len(self._line) >= self.in_line:
            job.done, job.error = True, DeconvvizError(f"{len(self._line)} jobs wait already; try again later")
            return False
        job.waiting = True
        self._line.append(job)
        self._advance()
        return True

    def _advance(self) -> None:
        """Give free places to those who wait longest; who is no longer looked at loses its turn."""
        while self._line and len(self._running) < self.at_once:
            job = self._line.popleft()
            job.waiting = False
            if self._is_left(job):
                job.stopped = job.away = True
                continue
            self._running.add(job)
            job._clock = (job.seconds, self.clock())
            threading.Thread(target=self._run, args=(job,), name=f"job {job.key}").start()
        self._changed.notify_all()

    def _is_left(self, job: Job[Any]) -> bool:
        return self.clock() - job._looked > self.away

    def _forget(self) -> None:
        """Drop what was asked for longest ago of the jobs at rest, beyond those that are kept."""
        resting = [key for key, job in self._jobs.items() if job.resting]
        for key in resting[: max(len(resting) - self.kept, 0)]:
            del self._jobs[key]

    def _run(self, job: Job[Any]) -> None:
        """The thread of a job: snapshot after snapshot until it ends, fails or is to stop."""
        goes_on = True
        while goes_on:
            failed: Exception | None = None
            try:
                if job._snapshots is None:
                    job._snapshots = iter(job._make())
                snapshot = next(job._snapshots, _END)
            except Exception as error:
                if not isinstance(error, DeconvvizError):
                    _log.exception("job %s failed", job.key)
                snapshot, failed = _END, error
            with self._changed:
                job.error = failed
                goes_on = self._take(job, snapshot)
                self._changed.notify_all()

    def _take(self, job: Job[Any], snapshot: Any) -> bool:
        """Keep a snapshot, and say whether to go on; else the job rests and another one may run."""
        if snapshot is _END:
            job.done, job._snapshots = True, None
        else:
            job.latest, job.count = snapshot, job.count + 1
            at = _step(snapshot)
            if job._first is None and at is not None:
                job._first = job.seconds, at[0]
            left = self._is_left(job)
            job.stopped = job.stopping or left or not threading.main_thread().is_alive()
            job.away = left and not job.stopping
        if not job.resting:
            return True
        job._clock, job.stopping = (job.seconds, None), False
        self._running.discard(job)
        self._forget()
        self._advance()
        return False


def _step(snapshot: Any) -> tuple[int, int] | None:
    """(steps done, steps wanted) of a snapshot that knows them."""
    step, steps = getattr(snapshot, "step", None), getattr(snapshot, "steps", None)
    return (int(step), int(steps)) if step is not None and steps else None


def _is_here(who: str) -> bool:
    """Is the browser still connected? True where there is no server that knows."""
    return not runtime.exists() or runtime.get_instance().is_active_session(who)


def _person() -> str:
    """Who looks at the page that is drawn now: one open tab."""
    context = get_script_run_ctx(suppress_warning=True)
    return "" if context is None else context.session_id


_LINE = Line(is_here=_is_here)


def start(key: str, make: Callable[[], Iterator[T]]) -> Job[T]:
    """The job of a key, the same for everybody; begun if there is none yet.

    Args:
      key: everything that the work depends on: digests, names, numbers.
      make: gives the iterator of snapshots; called in the job's own thread.
    """
    return _LINE.start(key, make)


def find(key: str) -> Job[Any] | None:
    """The job of a key, if somebody has started it and it is still kept; starts nothing."""
    return _LINE.find(key)


def watch(job: Job[T], draw: Callable[[Job[T]], None], key: str = "job", every: float = EVERY) -> None:
    """Draw a job again and again until it rests, and above it how far it is and the button to stop or continue.

    Args:
      job: what to watch.
      draw: draws the job's latest snapshot, or what stands there before the first one.
      key: name of this place on the page.
      every: seconds between two looks.
    """
    who = _person()
    looking, left = not job.resting, job.has_left(who)
    pace = SELDOM * every if left else every

    @st.fragment(run_every=pace if looking else None)
    def part() -> None:
        job.look(who)
        with st.container(key=f"watched-{key}"):  # style.css keeps it from fading while it is drawn again
            with st.container(key=f"{key}-progress"):
                _progress(job, key, who)
            draw(job)
        if looking == job.resting or left != job.has_left(who):  # begin to ask again and again, or cease
            st.rerun()

    part()


def _progress(job: Job[Any], key: str, who: str) -> None:
    """One line of words, a bar while it runs, and a button."""
    if job.error is not None:
        st.error(t("It went wrong: {reason}", reason=str(job.error) or type(job.error).__name__))
        st.button(t("Try again"), key=f"{key}-again", on_click=job.go_on, args=(who,))
        return
    if job.done:
        return
    if job.resting:
        st.markdown(t("Stopped. {words}", words=_words(job)))
        st.button(t("Continue"), key=f"{key}-go-on", on_click=job.go_on, args=(who,))
        return
    if job.has_left(who):
        st.markdown(t("Stopped for you; it goes on for others who watch it. {words}", words=_words(job)))
        st.button(t("Continue"), key=f"{key}-go-on", on_click=job.go_on, args=(who,))
        return
    words = _words(job)
    if job.stopping:
        words = t("It stops after this snapshot. {words}", words=words)
    st.progress(job.fraction or 0.0, text=words)
    st.button(t("Stop"), key=f"{key}-stop", on_click=job.leave, args=(who,), disabled=job.stopping)


def _words(job: Job[Any]) -> str:
    """How far it is."""
    if job.waiting:
        return t("Waiting in line, {ahead} before it: {most} run at once.", ahead=job.ahead, most=AT_ONCE)
    at, left = _step(job.latest), job.seconds_left
    if at is None:
        return t("Working for {seconds} s.", seconds=round(job.seconds))
    words = t("Step {step} of {steps}.", step=at[0], steps=at[1])
    return words if left is None or job.resting else f"{words} " + t("About {seconds} s left.", seconds=round(left))
