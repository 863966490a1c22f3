"""From object and consequences to the quadmask."""
