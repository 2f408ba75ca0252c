"""`reins store verify`: everything that must hold in a data folder, a line for what does not."""

from typing import Any

import click

from reins.cli.folder import data_option
from reins.cli.outcome import CommandError, Ending, print_json
from reins.settings import SettingsError, current_settings
from reins.verifying import verify as verifying
from store.errors import StoreError

EXIT_BROKEN = 1
EXIT_UNUSABLE = 2


class _Command(Ending):
    def invoke(self, context: click.Context) -> Any:
        try:
            return super().invoke(context)
        except (SettingsError, StoreError, OSError) as error:
            raise CommandError(error, EXIT_UNUSABLE) from error


@click.command("verify", cls=_Command, help="check everything that must hold in a data folder")
@data_option
@click.option("--json", "as_json", is_flag=True, help="a JSON object")
def verify(*, as_json: bool) -> int:
    report = verifying.verify(current_settings().data)
    if as_json:
        print_json(report.as_dict(), indent=2)
    else:
        _print(report)
    return 0 if report.ok else EXIT_BROKEN


def _print(report: verifying.Report) -> None:
    for finding in report.findings:
        where = " ".join(f"{name}={value}" for name, value in finding.about.items())
        print(f"{finding.check}: {finding.message}  ({where})")
    for name, count in report.left_out.items():
        print(f"{name}: {count} more of this kind")
    if report.not_checked:
        print(f"not checked, since a table does not read: {', '.join(report.not_checked)}")
    found = sum(report.left_out.values()) + len(report.findings)
    said = "all holds" if report.ok else f"{found} findings"
    print(
        f"{said}: {report.sessions} sessions, {report.rows} rows, {report.actions} actions, "
        f"up to number {report.upto} in {report.folder}"
    )
