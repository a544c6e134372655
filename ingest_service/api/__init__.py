"""Articles taken over HTTP: `POST /articles`."""
