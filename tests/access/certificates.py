"""Certificates for tests, made by openssl as people make them."""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass(frozen=True, slots=True)
class Certificate:
    """A self-signed certificate and its key, as files."""

    cert: Path
    key: Path

    def become(self, other: "Certificate") -> None:
        """Have the files say what another's say."""
        for mine, theirs in ((self.key, other.key), (self.cert, other.cert)):
            fresh = mine.with_suffix(".new")
            fresh.write_bytes(theirs.read_bytes())
            fresh.replace(mine)


def certificate(folder: Path, file_name: str, host: str = "localhost") -> Certificate:
    """A new certificate for a host."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl is not installed")
    made = Certificate(folder / f"{file_name}.crt", folder / f"{file_name}.key")
    subject = ["-subj", f"/CN={file_name}", "-addext", f"subjectAltName=DNS:{host},IP:127.0.0.1"]
    kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    files = ["-keyout", str(made.key), "-out", str(made.cert)]
    subprocess.run(
        [openssl, "req", "-x509", *kind, *subject, *files], check=True, capture_output=True
    )
    return made
