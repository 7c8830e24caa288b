"""The sentences from which the built-in models learn, as plain text files, all written for this project."""
