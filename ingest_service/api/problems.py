"""What went wrong with a request, as `application/problem+json` (RFC 9457)."""

from collections.abc import Mapping
from http import HTTPStatus

from starlette.responses import JSONResponse

from shared.errors import BadInputError

MEDIA_TYPE = "application/problem+json"


class ProblemError(Exception):
    """A request that is refused; `pointer` leads to the field at fault (RFC 6901)."""

    def __init__(
        self, status: HTTPStatus, detail: str, pointer: str | None = None, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.pointer = pointer
        self.headers = headers

    @property
    def body(self) -> dict[str, object]:
        """Without a type of its own: the status says what kind it is."""
        told: dict[str, object] = {"title": self.status.phrase, "status": self.status.value, "detail": self.detail}
        if self.pointer is not None:
            told["errors"] = [{"pointer": self.pointer, "detail": self.detail}]
        return told

    @property
    def response(self) -> JSONResponse:
        """As an answer."""
        return JSONResponse(self.body, self.status.value, self.headers, MEDIA_TYPE)


def rejected(error: BadInputError) -> ProblemError:
    """An article that can't be taken."""
    pointer = None if error.field is None else f"#/{error.field}"
    return ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, error.reason, pointer)


def come_back(seconds: int, detail: str) -> ProblemError:
    """Nothing is wrong with the request; the same again may be taken later."""
    return ProblemError(HTTPStatus.SERVICE_UNAVAILABLE, detail, headers={"Retry-After": str(seconds)})
