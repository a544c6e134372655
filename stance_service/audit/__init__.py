"""Proof of what was announced: checkpoints over the chains of changes, their verification, and explanations."""
