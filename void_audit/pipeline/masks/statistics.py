"""Shares of a mask's classes. Defined in ``canon.mask``, because whoever checks counts the same way."""

from void_audit.canon.mask import mask_statistics

__all__ = ["mask_statistics"]
