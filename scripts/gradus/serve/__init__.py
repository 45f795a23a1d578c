"""Room beside the twelve: the registry's current model behind an OpenAI-compatible server, or in the terminal."""
