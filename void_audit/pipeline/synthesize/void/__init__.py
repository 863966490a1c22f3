"""Netflix's VOID as a diffusers pipeline. Needs the extra ``void-audit[void]``: torch and diffusers live only here."""

from void_audit.pipeline.synthesize.void.quiet import hush

hush()
