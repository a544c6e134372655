"""One module a command of `ingest-service`; its function of the same name is the command, settings and all."""
