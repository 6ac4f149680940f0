"""Long work in the background: order, stopping, sharing, forgetting, and what a page shows of it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from deconvviz.errors import DeconvvizError
from lessons._kit.run import jobs
from lessons._kit.run.jobs import Job, Line

SOON = 120.0


@dataclass(frozen=True)
class Snapshot:
    """One step of a job."""

    step: int
    steps: int


class Work:
    """An iterator that gives one snapshot each time it is allowed to."""

    def __init__(self, steps: int = 3) -> None:
        self.steps, self.allowed, self.begun, self.threads = steps, threading.Semaphore(0), 0, set[str]()

    def __call__(self) -> Iterator[Snapshot]:
        self.begun += 1
        for step in range(1, self.steps + 1):
            assert self.allowed.acquire(timeout=SOON)
            self.threads.add(threading.current_thread().name)
            yield Snapshot(step, self.steps)

    def allow(self, times: int = 1) -> None:
        """Let so many snapshots come."""
        self.allowed.release(times)


def reach(line: Line, job: Job[Snapshot], count: int) -> None:
    """Wait for a number of snapshots."""
    assert line.wait(lambda: job.count >= count, SOON)


def test_a_job_runs_to_its_end_in_a_thread_of_its_own() -> None:
    line, work = Line(), Work()
    job = line.start("a", work)
    assert (job.latest, job.count, job.done, job.waiting, job.fraction) == (None, 0, False, False, None)
    work.allow()
    reach(line, job, 1)
    assert job.fraction == pytest.approx(1 / 3)
    work.allow(2)
    assert job.wait(SOON)
    assert (job.latest, job.count, job.done, job.error, job.fraction) == (Snapshot(3, 3), 3, True, None, 1.0)
    assert work.threads == {"job a"}


def test_the_same_key_is_the_same_job_for_everybody_even_at_the_same_moment() -> None:
    line, work = Line(), Work()
    found: list[Job[Snapshot]] = []
    people = [threading.Thread(target=lambda: found.append(line.start("a", work))) for _ in range(8)]
    for person in people:
        person.start()
    for person in people:
        person.join()
    work.allow(3)
    assert found[0].wait(SOON)
    assert len({id(job) for job in found}) == 1
    assert work.begun == 1
    assert line.start("a", work) is found[0]
    assert line.find("a") is found[0]
    assert line.find("b") is None


def test_two_run_at_once_and_the_others_wait_their_turn() -> None:
    line, works = Line(), [Work(1) for _ in range(4)]
    jobs = [line.start(str(i), work) for i, work in enumerate(works)]
    assert [job.waiting for job in jobs] == [False, False, True, True]
    assert [job.ahead for job in jobs] == [0, 0, 0, 1]
    works[1].allow()
    assert jobs[1].wait(SOON)
    assert line.wait(lambda: not jobs[2].waiting, SOON)
    assert [job.waiting for job in jobs] == [False, False, False, True]
    for work in works:
        work.allow()
    assert all(job.wait(SOON) for job in jobs)
    assert [job.count for job in jobs] == [1, 1, 1, 1]


def test_a_stopped_job_goes_on_where_it_was_and_gives_its_place_away_meanwhile() -> None:
    line, work, other = Line(at_once=1), Work(), Work(1)
    job, second = line.start("a", work), line.start("b", other)
    job.stop()
    assert job.stopping
    work.allow()
    assert job.wait(SOON)
    assert (job.stopped, job.stopping, job.done, job.away, job.count) == (True, False, False, False, 1)
    other.allow()
    assert second.wait(SOON)
    job.go_on()
    assert not job.stopped
    work.allow(2)
    assert job.wait(SOON)
    assert (job.latest, job.count, job.done, work.begun) == (Snapshot(3, 3), 3, True, 1)


def test_stopping_can_be_taken_back_and_a_waiting_job_stops_at_once() -> None:
    line, work, other = Line(at_once=1), Work(2), Work(1)
    job, second = line.start("a", work), line.start("b", other)
    job.stop()
    job.go_on()
    second.stop()
    assert (second.stopped, second.waiting, second.wait(0)) == (True, False, True)
    work.allow(2)
    assert job.wait(SOON)
    assert (job.done, second.count) == (True, 0)
    second.go_on()
    other.allow()
    assert second.wait(SOON)
    assert second.done


def test_an_error_ends_the_job_and_it_can_begin_again() -> None:
    line, times = Line(), []

    def breaks() -> Iterator[int]:
        times.append(1)
        yield 7
        if len(times) == 1:
            raise DeconvvizError("the layer is silent")

    job = line.start("a", breaks)
    assert job.wait(SOON)
    assert (str(job.error), job.done, job.latest) == ("the layer is silent", True, 7)
    assert line.start("a", breaks) is job
    job.go_on()
    assert job.wait(SOON)
    assert (job.error, job.done, len(times)) == (None, True, 2)


def test_an_error_before_the_first_snapshot_is_kept_too() -> None:
    def refuses() -> Iterator[int]:
        raise DeconvvizError("no such layer")

    job = Line().start("a", refuses)
    assert job.wait(SOON)
    assert (str(job.error), job.count, job.fraction) == ("no such layer", 0, None)


def test_what_nobody_looks_at_stops_and_goes_on_when_somebody_looks_again() -> None:
    now = [0.0]
    line, work, other = Line(at_once=1, away=90, clock=lambda: now[0]), Work(), Work(1)
    job, second = line.start("a", work), line.start("b", other)
    now[0] = 80
    job.look()
    now[0] = 160
    work.allow()
    reach(line, job, 1)
    assert not job.resting
    now[0] = 171
    work.allow()
    assert job.wait(SOON)
    assert (job.stopped, job.away, job.count) == (True, True, 2)
    assert second.wait(SOON)
    assert (second.stopped, second.away, second.count) == (True, True, 0)  # lost its turn
    job.look()
    assert (job.stopped, job.away) == (False, False)
    work.allow()
    assert job.wait(SOON)
    assert job.done


def watched(job: Job[Snapshot], *people: str) -> None:
    """Everybody looks."""
    for who in people:
        job.look(who)


def test_who_stops_only_leaves_while_others_watch_and_the_last_one_stops_it() -> None:
    line, work = Line(at_once=1), Work()
    job = line.start("a", work)
    watched(job, "Ada", "Ben", "Cleo")
    job.leave("Ada")
    job.leave("Ben")
    assert [job.has_left(who) for who in ("Ada", "Ben", "Cleo")] == [True, True, False]
    assert not job.stopping
    work.allow()
    reach(line, job, 1)
    assert not job.resting
    job.leave("Cleo")
    assert job.stopping
    work.allow()
    assert job.wait(SOON)
    assert (job.stopped, job.away, job.count) == (True, False, 2)
    job.look("Ada")
    assert job.stopped, "a look does not continue what was stopped"
    job.go_on("Ada")
    assert not job.stopped
    assert [job.has_left(who) for who in ("Ada", "Ben")] == [False, True]
    work.allow()
    assert job.wait(SOON)
    assert (job.done, job.count, work.begun) == (True, 3, 1)


def test_who_has_left_and_comes_back_watches_again() -> None:
    line, work = Line(), Work(2)
    job = line.start("a", work)
    watched(job, "Ada", "Ben")
    job.leave("Ada")
    job.go_on("Ada")
    assert not job.has_left("Ada")
    job.leave("Ben")
    assert (job.has_left("Ben"), job.stopping) == (False, True), "Ada's look from before she left is forgotten"
    job.go_on("Ben")
    watched(job, "Ada", "Ben")
    job.leave("Ben")
    assert (job.has_left("Ben"), job.stopping) == (True, False)
    work.allow(2)
    assert job.wait(SOON)


@pytest.mark.parametrize("gone", ["disconnected", "looked away"])
def test_who_is_gone_is_no_reason_to_go_on(gone: str) -> None:
    now, here = [0.0], {"Ada", "Ben"}
    line, work = Line(away=90, clock=lambda: now[0], is_here=lambda who: who in here), Work(1)
    job = line.start("a", work)
    watched(job, "Ada", "Ben")
    now[0] = 60
    job.look("Ada")
    if gone == "disconnected":
        here.remove("Ben")
    else:
        now[0] = 91
    job.leave("Ada")
    assert job.stopping
    work.allow()
    assert job.wait(SOON)


def test_those_who_left_do_not_keep_it_running() -> None:
    now = [0.0]
    line, work = Line(away=90, clock=lambda: now[0]), Work()
    job = line.start("a", work)
    watched(job, "Ada", "Ben")
    job.leave("Ada")
    now[0] = 91
    job.look("Ada")
    work.allow()
    assert job.wait(SOON)
    assert (job.stopped, job.away) == (True, True)
    job.look("Ada")
    assert job.stopped
    job.look("Ben")
    assert not job.stopped
    work.allow(2)
    assert job.wait(SOON)


def test_a_waiting_job_that_others_watch_keeps_its_turn() -> None:
    line, work, other = Line(at_once=1), Work(1), Work(1)
    job, second = line.start("a", work), line.start("b", other)
    watched(second, "Ada", "Ben")
    second.leave("Ada")
    assert (second.waiting, second.has_left("Ada")) == (True, True)
    second.leave("Ben")
    assert (second.waiting, second.stopped) == (False, True)
    work.allow()
    assert job.wait(SOON)


def test_seconds_count_only_while_it_runs_and_the_time_left_follows_from_the_speed() -> None:
    now = [0.0]
    line, work = Line(away=1e9, clock=lambda: now[0]), Work(5)
    job = line.start("a", work)
    now[0] = 10  # compiling
    work.allow()
    reach(line, job, 1)
    assert job.seconds_left is None
    job.stop()
    now[0] = 12
    work.allow()
    assert job.wait(SOON)
    assert job.seconds == 12
    assert job.seconds_left == pytest.approx(2 * 3)
    now[0] = 100
    assert job.seconds == 12
    work.allow(3)
    job.go_on()
    assert job.wait(SOON)


def test_finished_jobs_are_forgotten_the_one_asked_for_longest_ago_first() -> None:
    line = Line(kept=2)
    for key in "abc":
        assert line.start(key, lambda: iter([1])).wait(SOON)
        line.find("a")
    assert line.find("b") is None
    assert line.find("a") is not None
    assert line.find("c") is not None


def test_a_full_line_refuses_and_forgets_the_refused() -> None:
    line, works = Line(at_once=1, in_line=1), [Work(1) for _ in range(3)]
    jobs = [line.start(str(i), work) for i, work in enumerate(works)]
    assert str(jobs[2].error) == "1 jobs wait already; try again later"
    assert line.find("2") is None
    for work in works:
        work.allow()
    assert jobs[1].wait(SOON)
    assert line.start("2", works[2]).wait(SOON)
    assert works[2].begun == 1


PAGE = """
import streamlit as st
from lessons._kit.run import jobs

