"""Zip containers (DOCX, EPUB) read with limits: what they unpack to, and what their XML may say."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element, ParseError

from gradus.collect.readers.reading import ReadOptions, Unreadable

_ENCRYPTED = 0x1


class Archive:
    """The members of a zip file, in memory only: nothing is unpacked to disk, so no name can lead anywhere.

    Raises:
        Unreadable: `broken` when it is no zip file, `encrypted`, and `refused` when it unpacks to more than allowed.
    """

    def __init__(self, path: Path, options: ReadOptions) -> None:
        try:
            self._zip = zipfile.ZipFile(path)
        except zipfile.BadZipFile as error:
            raise Unreadable("broken", f"no zip container ({error}); open it in its own program and save it anew") from error
        self._limit = min(options.max_inflated, int(options.max_ratio * path.stat().st_size))
        self._inflated = 0
        self._options = options
        members = self._zip.infolist()
        if any(member.flag_bits & _ENCRYPTED for member in members):
            raise Unreadable("encrypted", "its members are encrypted; save it without a password")
        self._check(sum(member.file_size for member in members))

    @property
    def names(self) -> list[str]:
        """All member names, in the order of the file."""
        return self._zip.namelist()

    def read(self, name: str) -> bytes:
        """Bytes of a member. Raises Unreadable when it is not there, broken, or too much with what was read before."""
        parts = []
        try:
            with self._zip.open(name) as member:
                while part := member.read(1 << 20):
                    self._inflated += len(part)
                    self._check(self._inflated)
                    parts.append(part)
        except (KeyError, zipfile.BadZipFile, NotImplementedError, EOFError, zipfile.zlib.error) as error:  # type: ignore[attr-defined]
            raise Unreadable("broken", f"its part {name[:80]!r} cannot be read ({error}); open it in its own program and save it anew") from error
        return b"".join(parts)

    def xml(self, name: str) -> Element:
        """Root of an XML member. Raises Unreadable as `xml_of`."""
        return xml_of(self.read(name), name)

    def close(self) -> None:
        """Close the file."""
        self._zip.close()

    def __enter__(self) -> Archive:
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()

    def _check(self, inflated: int) -> None:
        if inflated > self._limit:
            limits = f"collect.max_inflated_mb {self._options.max_inflated / 1e6:g}, collect.max_inflation_ratio {self._options.max_ratio:g}"
            raise Unreadable("refused", f"it unpacks to at least {inflated / 1e6:.1f} MB, more than allowed ({limits}): a zip bomb, or raise these")


def xml_of(data: bytes, name: str) -> Element:
    """Parsed XML without document type, entities or anything fetched.

    Raises:
        Unreadable: `refused` when it declares entities or a document type of its own, `broken` when it is not well formed.
    """
    from defusedxml.common import DefusedXmlException
    from defusedxml.ElementTree import fromstring

    try:
        root: Element = fromstring(data, forbid_dtd=True)
    except DefusedXmlException as error:
        raise Unreadable(
            "refused", f"its part {name[:80]!r} declares XML entities ({type(error).__name__}), which documents have no need of"
        ) from error
    except (ParseError, ValueError, LookupError) as error:
        raise Unreadable("broken", f"its part {name[:80]!r} is not well-formed XML ({error}); open it in its own program and save it anew") from error
    return root
