"""The one place that knows containers and codecs."""
