"""The whole pipeline on the seed articles: separate processes, as in production."""
