"""One thread interrupts what is late, once, and nothing that has ended."""

import threading

import pytest

from biodata.store.open_release import Watchdog


def test_what_is_late_is_interrupted_once():
    watchdog, called = Watchdog(0.02), []
    late = threading.Event()
    with watchdog.over(lambda: (called.append(1), late.set())):
        assert late.wait(10)
    assert called == [1]
    watchdog.close()


def test_what_has_ended_is_left_alone():
    watchdog, called, late = Watchdog(0.05), [], threading.Event()
    for _ in range(50):
        with watchdog.over(lambda: called.append("ended")):
            pass
    with watchdog.over(late.set):
        assert late.wait(10)
    assert not called
    watchdog.close()


def test_an_error_ends_it_too():
    watchdog, called, late = Watchdog(0.05), [], threading.Event()
    with pytest.raises(ZeroDivisionError), watchdog.over(lambda: called.append("failed")):
        _ = 1 / 0
    with watchdog.over(late.set):
        assert late.wait(10)
    assert not called
    watchdog.close()
