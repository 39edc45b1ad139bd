"""Shows a component the buckets of its artifacts where the engine put their files, instead of at /s3 and the like."""

import os
import sys
from typing import Any

TYPES_MODULES = ("kfp.dsl.types.artifact_types", "kfp.components.types.artifact_types")
"""Where the SDK keeps its artifact classes: today, and at first."""
PREFIXES = {"gs://": "/gcs/", "s3://": "/s3/", "minio://": "/minio/", "az://": "/az/"}
WEB = {"http://": "/http/", "https://": "/https/"}


def show_mounts(mounts: str) -> None:
    """Have `.path` of artifacts in buckets lead below `mounts`, and URIs made of such paths lead back; `.uri` stays."""
    module = next((sys.modules[name] for name in TYPES_MODULES if name in sys.modules), None)
    if module is not None and os.path.isdir(mounts):
        _show(module, mounts)


def _show(module: Any, mounts: str) -> None:
    artifact, given = module.Artifact, module.Artifact._get_path  # noqa: SLF001 - what every release's `path` asks

    def get_path(self: Any) -> Any:
        return None if self.uri is None else _path(self, mounts) or given(self)

    def to_remote(path: str) -> str:
        for scheme, mount in PREFIXES.items():
            if path.startswith(mounts + mount):
                return scheme + path[len(mounts + mount) :]
        return path

    artifact._get_path = get_path  # noqa: SLF001 - as above
    module.convert_local_path_to_remote_path = to_remote


def _path(artifact: Any, mounts: str) -> str:
    """Where the artifact's bytes are if it is one of a bucket's, else ""."""
    if getattr(artifact, "custom_path", ""):
        return ""
    for scheme, mount in (PREFIXES | WEB).items():
        if artifact.uri.startswith(scheme):
            return f"{mounts}{mount}{artifact.uri[len(scheme) :]}"
    return ""