job = jobs.start("page", st.session_state["work"])
jobs.watch(job, lambda job: st.markdown(f"drawn {job.latest}"))
"""


def test_a_page_draws_stops_continues_and_shows_the_end() -> None:
    work = Work(2)
    page = AppTest.from_string(PAGE)
    page.session_state["work"] = work
    page.run()
    assert [button.label for button in page.button] == ["Stop"]
    page.button(key="job-stop").click().run()
    assert page.button(key="job-stop").disabled
    work.allow()
    job = jobs.find("page")
    assert job is not None
    assert job.wait(SOON)
    page.run()
    words = [element.value for element in page.markdown]
    assert words == ["Stopped. Step 1 of 2.", "drawn Snapshot(step=1, steps=2)"]
    page.button(key="job-go-on").click().run()
    assert [button.label for button in page.button] == ["Stop"]
    work.allow()
    assert job.wait(SOON)
    page.run()
    assert [element.value for element in page.markdown] == ["drawn Snapshot(step=2, steps=2)"]
    assert not page.button


@pytest.mark.slow
def test_one_person_leaves_and_the_other_sees_it_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "_person", lambda: st.session_state["who"])
    work, pages = Work(2), {}
    for who in ("Ada", "Ben"):
        pages[who] = AppTest.from_string(PAGE.replace('"page"', '"shared"'))
        pages[who].session_state["work"], pages[who].session_state["who"] = work, who
        pages[who].run()
    ada, ben = pages.values()
    ada.button(key="job-stop").click().run()
    assert [button.label for button in ada.button] == ["Continue"]
    assert ada.markdown[0].value.startswith("Stopped for you; it goes on for others who watch it. Working for ")
    assert [button.label for button in ben.run().button] == ["Stop"]
    assert not ben.button(key="job-stop").disabled
    ada.button(key="job-go-on").click().run()
    assert [button.label for button in ada.button] == ["Stop"]
    for page in (ben, ada):
        page.button(key="job-stop").click().run()
    assert ada.button(key="job-stop").disabled
    work.allow()
    job = jobs.find("shared")
    assert job is not None
    assert job.wait(SOON)
    assert job.stopped
    assert [page.run().button[0].label for page in (ada, ben)] == ["Continue", "Continue"]
    work.allow()
    ben.button(key="job-go-on").click().run()
    assert job.wait(SOON)


def test_a_page_shows_what_went_wrong_as_a_sentence() -> None:
    def breaks() -> Iterator[int]:
        raise DeconvvizError("the layer is silent; choose another picture")

    page = AppTest.from_string(PAGE.replace('"page"', '"broken"'))
    page.session_state["work"] = breaks
    page.run()
    job = jobs.find("broken")
    assert job is not None
    assert job.wait(SOON)
    page.run()
    assert [error.value for error in page.error] == ["It went wrong: the layer is silent; choose another picture"]
    assert [button.label for button in page.button] == ["Try again"]
