"""What a test run says of failures in CI: at once and shortly at its end, and a skipped test is one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest


class FailuresAtOnce:
    """Tells of a failed test when it has failed, and shortly of all at the end: of a long log only that may be kept."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.failed: list[pytest.TestReport] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Print its name, and the end of what it said."""
        if report.failed and (terminal := self.config.pluginmanager.get_plugin("terminalreporter")):
            self.failed.append(report)
            terminal.ensure_newline()
            terminal.write_line(f"FAILED {report.nodeid} ({report.when})")
            terminal.write_line(plain(report.longreprtext)[-2000:])

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> Iterator[None]:
        """Print the end of what each said once more, and not at length what was told already."""
        self.config.option.tbstyle = "no"
        yield
        for report in self.failed:
            words = " ".join(line.strip() for line in plain(report.longreprtext).splitlines() if line.strip())
            terminalreporter.write_line(f"* {report.nodeid} ({report.when}): …{words[-500:]}")


def plain(text: str) -> str:
    """Return what a test said without the colours of a terminal."""
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


class NothingSkipped:
    """In CI a skipped test is a failed one: it says what the machine lacks."""

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self) -> Any:
        """Turn a test's skip into a failure."""
        report = yield
        return self._failed(report)

    @pytest.hookimpl(wrapper=True)
    def pytest_make_collect_report(self) -> Any:
        """Turn a whole file's skip into an error."""
        report = yield
        return self._failed(report)

    @staticmethod
    def _failed(report: Any) -> Any:
        if report.skipped and not hasattr(report, "wasxfail"):
            reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
            report.outcome = "failed"
            report.longrepr = f"In CI nothing may be skipped, but this was. {reason}"
        return report
