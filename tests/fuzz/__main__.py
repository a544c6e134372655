"""`python -m tests.fuzz TARGET SECONDS`: look for input that a parser of ingest fails at, led by what it reaches.

Inputs that reached something new are kept in build/fuzz/TARGET, and the next run begins with them. One that fails is
written to build/fuzz, with the traceback on standard error.
"""

import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["ingest_service", "warcio", "zipfile", "gzip"]):
    from tests.fuzz.targets import TARGETS, read

FOLDER = Path("build/fuzz")


def main() -> None:
    """Ends with a status other than 0 if something was found."""
    name, seconds = sys.argv[1:]
    corpus = FOLDER / name
    corpus.mkdir(parents=True, exist_ok=True)
    for number, example in enumerate(TARGETS[name].examples):
        (corpus / f"example-{number}").write_bytes(example)
    options = (f"-max_total_time={seconds}", "-timeout=30", "-rss_limit_mb=2048", f"-artifact_prefix={FOLDER}/{name}-")
    atheris.Setup([sys.argv[0], str(corpus), *options], lambda content: read(name, content))
    atheris.Fuzz()


if __name__ == "__main__":
    main()
