"""The chunks of all documents that are to be taught, with their requests."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePath

from gradus.config.schema import Extract
from gradus.extract.teaching.chunks import Chunk, Count, chunks_of
from gradus.extract.teaching.prompt import request_of
from gradus.records import Document
from gradus.teacher import Request


@dataclass(frozen=True)
class Lesson:
    """One chunk of one document and what the teacher is asked about it."""

    document: Document
    chunk: Chunk
    request: Request

    @property
    def context(self) -> str:
        """Title and headings above the chunk, which an answer may name."""
        return "\n".join((title_of(self.document), *self.chunk.headings))


def title_of(document: Document) -> str:
    """A document's title: of a documented object with its signature, of a file without its ending."""
    return document.title + document.signature if document.format == "api" else PurePath(document.title).stem.replace("_", " ")


def lessons_of(documents: list[Document], config: Extract, count: Count) -> list[Lesson]:
    """One lesson for each chunk of the documents whose format is to be taught, in order."""
    teach = config.teach
    return [
        Lesson(document, chunk, request_of(chunk, title_of(document), teach, config.teacher))
        for document in documents
        if document.format in teach.formats
        for chunk in chunks_of(document.text, document.format, teach.chunk_tokens, teach.overlap_tokens, count)
    ]
