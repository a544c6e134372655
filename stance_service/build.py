"""Construct classifiers and registries from settings."""

from pydantic import SecretStr

from shared.settings import secret
from stance_service.actors.registry import Registry
from stance_service.axes import built_in_propositions, propositions
from stance_service.classifiers.base import Classifier, ModelError
from stance_service.classifiers.cascade import CascadeClassifier
from stance_service.classifiers.chat import ChatClassifier, Reach
from stance_service.classifiers.directory import DirectoryClassifier
from stance_service.classifiers.embedded import EmbeddedClassifier
from stance_service.classifiers.endpoint import ChatEndpoint, EndpointSettings
from stance_service.classifiers.nli import NliModel
from stance_service.classifiers.reader import Reader
from stance_service.propositions import PropositionError
from stance_service.settings import ClassifierSettings


def registry(settings: ClassifierSettings) -> Registry:
    """The shipped actors, and over them those of the user's file."""
    return Registry.shipped(settings.registry)


def classifier(settings: ClassifierSettings) -> Classifier:
    """The configured backend, its model loaded and verified; raises ModelError, RegistryError or PropositionError.

    Nothing of a chat endpoint is tried before the first article.
    """
    match settings.classifier:
        case "embedded":
            return _embedded(settings)
        case "directory":
            return _directory(settings)
        case "chat":
            return _chat(settings)
        case "cascade":
            return CascadeClassifier(_embedded(settings), _chat(settings), settings.cascade_passages)


def _embedded(settings: ClassifierSettings) -> EmbeddedClassifier:
    other = propositions(settings).beyond(built_in_propositions())
    if other:
        raise PropositionError(
            f"STANCE_CLASSIFIER={settings.classifier}: the embedded model is trained on the axes "
            f"{', '.join(built_in_propositions().axes)} as they are worded, and can't judge {', '.join(other)}; set "
            "STANCE_CLASSIFIER to directory or chat, or unset STANCE_PROPOSITIONS"
        )
    return EmbeddedClassifier(registry(settings), settings.model_dir, settings.model_threads)


def _directory(settings: ClassifierSettings) -> DirectoryClassifier:
    if not settings.nli_model:
        raise ModelError("STANCE_NLI_MODEL is not set; STANCE_CLASSIFIER=directory needs the folder or hub name of one")
    axes, built_in = propositions(settings), built_in_propositions()
    return DirectoryClassifier(
        Reader(registry(settings), settings.model_dir),
        NliModel(settings.nli_model, settings.nli_revision),
        axes,
        trained=set(built_in.axes) - set(axes.beyond(built_in)),
        threshold=settings.nli_threshold,
        threads=settings.model_threads,
    )


def _chat(settings: ClassifierSettings) -> ChatClassifier:
    for name in ("chat_base_url", "chat_model"):
        if not getattr(settings, name):
            raise ModelError(f"STANCE_{name.upper()} is not set; STANCE_CLASSIFIER={settings.classifier} needs it")
    endpoint = EndpointSettings(
        base_url=settings.chat_base_url,
        model=settings.chat_model,
        api_key=SecretStr(secret("STANCE_CHAT_API_KEY", settings.chat_api_key, settings.chat_api_key_file)),
        timeout_seconds=settings.chat_timeout_seconds,
        retries=settings.chat_retries,
        backoff_seconds=settings.chat_backoff_seconds,
        max_tokens=settings.chat_max_tokens,
        seed=settings.chat_seed,
        price_in=settings.chat_price_in,
        price_out=settings.chat_price_out,
    )
    reach = Reach(
        part_characters=settings.chat_part_characters,
        overlap_characters=settings.chat_overlap_characters,
        max_parts=settings.chat_max_parts,
        parallel=settings.chat_parallel,
    )
    return ChatClassifier(ChatEndpoint(endpoint), registry(settings), propositions(settings), reach)
