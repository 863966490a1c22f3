"""Rule packs, the evaluator, its explanations and its replay. Facts in, a decision out; in doubt a denial."""
