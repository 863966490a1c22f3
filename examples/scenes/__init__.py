"""Scenes of the example footage: a living room, a rolling ball, and what the ball causes."""
