"""What lets a few in at once: the others wait, and those who are too many come again."""

import threading

import anyio
import anyio.from_thread
import pytest

from api.auth import CHECKS_AT_ONCE, CHECKS_WAITING, SURVEYS_WAITING, Gate, survey_gates
from api.errors import ProblemError


def test_of_a_thousand_two_are_inside_and_sixteen_wait():
    inside, most, lock = 0, 0, threading.Lock()
    together = threading.Barrier(CHECKS_AT_ONCE, timeout=30)

    def work() -> str:
        nonlocal inside, most
        with lock:
            inside += 1
            most = max(most, inside)
        together.wait()
        with lock:
            inside -= 1
        return "done"

    async def crowd() -> list[str]:
        gate, told = Gate(), []

        async def one() -> None:
            try:
                told.append(await gate.run(work))
            except ProblemError as error:
                told.append(f"{error.code} {error.headers['Retry-After']}")

        async with anyio.create_task_group() as tasks:
            for _ in range(1_000):
                tasks.start_soon(one)
        assert await gate.run(lambda: "open again") == "open again"
        return told

    told = anyio.run(crowd)
    assert most == CHECKS_AT_ONCE
    assert told.count("done") == CHECKS_AT_ONCE + CHECKS_WAITING
    assert told.count("LOGINS_TOO_MANY 5") == 1_000 - told.count("done")


def test_a_failure_leaves_the_gate_open():
    async def fail() -> None:
        gate = Gate(at_once=1, waiting=0)
        for _ in range(3):
            with pytest.raises(ZeroDivisionError):
                await gate.run(lambda: 1 // 0)

    anyio.run(fail)


def test_a_full_gate_refuses_before_anything_is_read():
    async def full() -> None:
        _, public = survey_gates()
        held = anyio.Event()

        async def hold() -> None:
            await public.run(lambda: anyio.from_thread.run(held.wait))

        async with anyio.create_task_group() as tasks:
            for _ in range(1 + SURVEYS_WAITING):
                public.refuse_if_full()
                tasks.start_soon(hold)
                await anyio.sleep(0)
            with pytest.raises(ProblemError) as refused:
                public.refuse_if_full()
            assert (str(refused.value.code), refused.value.headers["Retry-After"]) == ("CHECKS_TOO_MANY", "30")
            held.set()
        public.refuse_if_full()

    anyio.run(full)
