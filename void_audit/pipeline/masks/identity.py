"""The identity of a mask. Defined in ``canon.mask``, because whoever checks needs the same bytes."""

from void_audit.canon.mask import frame_hash, mask_identity, mask_root

__all__ = ["frame_hash", "mask_identity", "mask_root"]
