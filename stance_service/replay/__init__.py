"""Go through recorded history again, with the functions that run live, and compare with what was recorded then.

A replay only reads production's topics, without a consumer group. What it finds out is a report, or topics of its own.
"""
