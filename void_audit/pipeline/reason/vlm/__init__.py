"""Asking vision-language models: the question, the pictures, the reply's schema, and patience."""
