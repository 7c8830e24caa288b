"""How the chat model was made: drawing conversations from the corpus, training, rating."""
