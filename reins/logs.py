"""Log lines: text on a terminal, JSON elsewhere; never prompts or keys."""

import io
import logging
import sys
import threading
import traceback
from types import TracebackType
from typing import Any, Literal, TextIO

import structlog
from structlog.tracebacks import ExceptionDictTransformer

from reins import redaction, terminal


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
    watch_uncaught()


def watch_uncaught() -> None:
    """Let what nobody catches be written without keys, unless somebody else has it written."""
    if sys.excepthook is sys.__excepthook__:
        sys.excepthook = _uncaught
    if threading.excepthook is threading.__excepthook__:
        threading.excepthook = _uncaught_in_thread


def _uncaught(kind: type[BaseException], error: BaseException, where: TracebackType | None) -> None:
    lines = traceback.format_exception(kind, error, where)
    sys.stderr.write(terminal.shown(redaction.text("".join(lines))))


def _uncaught_in_thread(ended: threading.ExceptHookArgs) -> None:
    if ended.exc_value is not None and not issubclass(ended.exc_type, SystemExit):
        name = "a thread" if ended.thread is None else f"thread {ended.thread.name}"
        sys.stderr.write(redaction.text(f"Exception in {name}:\n"))
        _uncaught(ended.exc_type, ended.exc_value, ended.exc_traceback)


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
            _for_terminal,
            structlog.dev.ConsoleRenderer(
                colors=sys.stderr.isatty(), exception_formatter=_traceback
            ),
            _without_keys,
        ]
    bare = ExceptionDictTransformer(show_locals=False)
    return [
        structlog.processors.ExceptionRenderer(bare),
        structlog.processors.JSONRenderer(),
        _without_keys,
    ]


def _for_terminal(
    _logger: object, _method: str, line: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    """Before the renderer, whose colours are for the terminal to obey."""
    return {
        name: terminal.shown(each) if isinstance(each, str) else each for name, each in line.items()
    }


def _traceback(out: TextIO, error: structlog.typing.ExcInfo) -> None:
    lines = io.StringIO()
    structlog.dev.plain_traceback(lines, error)
    out.write(terminal.shown(lines.getvalue()))


def _without_keys(_logger: object, _method: str, line: Any) -> Any:
    """The last step: a line as it is written."""
    return redaction.redactor().value(line)
