"""Webhooks without a network: signatures, episodes, and how often is tried."""

import pytest

from reins.webhooks.delivering import PAUSES_S
from reins.webhooks.episodes import OVER_S, Episodes
from reins.webhooks.signing import headers, key_of

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLwSw"
HELD, FAILED = ("held", "held:session:ticks"), ("failed", "fault:route broken")


def test_the_signature_is_that_of_standard_webhooks():
    """As the package `standardwebhooks` 1.1.0 signs the same; none without a secret."""
    made = headers(SECRET, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert made == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,pZN3CVESPCUuihODVQNgWONmlcH9xCz9b1ykcK53XqY=",
    }
    assert "webhook-signature" not in headers(None, "msg_a", 1, b"{}")


@pytest.mark.parametrize(
    "secret", ["", "secret", "whsec_", "whsec_c2hvcnQ=", "whsec_ä", SECRET[6:]]
)
def test_a_secret_that_is_none_is_refused_with_a_way_to_make_one(secret):
    """The error says how one is made, and does not quote what was given."""
    with pytest.raises(ValueError, match="openssl rand") as error:
        key_of(secret)
    assert len(secret) < 6 or secret not in str(error.value).replace("whsec_", "")


def test_an_episode_is_told_once_and_ends_after_a_while_without_it():
    """A cause is told when it has stood; one that comes back at once is the same episode."""
    episodes = Episodes({}, 0.0)
    assert episodes.look([HELD], 0.0, 10.0) == []
    assert episodes.look([HELD, FAILED], 10.0, 10.0) == [HELD]
    episodes.told(HELD, "msg_1")
    assert episodes.look([HELD, FAILED], 20.0, 10.0) == [FAILED]
    episodes.told(FAILED, "msg_2")
    assert episodes.look([FAILED], 20.0 + OVER_S, 10.0) == []
    assert episodes.over(20.0 + OVER_S) == []
    assert episodes.look([HELD], 20.0 + OVER_S, 10.0) == [], "it was gone for no longer"
    assert sorted(episodes.over(80.1 + OVER_S)) == ["msg_1", "msg_2"]
    assert episodes.look([HELD], 82.0 + OVER_S, 0.0) == [HELD], "a new episode"


def test_what_was_told_before_a_restart_is_not_told_again():
    """An episode that a worker before has told of goes on."""
    episodes = Episodes({HELD: "msg_1"}, 100.0)
    assert episodes.look([HELD], 100.0, 0.0) == []
    assert episodes.over(100.0 + OVER_S + 1) == ["msg_1"]


def test_the_pauses_grow_and_end():
    """From a second to an hour: a receiver that is down for a meal hears of it all the same."""
    assert list(PAUSES_S) == sorted(PAUSES_S)
    assert 3_600 <= sum(PAUSES_S) <= 6 * 3_600
