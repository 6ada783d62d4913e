"""The cells of the Class page: rooms, what a teacher sees and does, what a learner sees."""
