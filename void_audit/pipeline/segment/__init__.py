"""From clicks to the object on every frame."""
