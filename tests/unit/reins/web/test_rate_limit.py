from types import SimpleNamespace

from reins.web import rate_limit as bucket


def test_a_burst_passes_and_then_the_rate_holds(monkeypatch):
    """So many at once, then as many as the rate gives; a pause saves up no more than a burst."""
    clock = SimpleNamespace(now=100.0)
    monkeypatch.setattr(bucket, "time", SimpleNamespace(monotonic=lambda: clock.now))
    tokens = bucket.Bucket(burst=5, per_s=2.0)

    def taken(tries):
        return [tokens.take() for _ in range(tries)].count(True)

    assert taken(10) == 5
    clock.now += 0.4
    assert taken(10) == 0
    clock.now += 0.1
    assert taken(10) == 1
    clock.now += 1_000
    assert taken(10) == 5
