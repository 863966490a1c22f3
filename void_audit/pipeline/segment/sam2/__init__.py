"""SAM 2.1 (arXiv 2408.00714) by the ``sam2`` package. Needs ``void-audit[sam2]``; torch and sam2 live only here."""
