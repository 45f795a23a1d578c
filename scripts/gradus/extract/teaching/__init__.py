"""Questions and answers that a teacher model writes from the chunks of a document, each checked against its chunk."""
