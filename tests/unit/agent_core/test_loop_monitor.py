"""The loop monitor sees a loop that is held, and by what."""

import time

import structlog

from agent_core.loop_monitor import LoopMonitor
from tests.support.waiting import until_async


def hold_the_loop(seconds):
    time.sleep(seconds)


async def test_it_names_what_holds_the_loop(monkeypatch):
    """The line says the function that held the loop, while it holds it, and how long in the end."""
    monkeypatch.setattr("agent_core.loop_monitor.EVERY_S", 0.01)
    monkeypatch.setattr("agent_core.loop_monitor.HELD_S", 0.05)
    monitor = LoopMonitor()
    with structlog.testing.capture_logs() as lines:
        monitor.start()
        await until_async(lambda: monitor.lags_ms)
        hold_the_loop(0.4)
        said_while_held = list(lines)
        await until_async(lambda: len(lines) >= 2)
    monitor.stop()
    assert "hold_the_loop" in said_while_held[0]["at"]
    assert lines[1]["held_s"] >= 0.3
    assert monitor.percentile_ms(1.0) >= 300


async def test_a_loop_that_is_free_is_not_reported(monkeypatch):
    """Samples are taken, and nothing is said."""
    monkeypatch.setattr("agent_core.loop_monitor.EVERY_S", 0.005)
    monitor = LoopMonitor()
    assert monitor.percentile_ms(0.99) == 0.0
    with structlog.testing.capture_logs() as lines:
        monitor.start()
        await until_async(lambda: len(monitor.lags_ms) >= 20)
    monitor.stop()
    assert lines == []
    await until_async(lambda: not monitor.running)


def test_a_loop_that_is_never_idle_has_no_time_to_give_away():
    """Each answer is late by a little; one that is late once in a while is idle all the same."""
    monitor = LoopMonitor()
    assert not monitor.lags()
    monitor.lags_ms.extend([0.2, 12.0, 0.3, 0.2, 0.2, 9.0, 0.2, 0.3])
    assert not monitor.lags()
    monitor.lags_ms.extend([4.0, 3.0, 6.0, 5.0, 3.0])
    assert monitor.lags()
    monitor.lags_ms.extend([0.2] * 5)
    assert not monitor.lags()
    monitor.lags_ms.append(30.0)
    assert monitor.lags()
