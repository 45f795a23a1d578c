"""The two kinds of error a person meets: their own mistake (exit 2) and a failure (exit 1)."""


class GradusError(Exception):
    """A failure told in one line: what happened, where, and the cure.

    Args:
        what: what went wrong, without a full stop.
        where: file, line or key, when one is known.
        cure: what the user can do about it, as a sentence without a full stop.
    """

    exit_code = 1

    def __init__(self, what: str, *, where: str = "", cure: str = "") -> None:
        self.what, self.where, self.cure = what, where, cure
        message = f"{where}: {what}" if where else what
        super().__init__(" ".join(_sentence(part) for part in (message, cure) if part))


def _sentence(text: str) -> str:
    return text if text.endswith((".", "?", "!")) else f"{text}."


class UserError(GradusError):
    """A mistake the user can mend: a wrong key, a missing file, an impossible combination."""

    exit_code = 2


def first_line(error: BaseException) -> str:
    """The first line of what an error of another library says, or its kind when it says nothing."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
