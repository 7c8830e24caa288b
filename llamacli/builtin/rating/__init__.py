"""How the complexity classifier was made: drawing prompts from the corpus, training, rating."""
