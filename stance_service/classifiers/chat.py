"""Any OpenAI-compatible chat model: articles in, statements out, each held against the text before it counts."""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from shared.ids import digest
from shared.observability import CHAT_DROPPED
from stance_service.actors.registry import Registry
from stance_service.classifiers import prompt
from stance_service.classifiers.base import AnswerError, ArticleText, Judgement
from stance_service.classifiers.endpoint import ChatEndpoint, TruncatedError
from stance_service.classifiers.reader import on_threads
from stance_service.classifiers.spans import parts
from stance_service.classifiers.verify import Verifier, read_answer
from stance_service.propositions import Propositions

SHORTEST_PART: Final = 1000
"""Characters; where not even this little can be asked about, the article is beyond the model."""

Excerpts: TypeAlias = Sequence[tuple[int, int]]
Answer: TypeAlias = tuple[Mapping[str, Any], Excerpts]

log = logging.getLogger(__name__)


class Reach(BaseModel):
    """How much text is asked about: in one call, repeated from the call before, calls an article, calls at once."""

    model_config = ConfigDict(frozen=True)

    part_characters: int = Field(10_000, ge=SHORTEST_PART)
    overlap_characters: int = Field(1000, ge=0)
    max_parts: int = Field(40, ge=1)
    parallel: int = Field(4, ge=1)


class ChatClassifier:
    """Judges on every axis as worded. Confidences are two steps (`prompt.CERTAINTIES`), not calibrated."""

    def __init__(
        self, endpoint: ChatEndpoint, registry: Registry, propositions: Propositions, reach: Reach | None = None
    ) -> None:
        self.endpoint = endpoint
        self.registry = registry
        self.propositions = propositions
        self.reach = reach or Reach()
        self._schema = prompt.schema(propositions)

    @property
    def version(self) -> str:
        parts = {
            "prompt": prompt.VERSION,
            "model": self.endpoint.settings.model,
            "seed": self.endpoint.settings.seed,
            "max_tokens": self.endpoint.settings.max_tokens,
            "reach": self.reach.model_dump(exclude={"parallel"}),
            "propositions": self.propositions.digest,
        }
        return f"chat-1:{self.endpoint.settings.model}+{digest('chat', parts)[:12]}"

    def classify(self, texts: Iterable[ArticleText]) -> Iterator[list[Judgement]]:
        return on_threads(texts, self.reach.parallel, self._classify_one)

    def _classify_one(self, text: ArticleText, run: Callable[..., Iterable[Any]]) -> list[Judgement]:
        size, overlap = self.reach.part_characters, min(self.reach.overlap_characters, self.reach.part_characters // 2)
        return self.judge(text, [[span] for span in parts(text.body, text.language, size, overlap)], run)

    def judge(
        self, text: ArticleText, asked: Sequence[Excerpts], run: Callable[..., Iterable[Any]] = map
    ) -> list[Judgement]:
        """What holds of the answers about some excerpts of a text; one call for each group of them."""
        if len(asked) > self.reach.max_parts:
            log.warning(
                "an article of %d parts: only the first %d are read (STANCE_CHAT_MAX_PARTS): %s",
                len(asked),
                self.reach.max_parts,
                text.title[:80],
            )
        answers = [a for found in run(lambda e: self._ask(text, e), asked[: self.reach.max_parts]) for a in found]
        verifier = Verifier(text, self.propositions.axes, self.registry)
        judgements = verifier.judgements(answers)
        for reason, count in verifier.dropped.items():
            CHAT_DROPPED.labels(reason).inc(count)
        if verifier.dropped:
            log.info("dropped statements that the article does not bear out: %s", dict(verifier.dropped))
        return judgements

    def _ask(self, text: ArticleText, excerpts: Excerpts) -> list[Answer]:
        try:
            messages = prompt.messages(text, excerpts, self.propositions)
            return [(self.endpoint.ask(messages, self._schema, read_answer), excerpts)]
        except TruncatedError as error:
            halves = _halves(text, excerpts)
            if not halves:
                raise AnswerError(
                    f"the chat model can't handle even {SHORTEST_PART} characters of the article: {error}; raise "
                    "STANCE_CHAT_MAX_TOKENS, or give the model a longer context"
                ) from error
        return [answer for half in halves for answer in self._ask(text, half)]


def _halves(text: ArticleText, excerpts: Excerpts) -> list[Excerpts]:
    """The excerpts in two groups, a lone one cut between sentences; nothing for what is too short to cut."""
    if len(excerpts) > 1:
        middle = len(excerpts) // 2
        return [excerpts[:middle], excerpts[middle:]]
    start, end = excerpts[0]
    if end - start <= SHORTEST_PART:
        return []
    cut = parts(text.body[start:end], text.language, (end - start) // 2, 0)
    return [[(start + first, start + last)] for first, last in cut] if len(cut) > 1 else []
