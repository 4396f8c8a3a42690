"""Progress that may be told to keep silent."""

from __future__ import annotations

from kitlib.progress import Progress


class Silent(Progress):
    """Progress that shows nothing."""

    def __enter__(self) -> Silent:
        return self

    def __exit__(self, *exception: object) -> None:
        return None

    def _show(self) -> None:
        return None


def shown(step: str, progress: bool) -> Progress:
    """Return progress to be used in a `with` statement, shown or silent."""
    return Progress(step) if progress else Silent(step)
