"""Lessons whose goals are checked on what the learner has really made."""
