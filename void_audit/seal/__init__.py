"""C2PA manifests and signing certificates."""
