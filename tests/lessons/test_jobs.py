"""Long work in the background: order, stopping, sharing, forgetting, and what a page shows of it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from streamlit.testing.v1 import AppTest

from deconvviz.errors import DeconvvizError
from lessons._kit.run import jobs
from lessons._kit.run.jobs import Job, JobQueue

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


def reach(queue: JobQueue, job: Job[Snapshot], count: int) -> None:
    """Wait for a number of snapshots."""
    assert queue.wait(lambda: job.count >= count, SOON)


def test_a_job_runs_to_its_end_in_a_thread_of_its_own() -> None:
    queue, work = JobQueue(), Work()
    job = queue.start("a", work)
    assert (job.latest, job.count, job.done, job.waiting, job.fraction) == (None, 0, False, False, None)
    work.allow()
    reach(queue, job, 1)
    assert job.fraction == pytest.approx(1 / 3)
    work.allow(2)
    assert job.wait(SOON)
    assert (job.latest, job.count, job.done, job.error, job.fraction) == (Snapshot(3, 3), 3, True, None, 1.0)
    assert work.threads == {"job a"}


def test_the_same_key_is_the_same_job_for_everybody_even_at_the_same_moment() -> None:
    queue, work = JobQueue(), Work()
    found: list[Job[Snapshot]] = []
    people = [threading.Thread(target=lambda: found.append(queue.start("a", work))) for _ in range(8)]
    for person in people:
        person.start()
    for person in people:
        person.join()
    work.allow(3)
    assert found[0].wait(SOON)
    assert len({id(job) for job in found}) == 1
    assert work.begun == 1
    assert queue.start("a", work) is found[0]
    assert queue.find("a") is found[0]
    assert queue.find("b") is None


def test_two_run_at_once_and_the_others_wait_their_turn() -> None:
    queue, works = JobQueue(), [Work(1) for _ in range(4)]
    jobs = [queue.start(str(i), work) for i, work in enumerate(works)]
    assert [job.waiting for job in jobs] == [False, False, True, True]
    assert [job.ahead for job in jobs] == [0, 0, 0, 1]
    works[1].allow()
    assert jobs[1].wait(SOON)
    assert queue.wait(lambda: not jobs[2].waiting, SOON)
    assert [job.waiting for job in jobs] == [False, False, False, True]
    for work in works:
        work.allow()
    assert all(job.wait(SOON) for job in jobs)
    assert [job.count for job in jobs] == [1, 1, 1, 1]


def test_a_stopped_job_goes_on_where_it_was_and_gives_its_place_away_meanwhile() -> None:
    queue, work, other = JobQueue(max_running=1), Work(), Work(1)
    job, second = queue.start("a", work), queue.start("b", other)
    job.stop()
    assert job.stopping
    work.allow()
    assert job.wait(SOON)
    assert (job.stopped, job.stopping, job.done, job.abandoned, job.count) == (True, False, False, False, 1)
    other.allow()
    assert second.wait(SOON)
    job.go_on()
    assert not job.stopped
    work.allow(2)
    assert job.wait(SOON)
    assert (job.latest, job.count, job.done, work.begun) == (Snapshot(3, 3), 3, True, 1)


def test_stopping_can_be_taken_back_and_a_waiting_job_stops_at_once() -> None:
    queue, work, other = JobQueue(max_running=1), Work(2), Work(1)
    job, second = queue.start("a", work), queue.start("b", other)
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
    queue, times = JobQueue(), []

    def breaks() -> Iterator[int]:
        times.append(1)
        yield 7
        if len(times) == 1:
            raise DeconvvizError("the layer is silent")

    job = queue.start("a", breaks)
    assert job.wait(SOON)
    assert (str(job.error), job.done, job.latest) == ("the layer is silent", True, 7)
    assert queue.start("a", breaks) is job
    job.go_on()
    assert job.wait(SOON)
    assert (job.error, job.done, len(times)) == (None, True, 2)


def test_an_error_before_the_first_snapshot_is_kept_too() -> None:
    def refuses() -> Iterator[int]:
        raise DeconvvizError("no such layer")

    job = JobQueue().start("a", refuses)
    assert job.wait(SOON)
    assert (str(job.error), job.count, job.fraction) == ("no such layer", 0, None)


def test_what_nobody_looks_at_stops_and_goes_on_when_somebody_looks_again() -> None:
    now = [0.0]
    queue, work, other = JobQueue(max_running=1, abandoned_after=90, clock=lambda: now[0]), Work(), Work(1)
    job, second = queue.start("a", work), queue.start("b", other)
    now[0] = 80
    job.look()
    now[0] = 160
    work.allow()
    reach(queue, job, 1)
    assert not job.resting
    now[0] = 171
    work.allow()
    assert job.wait(SOON)
    assert (job.stopped, job.abandoned, job.count) == (True, True, 2)
    assert second.wait(SOON)
    assert (second.stopped, second.abandoned, second.count) == (True, True, 0)  # lost its turn
    job.look()
    assert (job.stopped, job.abandoned) == (False, False)
    work.allow()
    assert job.wait(SOON)
    assert job.done


def test_seconds_count_only_while_it_runs_and_the_time_left_follows_from_the_speed() -> None:
    now = [0.0]
    queue, work = JobQueue(abandoned_after=1e9, clock=lambda: now[0]), Work(5)
    job = queue.start("a", work)
    now[0] = 10  # compiling
    work.allow()
    reach(queue, job, 1)
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
    queue = JobQueue(max_remembered=2)
    for key in "abc":
        assert queue.start(key, lambda: iter([1])).wait(SOON)
        queue.find("a")
    assert queue.find("b") is None
    assert queue.find("a") is not None
    assert queue.find("c") is not None


def test_a_full_queue_says_so_and_the_refused_can_try_again() -> None:
    queue, works = JobQueue(max_running=1, max_waiting=1), [Work(1) for _ in range(3)]
    jobs = [queue.start(str(i), work) for i, work in enumerate(works)]
    assert (str(jobs[2].error), jobs[2].done) == ("1 jobs wait already; try again later", True)
    assert queue.find("2") is jobs[2]
    for work in works:
        work.allow()
    assert jobs[1].wait(SOON)
    jobs[2].go_on()
    assert jobs[2].wait(SOON)
    assert (jobs[2].error, works[2].begun) == (None, 1)


@pytest.mark.parametrize("failure", [SystemExit(3), KeyboardInterrupt(), ZeroDivisionError()])
def test_an_error_of_any_kind_frees_its_place(failure: BaseException) -> None:
    def breaks() -> Iterator[int]:
        yield 1
        raise failure

    queue, work = JobQueue(max_running=1), Work(1)
    job, second = queue.start("a", breaks), queue.start("b", work)
    assert job.wait(SOON)
    assert (job.error, job.done, job.count) == (failure, True, 1)
    work.allow()
    assert second.wait(SOON)
    assert second.error is None


def test_people_take_turns_however_many_jobs_one_of_them_asks_for() -> None:
    queue = JobQueue(max_running=1)
    order: list[str] = []

    def work(name: str) -> Callable[[], Iterator[int]]:
        def run() -> Iterator[int]:
            order.append(name)
            yield 1

        return run

    hold = Work(1)
    queue.start("hold", hold, "greedy")
    mine = [queue.start(f"greedy {i}", work(f"greedy {i}"), "greedy") for i in range(5)]
    theirs = [queue.start(f"{who} {i}", work(f"{who} {i}"), who) for who in ("late", "later") for i in range(2)]
    assert [job.ahead for job in (*theirs, *mine)] == [0, 3, 1, 4, 2, 5, 6, 7, 8]
    hold.allow()
    for job in (*mine, *theirs):
        assert job.wait(SOON)
    assert order == [
        "late 0", "later 0", "greedy 0", "late 1", "later 1", "greedy 1", "greedy 2", "greedy 3", "greedy 4"
    ]  # fmt: skip


def test_a_person_does_not_run_on_all_places_while_others_wait() -> None:
    queue, works = JobQueue(max_running=2), [Work(1) for _ in range(4)]
    first = [queue.start(f"a{i}", works[i], "a") for i in range(3)]
    other = queue.start("b", works[3], "b")
    works[1].allow()
    assert first[1].wait(SOON)
    assert (other.waiting, first[2].waiting) == (False, True)
    for work in works:
        work.allow()
    assert all(job.wait(SOON) for job in (*first, other))


def test_one_person_cannot_fill_the_line() -> None:
    queue, hold = JobQueue(max_running=1, max_waiting=9, max_each=2), Work(1)
    queue.start("hold", hold, "a")
    mine = [queue.start(f"a{i}", Work(0), "a") for i in range(3)]
    assert [str(job.error) for job in mine] == ["None", "None", "2 of your jobs wait already; try again later"]
    assert queue.start("b", Work(0), "b").waiting
    hold.allow()
    assert mine[1].wait(SOON)


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


def test_a_page_says_that_the_queue_is_full(monkeypatch: pytest.MonkeyPatch) -> None:
    work = Work(1)
    monkeypatch.setattr(jobs, "_QUEUE", JobQueue(max_running=1, max_waiting=0))
    running = jobs.start("running", work)
    page = AppTest.from_string(PAGE.replace('"page"', '"refused"'))
    page.session_state["work"] = second = Work(1)
    page.run()
    assert [one.value for one in page.warning] == ["The line is full: 0 jobs wait already. Try again in a minute."]
    assert not page.error
    work.allow()
    assert running.wait(SOON)
    assert page.button(key="job-again").label == "Try again"
    page.button(key="job-again").click().run()
    assert [button.label for button in page.button] == ["Stop"]
    second.allow()


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
