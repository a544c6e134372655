"""Images for tests that run something in a container."""

import docker
from docker.errors import DockerException


def missing(image: str) -> str | None:
    """Why there can be no container of an image here; None: there can."""
    try:
        client = docker.from_env(timeout=60)
        if not client.images.list(image):
            client.images.pull(image)
    except DockerException as error:
        return f"no container of {image}: {error}"
    return None
