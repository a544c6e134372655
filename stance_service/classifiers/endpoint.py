"""One OpenAI-compatible chat endpoint: retries, deadlines, fallbacks for what a server lacks, counters."""

import json
import re
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeVar

import httpx2
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from shared.observability import CHAT_CALLS, CHAT_COST, CHAT_TOKENS
from stance_service.classifiers.base import AnswerError, EndpointError, ModelError

LONGEST_WAIT: Final = 60.0
LARGEST_ANSWER: Final = 4 * 1024 * 1024
WARMER: Final = 0.3
HOTTEST: Final = 0.9
AGAIN: Final = frozenset({408, 409, 425, 429})
HINTS: Final = {
    401: "check STANCE_CHAT_API_KEY",
    403: "check STANCE_CHAT_API_KEY",
    404: "check STANCE_CHAT_BASE_URL (it mostly ends in /v1) and STANCE_CHAT_MODEL",
}
DEFAULT_HINT: Final = "check STANCE_CHAT_BASE_URL and STANCE_CHAT_MODEL"
TOO_LONG: Final = re.compile(r"context (?:length|size|window)|too (?:long|large|many tokens)|n_ctx", re.IGNORECASE)

T = TypeVar("T")
Message = Mapping[str, str]


class EndpointSettings(BaseModel):
    """Where the model is and how it is asked; prices are per million tokens."""

    model_config = ConfigDict(frozen=True)

    base_url: str
    model: str
    api_key: SecretStr = SecretStr("")
    timeout_seconds: float = Field(120.0, gt=0)
    retries: int = Field(4, ge=0)
    backoff_seconds: float = Field(1.0, ge=0)
    max_tokens: int = Field(2000, gt=0)
    seed: int = 0
    price_in: float = Field(0.0, ge=0)
    price_out: float = Field(0.0, ge=0)


class RubbishError(Exception):
    """An answer that can't be read; asking again may help."""


class TruncatedError(Exception):
    """Text or answer are longer than the model takes; a shorter text may help."""


class _AgainError(Exception):
    """No useful answer this time; `after`: how many seconds the server wants to be left alone."""

    def __init__(self, reason: str, after: float = 0.0) -> None:
        super().__init__(reason)
        self.after = after


