"""Room beside the twelve: is this machine fit for Gradus, and what to mend when it is not."""
