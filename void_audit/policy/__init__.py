"""Rule packs, typed facts, evaluation, explanations."""
