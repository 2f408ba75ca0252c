"""`reins webhooks list | test NAME`: who is called, what became of it, and a trial."""

import asyncio

import click

from reins import terminal
from reins.cli.folder import FolderCommand, data_option
from reins.cli.outcome import CommandError, Ending
from reins.settings import SettingsError, current_settings, load_settings
from reins.webhooks import config
from reins.webhooks.calling import try_webhook
from store.webhook_calls import list_webhook_calls

EXIT_NOT_TAKEN = 1
EXIT_UNUSABLE = 2


@click.group(help="Webhooks, over which people are called.")
def webhooks() -> None:
    pass


@webhooks.command("list", cls=FolderCommand, help="list the webhooks and the newest calls")
@data_option
@click.option("--calls", type=click.IntRange(0, 1_000), default=20, metavar="N")
def _list(*, calls: int) -> None:
    found = config.read(current_settings().webhooks)
    if not found:
        print(f"no webhooks; write {config.FILE}, see docs/how-to.md")
    for name, each in found.items():
        signed = "signed" if each.secret else "not signed"
        print(f"{name}: {each.where} ({signed}) for {', '.join(each.kinds)}")
    for row in list_webhook_calls(calls):
        said = f", {row['error']}" if row["error"] else ""
        print(
            f"{row['called_at']:%Y-%m-%d %H:%M:%S}  {row['webhook']}  {row['state']} after "
            f"{row['attempts']} attempts{said}  {terminal.cut(row['text'], 100)}"
        )


@webhooks.command("test", cls=Ending, help="send a trial over a webhook, once")
@click.argument("name")
def _test(*, name: str) -> int:
    try:
        found = config.read(load_settings().webhooks)
    except (SettingsError, config.WebhookConfigError) as error:
        raise CommandError(error, EXIT_UNUSABLE) from error
    if name not in found:
        there = ", ".join(found) or f"none; write {config.FILE}"
        raise CommandError(f"there is no webhook {name!r}; there is {there}", EXIT_UNUSABLE)
    sent = asyncio.run(try_webhook(found[name]))
    took = f"  ({sent.latency_ms:.0f} ms)"
    print(f"{name}: {sent.error or f'it was taken ({sent.status})'}{took}")
    return EXIT_NOT_TAKEN if sent.error else 0
