"""The two ends of a promotion, in every form that Buddy's documents show.

The tag inside `image` or separate, the integration as a string or as an object, a registry with a port, a destination
that inherits everything except its tag, variables in any field.
"""

from __future__ import annotations

from typing import Any

from .seeded_random import SeededRandom

# Part of every secret in the world, so that one search over everything that a run writes finds a leak.
# Only letters of base64, because it is part of ciphertexts too.
SECRET_MARKER = "PLANTEDxSECRETx"

JsonObject = dict[str, Any]

_HUB: JsonObject = {"docker_registry": "DOCKER_HUB", "integration": "docker_hub_integration"}
_GHCR: JsonObject = {
    "docker_registry": "GITHUB_CONTAINER_REGISTRY",
    "integration": {"hash_id": "5f1c0ffee", "name": "GitHub"},
}
_ECR: JsonObject = {
    "docker_registry": "AMAZON_ECR",
    "region": "eu-central-1",
    "integration": {"identifier": "aws_production"},
}
_GAR: JsonObject = {
    "docker_registry": "GOOGLE_ARTIFACT_REGISTRY",
    "registry": "europe-west3-docker.pkg.dev",
    "integration": "google_service_account",
}
_PRIVATE: JsonObject = {"docker_registry": "OTHER", "registry": "registry.example.internal:5000"}
REGISTRIES = (_HUB, _GHCR, _ECR, _GAR, _PRIVATE)

# From stage to stage: the usual two steps, and the direct way past staging that auditors look for.
STAGES = (("dev", "staging"), ("staging", "production"), ("staging", "production"), ("dev", "production"))
_VERSIONS = ("v1.4.2", "v2.0.0-rc.1", "$BUDDY_RUN_TAG", "${VERSION}", "latest", "2026.11.3")


def promotion(seed: int, path: str, project: str, company: str, dest_version: int) -> JsonObject:
    """Return `same_location`, `src`, `dest` and `insecure_registry` of one promotion."""
    rng = SeededRandom(seed, "promotion", path)
    source_stage, dest_stage = rng.choice(STAGES)
    source = rng.choice(REGISTRIES)
    image = _image(source, company, project)
    same = rng.one_in(2)
    moved = SeededRandom(seed, "dest", path, dest_version)
    src = _end(seed, path, "src", source, image, source_stage if rng.below(4) else rng.choice(_VERSIONS))
    if same:
        dest = _retag(dest_stage, moved, dest_version)
    else:
        target = moved.choice([registry for registry in REGISTRIES if registry is not source])
        tag = dest_stage if moved.below(3) else moved.choice(_VERSIONS)
        dest = _end(seed, path, "dest", target, _image(target, company, project), tag)
    insecure = "registry.example.internal:5000" in (src.get("registry"), dest.get("registry")) and not rng.one_in(3)
    return {"same_location": same, "src": src, "dest": dest, "insecure_registry": insecure}


def stages(seed: int, path: str) -> tuple[str, str]:
    """Return the source and destination stage of a promotion; its name contains both."""
    return SeededRandom(seed, "promotion", path).choice(STAGES)


def _retag(stage: str, moved: SeededRandom, dest_version: int) -> JsonObject:
    # The version is part of the tag, so that a changed destination always differs.
    tag = stage if dest_version == 0 else f"{stage}-{dest_version}"
    return {"tag": tag} if moved.below(3) else {"docker_registry": None, "image": None, "tag": tag}


def _image(registry: JsonObject, company: str, project: str) -> str:
    name = project if project.isascii() and project.replace("-", "").isalnum() else "service"
    if registry is _GHCR:
        return f"ghcr.io/{company}/{name}"
    if registry is _GAR:
        return f"{company}-prod/containers/{name}"
    return f"{company}/{name}"


def _end(seed: int, path: str, side: str, registry: JsonObject, image: str, tag: str) -> JsonObject:
    rng = SeededRandom(seed, "spelling", path, side)
    end: JsonObject = dict(registry)
    if rng.one_in(2):
        end["image"] = f"{image}:{tag}"
    else:
        end["image"], end["tag"] = image, tag
    if registry is _PRIVATE:
        end["username"], end["password"] = "robot$promoter", f"{SECRET_MARKER}{rng.hex(12)}"
    elif registry is _GHCR and rng.one_in(3):
        end["docker_registry"] = "GIT_HUB_CONTAINER_REGISTRY"
    elif registry is _ECR and rng.one_in(3):
        end["registry"] = "123456789012.dkr.ecr.eu-central-1.amazonaws.com"
    return end
