"""`stance-service dead-letters`: what became of records that could not be processed."""

from shared.dead_letter_commands import dead_letters as commands_of

dead_letters = commands_of("stance-service")
