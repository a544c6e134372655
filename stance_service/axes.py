"""The configured axes. Apart from `build`: who needs no more than them doesn't wait for the models' libraries."""

from importlib import resources

from stance_service.propositions import PropositionError, Propositions, parse
from stance_service.settings import ClassifierSettings


def built_in_propositions() -> Propositions:
    """The axes that the embedded model was trained on."""
    file = resources.files("stance_service").joinpath("propositions.yaml")
    return parse(file.read_text(encoding="utf-8"), "propositions.yaml")


def propositions(settings: ClassifierSettings) -> Propositions:
    """The built-in axes, and over them those of the user's file; raises PropositionError."""
    built_in, path = built_in_propositions(), settings.propositions
    if path is None:
        return built_in
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise PropositionError(f"STANCE_PROPOSITIONS: {path}: {error}") from error
    return parse(text, str(path)).over(built_in)


def require_configured(axis: str | None) -> None:
    """Raises PropositionError for an axis that a command is asked about and that there is not."""
    configured = propositions(ClassifierSettings()).axes
    if axis is not None and axis not in configured:
        raise PropositionError(f"--axis {axis} is none of {', '.join(configured)}; see STANCE_PROPOSITIONS")
