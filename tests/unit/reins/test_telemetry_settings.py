"""Variables of OpenTelemetry's lose the line end that a file from Windows leaves."""

import os

import pytest

from reins import telemetry


def test_a_line_end_is_no_part_of_a_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is taken off before anybody reads them."""
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true\r")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9\r")
    assert telemetry.start(version="0", instance="x") is None
    assert os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"] == "http://127.0.0.1:9"
