"""Whether an answer is supported by the text that it was drawn from."""
