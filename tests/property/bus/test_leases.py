"""Leases of a group: each message is done once, whatever hangs, is lost or given back."""

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from reins.bus.leases import Leases

MEMBERS = st.sampled_from("abc")
LEASE_S = 10.0


class Sharing(RuleBasedStateMachine):
    """Members that take, finish, hang and go, over restarts; `rows` is what is on disk."""

    @initialize()
    def begin(self):
        self.leases, self.now, self.newest = Leases(), 0.0, 0
        self.having = {}
        self.done = []

    @rule(count=st.integers(1, 5))
    def publish(self, count):
        self.newest += count

    @rule(seconds=st.sampled_from([1.0, 6.0, 11.0]))
    def wait(self, seconds):
        self.now += seconds

    @rule(member=MEMBERS, most=st.integers(1, 4))
    def take(self, member, most):
        taken = self.leases.take(member, self.newest, most, self.now, LEASE_S)
        assert len(taken) <= most
        assert not set(taken) & set(self.done)
        self.having[member] = taken

    @rule(member=MEMBERS)
    def commit(self, member):
        """The fence, the commit, and the word that it is on disk."""
        numbers = self.having.pop(member, [])
        self.leases.expire(self.now)
        if numbers and self.leases.holds(member, numbers):
            self.leases.commit(numbers)
            self.now += 2 * LEASE_S  # however long it takes
            self.leases.expire(self.now)
            assert self.leases.holds(member, numbers)
            self.done += numbers
            self.leases.finish(numbers)

    @rule(member=MEMBERS, count=st.integers(0, 4))
    def leave(self, member, count):
        """The last of what a member has goes back before it is begun."""
        numbers = self.having.get(member, [])
        kept, left = numbers[:count], numbers[count:]
        self.leases.give_back(member, left)
        self.having[member] = kept

    @rule(member=MEMBERS)
    def go(self, member):
        self.leases.release(member)
        self.having.pop(member, None)

    @rule(member=MEMBERS, number=st.integers(1, 30))
    def keep(self, member, number):
        """What is to be tried again is kept only where nobody else has it, and it is not done."""
        if number > self.newest:
            return
        if self.leases.keep(member, number, self.now, self.now + LEASE_S):
            assert number not in self.done
            assert self.leases.holds(member, [number])

    @rule()
    def restart(self):
        above = {n for n in self.done if n > self.leases.floor}
        self.leases = Leases(self.leases.floor, above)
        self.having = {}

    @invariant()
    def each_is_done_once(self):
        if hasattr(self, "done"):
            assert len(self.done) == len(set(self.done))
            assert {*range(1, self.leases.floor + 1)} <= set(self.done)

    def teardown(self):
        """Whoever is left comes to the end of all that was published."""
        if not hasattr(self, "done"):
            return
        self.now += 10 * LEASE_S
        while taken := self.leases.take("z", self.newest, 3, self.now, LEASE_S):
            self.leases.commit(taken)
            self.done += taken
            self.leases.finish(taken)
        assert sorted(self.done) == [*range(1, self.newest + 1)]
        assert self.leases.floor == self.newest


class TestSharing(Sharing.TestCase):
    """Any order of all that may happen."""
