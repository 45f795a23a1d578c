"""Scenarios: a prompt template with many variables, drawn evenly, answered by the teacher, kept once."""
