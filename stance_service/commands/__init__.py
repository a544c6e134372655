"""One module a command of `stance-service`; its function of the same name is the command, settings and all."""
