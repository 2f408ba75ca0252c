"""The ends of a process that cannot work: which errors they are, and the line that says so."""

import sys

import structlog

from agent_core.agent.registry import AgentTypeError
from reins import redaction, terminal
from reins.llm import ModelConfigError
from reins.plan_modules import PlanModuleError
from reins.settings import SettingsError
from reins.sources.hooks import HookConfigError
from reins.tools.mcp.config import McpConfigError
from reins.tools.registry import ToolModuleError
from reins.webhooks.config import WebhookConfigError
from store.errors import StoreError, in_a_line

_logger = structlog.get_logger(__name__)

UNUSABLE = (
    SettingsError, ModelConfigError, AgentTypeError, ToolModuleError, McpConfigError, StoreError,
    WebhookConfigError, HookConfigError, PlanModuleError, OSError, MemoryError, RuntimeError,
)  # fmt: skip
"""What keeps a process from working: ours by name, and what the system and LanceDB raise where
files, memory or threads are not to be had."""
EXIT_UNUSABLE = 2


def is_panic(error: BaseException) -> bool:
    """True for what a library in Rust raises where it gets no file, thread or memory."""
    return type(error).__name__ == "PanicException"  # of PyO3; it is in no module


def unusable(error: BaseException) -> int:
    """Say in a line why the process cannot work; returns its exit code."""
    sys.stderr.write(f"reins: {terminal.shown(redaction.text(in_a_line(error)))}\n")
    _logger.debug("cannot work", exc_info=error)
    return EXIT_UNUSABLE
