"""The voices of the offline model's personas: what each tone says."""

from reins.llm.offline.voices.characters import NOIR, PIRATE, POETIC
from reins.llm.offline.voices.manners import FORMAL, FRIENDLY, GRUMPY, SCEPTICAL, SCHOLARLY
from reins.llm.offline.voices.voice import GENERIC, Voice

__all__ = [
    "FORMAL", "FRIENDLY", "GENERIC", "GRUMPY", "NOIR", "PIRATE", "POETIC", "SCEPTICAL",
    "SCHOLARLY", "VOICES", "Voice",
]  # fmt: skip

# The more particular ones first: a friendly pirate is a pirate.
VOICES = (PIRATE, NOIR, POETIC, SCEPTICAL, GRUMPY, SCHOLARLY, FORMAL, FRIENDLY)
