"""Keys that JWTs are signed with, as the server is given them."""

from typing import Any

from cryptography.hazmat.primitives import serialization


def pem(key: Any) -> str:
    """The public half of a key, as a file of keys has it."""
    public = serialization.PublicFormat.SubjectPublicKeyInfo
    made: bytes = key.public_key().public_bytes(serialization.Encoding.PEM, public)
    return made.decode()
