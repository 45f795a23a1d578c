"""What comes from a teacher in any order is looked at in the order of the requests."""

from __future__ import annotations

from collections.abc import Iterator

from gradus.teacher import in_order


def test_what_comes_early_is_held_back_and_the_rest_at_once() -> None:
    taken: list[int] = []

    def coming() -> Iterator[tuple[int, str]]:
        for index in (1, 0, 3, 4, 2):
            taken.append(index)
            yield index, f"reply {index}"

    ordered = in_order(coming())
    assert next(ordered) == (0, "reply 0")
    assert taken == [1, 0]
    assert list(ordered) == [(index, f"reply {index}") for index in (1, 2, 3, 4)]
