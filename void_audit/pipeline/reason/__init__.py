"""What the object caused."""
