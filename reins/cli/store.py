"""`reins store`: verbs on a data folder as a whole."""

from reins.cli.main import LazyGroup, Verb

store = LazyGroup(
    name="store",
    summary="A data folder as a whole: check it, repair it.",
    verbs={
        "verify": Verb("reins.cli.verify_store", "check everything that must hold in it"),
        "repair": Verb("reins.cli.repair_store", "mend what a start refuses to mend"),
    },
)
