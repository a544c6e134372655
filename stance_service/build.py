"""Construct classifiers and registries from settings."""

from stance_service.actors.registry import Registry
from stance_service.classifiers.base import Classifier
from stance_service.classifiers.embedded import EmbeddedClassifier
from stance_service.settings import ClassifierSettings


def registry(settings: ClassifierSettings) -> Registry:
    """The shipped actors, and over them those of the user's file."""
    return Registry.shipped(*([settings.registry] if settings.registry else []))


def classifier(settings: ClassifierSettings) -> Classifier:
    """The configured backend, its model loaded and verified; raises ModelError or RegistryError."""
    return EmbeddedClassifier(registry(settings), settings.model_dir, settings.model_threads)
