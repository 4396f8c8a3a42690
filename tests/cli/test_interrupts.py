"""Ctrl-C before a command has begun: the end, without a traceback."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
SLOW = """
import signal, sys
class Finder:
    def find_spec(self, name, *_):
        if name == "kitlib.cli.recordings":
            sys.meta_path.remove(self)
            signal.raise_signal(signal.SIGINT)
sys.meta_path.insert(0, Finder())
import kitlib.cli
"""


def test_ctrl_c_while_the_command_still_starts_shows_no_traceback():
    done = subprocess.run([sys.executable, "-c", SLOW], capture_output=True, text=True, check=False, cwd=CHECKOUT)
    assert (done.returncode, done.stderr) == (-signal.SIGINT, "")


def test_ctrl_c_while_the_commands_are_put_together_shows_no_traceback():
    code = "import sys, kitlib.cli; room = sys.modules['kitlib.cli.app']\n"
    code += "def stopped(**_): raise KeyboardInterrupt\nroom.app = stopped; room.main()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=CHECKOUT)
    assert (done.returncode, done.stderr) == (130, "")


def test_once_it_has_started_ctrl_c_is_an_exception_again():
    code = "import signal, kitlib.cli; assert signal.getsignal(signal.SIGINT) is signal.default_int_handler"
    assert not subprocess.run([sys.executable, "-c", code], check=False, cwd=CHECKOUT).returncode
