"""How a service is reached: one bounded call, whose key, bytes and time are kept in hand."""
