"""What every value has in common: immutable, strict, no unknown fields."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
"""A SHA-256 digest in lower-case hexadecimal."""

Text = Annotated[str, Field(max_length=4000)]
"""Human text with a bound, so that no record can grow without limit."""

Name = Annotated[str, Field(min_length=1, max_length=200)]
"""A short identifier."""

Share = Annotated[float, Field(ge=0.0, le=1.0)]
"""A part of a whole, 0 to 1."""


Scalar = str | int | float | bool
"""A setting of an engine, as it is recorded."""


class Value(BaseModel):
    """Immutable value; unknown fields and silent type conversions are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class BlobRef(Value):
    """A reference to content kept outside the log.

    ``sha256`` is the digest of the stored bytes, ``size`` their number. Where ``salted`` is true these are a
    32-byte random salt followed by the content, so that the digest is a commitment which cannot be
    guessed from the content, and deleting the blob erases it.
    """

    sha256: Sha256
    size: Annotated[int, Field(ge=0)]
    media_type: Name
    salted: bool = False
