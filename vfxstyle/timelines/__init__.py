"""OpenTimelineIO: what a timeline asks for, and grading it."""
