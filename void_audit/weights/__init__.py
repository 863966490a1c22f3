"""The registry of model files, and the store that keeps them: source, digest, licence; fetch and verify."""
