"""Grading a shot: the request, its plan, what is there already, and the frames."""
