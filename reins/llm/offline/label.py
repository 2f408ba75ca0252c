"""The label before whatever a demonstration says."""

LABEL = "[offline demo] "
