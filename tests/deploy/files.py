"""The files of deploy/, as the tools that use them read them."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

PROJECT = Path(__file__).parents[2]
DEPLOY = PROJECT / "deploy"
KUBERNETES = DEPLOY / "kubernetes"


def read(path: Path) -> Any:
    """The one document of a YAML file."""
    return yaml.safe_load(path.read_text())


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction of a Dockerfile, its continued lines joined."""

    word: str
    text: str


def dockerfile() -> list[Instruction]:
    """The instructions of the image, in order."""
    lines = (DEPLOY / "Dockerfile").read_text().splitlines()
    joined = "\n".join(line for line in lines if not line.startswith("#")).replace("\\\n", " ")
    parts = (line.partition(" ") for line in joined.splitlines() if line)
    return [Instruction(word, re.sub(" +", " ", text)) for word, _, text in parts]


def only(word: str) -> str:
    """The text of the instruction that stands once, such as USER."""
    (instruction,) = (each for each in dockerfile() if each.word == word)
    return instruction.text


def image_environment() -> dict[str, str]:
    """The variables that the image sets."""
    return dict(pair.split("=", 1) for pair in only("ENV").split())


def seconds(span: str) -> float:
    """A span such as "40s" or "2m"."""
    return float(span[:-1]) * {"s": 1, "m": 60, "h": 3600}[span[-1]]
