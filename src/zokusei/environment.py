"""What a result depends on besides its settings: versions, commit, hardware."""

import os
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = (
    "zokusei", "torch", "torchvision", "timm", "accelerate", "numpy", "pillow", "pyarrow",
    "onnxruntime", "openvino", "nncf",
)  # fmt: skip
"""Distributions whose version can change a figure."""


def find_versions(packages: tuple[str, ...] = PACKAGES) -> dict[str, str]:
    """Give the installed version of each package, or `missing`."""
    found = {"python": platform.python_version()}
    for package in packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "missing"
    return found


def find_commit() -> str:
    """Give the commit of the source tree this package runs from, with `+` if it was changed.

    An installed wheel has none; its version says what it is.
    """
    folder = Path(__file__).parent
    try:
        commit = _git(folder, "rev-parse", "--short=10", "HEAD")
        changed = _git(folder, "status", "--porcelain", "--untracked-files=no", "--", ".")
    except (OSError, subprocess.CalledProcessError):
        return ""
    return commit + ("+" if changed else "")


def describe_hardware() -> str:
    """Name the processor and how many of its cores may be used."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        lines = cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines()
        names = (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
        model = next(names, model)
    return f"{model}, {count_cores()} cores"


def count_cores() -> int:
    """Count the cores this process may use, which containers often limit."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def count_threads() -> int:
    """Count the threads that a model computes with: `OMP_NUM_THREADS`, or one a core.

    >>> count_threads() >= 1
    True
    """
    asked = os.environ.get("OMP_NUM_THREADS", "")
    return int(asked) if asked.isdecimal() and int(asked) else count_cores()


def describe_environment() -> dict[str, str | dict[str, str]]:
    """Give all of it, as a run folder and a result row keep it."""
    return {
        "versions": find_versions(),
        "commit": find_commit(),
        "hardware": describe_hardware(),
    }


def _git(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
