"""What a replay does: decided once, when it begins, and kept with its topics so that it can be continued."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

from shared.events import Axis, Digest, Slug
from stance_service.belief import Parameters
from stance_service.scanning import Spans

Source = Literal["articles.v1", "stance.observations.v1"]


class Plan(BaseModel):
    """Offsets are those of production; what comes later is not part of the replay."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: Source
    articles: dict[int, tuple[int, int]]
    """Articles to be read again, by partition; empty if observations are replayed."""
    observations: dict[int, tuple[int, int]]
    """Observations to be taken in: what lies before is known, but not announced."""
    actor: Slug | None
    article: Digest | None
    parameters: Parameters
    axes: tuple[Axis, ...]
    classifier: str | None
    """The version that reads articles again."""

    @property
    def folded(self) -> Spans:
        """All observations that are read."""
        return {number: (0, end) for number, (_, end) in self.observations.items()}

    def differences(self, other: "Plan") -> list[str]:
        """The names of what another plan has otherwise; how far the topics go is settled by the first."""
        asked, was = self.model_dump(), other.model_dump()
        starts = {name: {n: first for n, (first, _) in was[name].items()} for name in ("articles", "observations")}
        mine = {name: {n: first for n, (first, _) in asked[name].items()} for name in starts}
        return [name for name in asked if (mine.get(name, asked[name])) != starts.get(name, was[name])]