class ChatEndpoint:
    """Thread-safe. What a server refuses (a response format, the seed) it is not asked for again."""

    def __init__(self, settings: EndpointSettings, sleep: Callable[[float], None] = time.sleep) -> None:
        self.settings = settings
        self.url = settings.base_url.rstrip("/") + "/chat/completions"
        key = settings.api_key.get_secret_value()
        try:
            self._client = httpx2.Client(
                headers={"Authorization": f"Bearer {key}"} if key else {}, timeout=settings.timeout_seconds
            )
            scheme = httpx2.URL(self.url).scheme
        except (httpx2.InvalidURL, ValueError) as error:
            raise ModelError(f"STANCE_CHAT_BASE_URL or STANCE_CHAT_API_KEY: not usable: {error}") from error
        if scheme not in {"http", "https"}:
            raise ModelError(f"STANCE_CHAT_BASE_URL: {settings.base_url!r} must begin with http:// or https://")
        self._sleep = sleep
        self._options: dict[str, Any] | None = None

    def ask(self, messages: Sequence[Message], schema: Mapping[str, Any], read: Callable[[str], T]) -> T:
        """What `read` makes of the answer; it raises RubbishError for what it can't read.

        Raises EndpointError when no attempt helped, ModelError when the request is refused, TruncatedError when text
        or answer are too long, AnswerError when the endpoint won't speak about this text.
        """
        reason, unread = "", 0
        for attempt in range(self.settings.retries + 1):
            try:
                return read(self._answer(messages, schema, unread))
            except RubbishError as error:
                unread += 1
                again = _AgainError(str(error))
            except _AgainError as error:
                again = error
            CHAT_CALLS.labels("retried").inc()
            reason = str(again)
            if attempt < self.settings.retries:
                self._sleep(min(max(again.after, self.settings.backoff_seconds * 2**attempt), LONGEST_WAIT))
        raise EndpointError(f"{self.url}: no useful answer in {self.settings.retries + 1} attempts, the last: {reason}")

    def _answer(self, messages: Sequence[Message], schema: Mapping[str, Any], unread: int) -> str:
        """The text of an answer, after `unread` ones that could not be read."""
        options: dict[str, Any] | None = self._options or self._first_options()
        refusal = ""
        while options is not None:
            asked = {"model": self.settings.model, "messages": messages, **_formatted(_varied(options, unread), schema)}
            status, after, content = self._post(asked)
            if status == 200:
                answer = self._content(content)
                self._options = options
                return answer
            refusal = f"{status} {_explanation(content)}"
            if status == 413 or (status == 400 and TOO_LONG.search(refusal)):
                raise TruncatedError(refusal)
            if status in AGAIN or status >= 500:
                raise _AgainError(refusal, after)
            options = _without_refused(options, content) if status in {400, 422} else None
        CHAT_CALLS.labels("refused").inc()
        hint = HINTS.get(int(refusal[:3]), DEFAULT_HINT)
        raise ModelError(f"{self.url}: refuses the request ({refusal}); {hint}")

    def _first_options(self) -> dict[str, Any]:
        tokens, seed = self.settings.max_tokens, self.settings.seed
        return {"temperature": 0, "seed": seed, "max_tokens": tokens, "response_format": "json_schema"}

    def _post(self, asked: Mapping[str, Any]) -> tuple[int, float, bytes]:
        """Status, seconds to wait, body; the whole exchange within the deadline, however slowly it drips."""
        deadline = time.monotonic() + self.settings.timeout_seconds
        content = b""
        try:
            with self._client.stream("POST", self.url, json=asked) as response:
                for chunk in response.iter_bytes():
                    content += chunk
                    if time.monotonic() > deadline:
                        raise _AgainError(self._too_slow())
                    if len(content) > LARGEST_ANSWER:
                        raise _AgainError(f"an answer of more than {LARGEST_ANSWER} bytes")
                return response.status_code, _retry_after(response.headers.get("retry-after", "")), content
        except httpx2.TimeoutException as error:
            raise _AgainError(self._too_slow()) from error
        except (httpx2.TransportError, httpx2.DecodingError) as error:
            raise _AgainError(f"{type(error).__name__}: {error}") from error

    def _too_slow(self) -> str:
        given = f"no whole answer in {self.settings.timeout_seconds:g} s (STANCE_CHAT_TIMEOUT_SECONDS)"
        return f"{given}; a server with few slots may want fewer calls at once (STANCE_CHAT_PARALLEL)"

    def _content(self, content: bytes) -> str:
        try:
            answer = json.loads(content)
            choice = answer["choices"][0]
            message, finish = choice["message"], choice.get("finish_reason")
            text, refusal = message.get("content"), message.get("refusal")
        except (ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError) as error:
            raise _AgainError(f"not a chat completion: {_excerpt(content)}; {DEFAULT_HINT}") from error
        self._count(answer.get("usage"))
        if finish == "length":
            CHAT_CALLS.labels("truncated").inc()
            raise TruncatedError(f"its answer exceeds STANCE_CHAT_MAX_TOKENS ({self.settings.max_tokens})")
        if finish == "content_filter" or refusal:
            CHAT_CALLS.labels("refused").inc()
            raise AnswerError(f"{self.url}: the model won't answer about this article: {refusal or finish}")
        if not isinstance(text, str):
            raise _AgainError(f"a chat completion without content: {_excerpt(content)}")
        CHAT_CALLS.labels("answered").inc()
        return text

    def _count(self, usage: object) -> None:
        given = usage if isinstance(usage, dict) else {}
        for direction, name, price in (
            ("in", "prompt_tokens", self.settings.price_in),
            ("out", "completion_tokens", self.settings.price_out),
        ):
            tokens = given.get(name)
            if isinstance(tokens, int) and tokens > 0:
                CHAT_TOKENS.labels(direction).inc(tokens)
                CHAT_COST.inc(tokens * price / 1e6)


def _formatted(options: Mapping[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
    """The options with their response format written out."""
    given = dict(options)
    match given.pop("response_format", None):
        case "json_schema":
            named = {"name": "statements", "strict": True, "schema": schema}
            given["response_format"] = {"type": "json_schema", "json_schema": named}
        case "json_object":
            given["response_format"] = {"type": "json_object"}
    return given


def _varied(options: Mapping[str, Any], times: int) -> dict[str, Any]:
    """The options with another draw each time: without chance the same question has the same answer."""
    draw = {"temperature": min(times * WARMER, HOTTEST), "seed": options.get("seed", 0) + times}
    return {**options, **{name: value for name, value in draw.items() if name in options}}


def _without_refused(options: Mapping[str, Any], refusal: bytes) -> dict[str, Any] | None:
    """Options that ask for less, guided by the words of the refusal; None: nothing is left to give up."""
    said, less = refusal.decode(errors="replace"), dict(options)
    if "max_completion_tokens" in said and "max_tokens" in less:
        less["max_completion_tokens"] = less.pop("max_tokens")
        return less
    for name in ("temperature", "seed"):
        if name in said and name in less:
            del less[name]
            return less
    match less.pop("response_format", None):
        case "json_schema":
            return {**less, "response_format": "json_object"}
        case "json_object":
            return less
    return None


def _explanation(content: bytes) -> str:
    try:
        error = json.loads(content)["error"]
        return str(error["message"] if isinstance(error, dict) else error)[:300]
    except (ValueError, KeyError, TypeError, RecursionError):
        return _excerpt(content)


def _excerpt(content: bytes) -> str:
    return repr(content[:200].decode(errors="replace"))


def _retry_after(header: str) -> float:
    try:
        return min(max(float(header), 0.0), LONGEST_WAIT)
    except ValueError:  # a date, or nothing
        return 0.0
