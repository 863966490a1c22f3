"""Keeps off the terminal what torchao has logged when it is imported: nothing that anybody could act on.

diffusers imports torchao by itself wherever it is installed, so this package does it before all else.
"""

from __future__ import annotations

import logging

NOISE = {
    "torchao": "Failed to load ",
    "torch.utils._pytree": " is an Enum subclass and is now natively supported",
    "diffusers.quantizers.torchao.torchao_quantizer": "Unable to import `torchao` Tensor objects",
}
"""Logger, and what is in its message: kernels for other devices, a registration that will not be needed one day,
formats of weights that torchao no longer has. All else that these loggers say is let through.
"""


class Without(logging.Filter):
    """Drops records with ``text`` in their message."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is to be kept."""
        return self.text not in record.getMessage()


def hush() -> None:
    """Have these messages dropped in this process."""
    for name, text in NOISE.items():
        logging.getLogger(name).addFilter(Without(text))
