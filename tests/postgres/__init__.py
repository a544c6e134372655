"""A real PostgreSQL for tests, and the choice of one."""
