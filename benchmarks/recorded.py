"""Pages as news sites served them, with the text in them: the test data of newspaper4k, another extractor.

The pages are their publishers'. They are fetched from PyPI when asked for, in the very version measured here, and kept
in `build/`; none is passed on. The text is what that extractor finds in them and its maintainers take for right: some
lines of furniture are in it, and some captions are not.
"""

import hashlib
import io
import json
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx2

URL = (
    "https://files.pythonhosted.org/packages/b6/20/"
    "733d9dd3adfb6295454e6ba81f6407d96bf66bfda36c75c99b1f99accbf0/newspaper4k-0.9.6.tar.gz"
)
SHA256 = "a3f2f0e017dddb6f1019ee77aaa8980e13e6ecea0b949abc7167aae4770d2d0e"
_DATA = "newspaper4k-0.9.6/tests/data"
_PAGES = {
    "article_with_br": "en", "article_with_divs": "en", "cleveland.com1": "en", "cnn_001": "en", "cnn_002": "en",
    "cnn_article": "en", "cnn_test_nlp": "en", "fox13now_001": "en", "latvian_article": "lv", "spanish_article": "es",
    "time_001": "en", "video_article_02": "en", "wired_001": "en", "yna_co_kr": "en",
}  # fmt: skip
"""Those in languages whose words stand apart."""


@dataclass(frozen=True)
class RecordedPage:
    """`text` is what should be found in it; `title` may be empty."""

    name: str
    language: str
    title: str
    content: bytes
    text: str


def recorded(folder: Path) -> Iterator[RecordedPage]:
    """The pages; their archive is looked for in the folder, and put there."""
    with tarfile.open(fileobj=io.BytesIO(_archive(folder / "newspaper4k.tar.gz"))) as archive:

        def read(path: str) -> bytes:
            file = archive.extractfile(f"{_DATA}/{path}")
            assert file is not None, path
            return file.read()

        described = {name for name in _PAGES if f"{_DATA}/metadata/{name}.json" in archive.getnames()}
        for name, language in _PAGES.items():
            title = json.loads(read(f"metadata/{name}.json")).get("title") if name in described else None
            text = read(f"txt/{name}.txt").decode()
            yield RecordedPage(name, language, title or "", read(f"html/{name}.html"), text)


def _archive(path: Path) -> bytes:
    if not path.exists():
        content = httpx2.get(URL, follow_redirects=True, timeout=120).raise_for_status().content
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != SHA256:
        raise SystemExit(f"{path} is not the archive that is measured; delete it")
    return content
