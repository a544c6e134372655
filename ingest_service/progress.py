"""A progress bar on a terminal."""

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from ingest_service.pipeline import Report

Open = Callable[[Path], IO[bytes]]


@contextmanager
def progress_bar(console: Console, total_bytes: int, report: Report) -> Iterator[Open | None]:
    """Shown while files are read by what is given, with the documents of the report; None if there is no terminal."""
    if not console.is_terminal or not total_bytes:
        yield None
        return
    columns = (
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[documents]:,} documents, {task.fields[rate]:,.0f}/s"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("", total=total_bytes, documents=0, rate=0.0)

        def advance(count: int) -> None:
            elapsed = progress.tasks[task].elapsed or 1.0
            progress.update(task, advance=count, documents=report.read, rate=report.read / elapsed)

        yield lambda path: io.BufferedReader(_Counted(path, advance), 256 * 1024)


class _Counted(io.FileIO):
    """A file that tells how many bytes are read."""

    def __init__(self, path: Path, advance: Callable[[int], None]) -> None:
        super().__init__(path)
        self._advance = advance

    def readinto(self, buffer: memoryview) -> int | None:  # type: ignore[override]
        """See `io.RawIOBase`."""
        count = super().readinto(buffer)
        self._advance(count or 0)
        return count
