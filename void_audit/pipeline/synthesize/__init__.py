"""The picture without the object."""
