"""Rooms: a class on one link, with its teacher and its learners."""
