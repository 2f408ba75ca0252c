"""`reins store`: verbs on a data folder as a whole."""

from reins.cli.main import LazyGroup, Verb

store = LazyGroup(
    name="store",
    summary="A data folder as a whole: check it.",
    verbs={"verify": Verb("reins.cli.verify_store", "check everything that must hold in it")},
)
