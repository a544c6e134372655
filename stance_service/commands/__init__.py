"""One module a command of `stance-service`."""
