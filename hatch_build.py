"""What a wheel holds beside the package: the lessons and their recordings, so that it stands alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SHIPPED = ("notebooks", "recordings", "docs", "mkdocs.yml")


class LessonsHook(BuildHookInterface):
    """Puts the lessons into wheels; an editable installation has them where they are."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Name each file that goes into kitlib/_lessons."""
        if version == "standard":
            build_data["force_include"] |= {
                str(path): f"kitlib/_lessons/{path.relative_to(self.root).as_posix()}" for path in self._files()
            }

    def _files(self) -> list[Path]:
        """Return what is shipped, without what JupyterLab and Python leave beside it."""
        found = []
        for top in (Path(self.root) / name for name in SHIPPED):
            for path in sorted(top.rglob("*")) if top.is_dir() else [top]:
                parts = path.relative_to(self.root).parts
                if path.is_file() and not any(part.startswith(".") or part == "__pycache__" for part in parts):
                    found.append(path)
        return found
