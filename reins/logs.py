"""Log lines: text on a terminal, JSON elsewhere; never prompts or keys."""

import logging
import sys
from typing import Literal

import structlog
from structlog.tracebacks import ExceptionDictTransformer


def configure(level: str = "info", form: Literal["auto", "text", "json"] = "auto") -> None:
    """Write log lines of at least `level` to standard error."""
    text = form == "text" or (form == "auto" and sys.stderr.isatty())
    least = logging.getLevelName(level.upper())
    processors = [*_shared(), *_rendered(text=text)]
    structlog.configure(
        processors=processors,
        wrapper_class=structlog.make_filtering_bound_logger(least),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    # What the libraries log takes the same shape; only their warnings are of interest.
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=_shared(),
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *_rendered(text=text),
            ],
        )
    )
    logging.basicConfig(level=max(least, logging.WARNING), handlers=[handler], force=True)
    logging.captureWarnings(capture=True)


def _shared() -> list[structlog.typing.Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]


def _rendered(*, text: bool) -> list[structlog.typing.Processor]:
    # Tracebacks without the frames' local variables: those hold prompts and keys.
    if text:
        return [
            structlog.dev.ConsoleRenderer(
                colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
            )
        ]
    bare = ExceptionDictTransformer(show_locals=False)
    return [
        structlog.processors.ExceptionRenderer(bare),
        structlog.processors.JSONRenderer(),
    ]
