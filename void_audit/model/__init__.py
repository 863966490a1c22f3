"""Values only: no input or output, no clock. Everything else speaks in these."""
