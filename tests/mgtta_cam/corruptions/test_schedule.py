"""Schedules and corruption names as people type them."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mgtta_cam.corruptions import STANDARD, VALIDATION, Schedule, parse_corruption
from mgtta_cam.corruptions.schedule import Entry

corruptions = st.tuples(st.sampled_from(STANDARD + VALIDATION), st.integers(1, 5))
schedules = st.lists(st.integers(0, 10**9), unique=True, min_size=1, max_size=12).flatmap(
    lambda starts: st.tuples(*(st.tuples(st.just(s), st.none() | corruptions) for s in sorted(starts)))
)


@given(schedules)
def test_text_and_schedule_are_inverse(entries: tuple[tuple[int, tuple[str, int] | None], ...]) -> None:
    """What `str` writes, `parse` reads back."""
    schedule = Schedule(tuple(Entry(*entry) for entry in entries))
    assert Schedule.parse(str(schedule)) == schedule


@given(schedules, st.integers(0, 10**9))
def test_the_last_entry_that_began_holds(entries: tuple[tuple[int, tuple[str, int] | None], ...], index: int) -> None:
    """`at` is the last entry at or before the frame, found by looking at all of them; before the first it is clean."""
    schedule = Schedule(tuple(Entry(*entry) for entry in entries))
    begun = [corruption for start, corruption in entries if start <= index]
    assert schedule.at(index) == (begun[-1] if begun else None)


@given(st.text(max_size=40))
def test_any_text_is_read_or_rejected(text: str) -> None:
    """A wrong text raises only ValueError, and a parsed schedule has entries."""
    with contextlib.suppress(ValueError):
        assert Schedule.parse(text).entries


def test_the_readmes_example() -> None:
    """Clean, then fog at full strength, then noise."""
    schedule = Schedule.parse("0:clean 300:fog:5 600:gaussian_noise:4")
    found = [schedule.at(index) for index in (0, 299, 300, 599, 600, 10**6)]
    assert found == [None, None, ("fog", 5), ("fog", 5), ("gaussian_noise", 4), ("gaussian_noise", 4)]


def test_lines_commas_and_remarks() -> None:
    """Lines, commas and comments parse alike."""
    assert Schedule.parse("# a day\n0:clean\n\n5:fog:2, 7:snow  # severity 5\n") == Schedule.parse(
        "0:clean 5:fog:2 7:snow:5"
    )


def test_a_file_is_read(tmp_path: Path) -> None:
    """A file name stands for the file's contents; errors name the file."""
    file = tmp_path / "weather.txt"
    file.write_text("3:fog:1\n")
    assert Schedule.load(str(file)).at(3) == ("fog", 1)
    assert Schedule.load("3:fog:1").at(3) == ("fog", 1)
    file.write_text("3:fgo:1\n")
    with pytest.raises(ValueError, match=r"weather\.txt.*'fgo'.*'fog'"):
        Schedule.load(str(file))
    file.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ValueError, match=r"weather\.txt.*UTF-8"):
        Schedule.load(str(file))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "empty"),
        ("# nothing\n", "empty"),
        ("fog:5", "FRAME:NAME:SEVERITY.*'fog:5'"),
        ("0:", "'0:'"),
        ("-3:fog:5", "'-3:fog:5'"),
        ("0:frog:5", "'0:frog:5'.*unknown corruption 'frog'; did you mean 'f"),
        ("0:fog:6", "severity.*1 .*5.*got 6"),
        ("0:fog:x", "severity from 1 to 5, got 'fog:x'"),
        ("0:clean:3", "'0:clean:3'.*unknown corruption 'clean'"),
        ("5:fog 5:snow", "ascend.*5 after 5"),
        ("9:fog 5:snow", "ascend.*5 after 9"),
    ],
)
def test_wrong_schedules_are_rejected(text: str, message: str) -> None:
    """The message names the entry and what it should have been."""
    with pytest.raises(ValueError, match=message):
        Schedule.parse(text)


def test_neither_file_nor_schedule() -> None:
    """A misspelled path is not taken for a schedule."""
    with pytest.raises(ValueError, match=r"'weathr\.txt' is neither a file nor a schedule"):
        Schedule.load("weathr.txt")


def test_entries_made_by_hand_are_checked() -> None:
    """A negative first frame is rejected by the type itself."""
    with pytest.raises(ValueError, match="frame 0 or later, got -1"):
        Schedule((Entry(-1, None),))


def test_one_corruption_for_the_whole_stream() -> None:
    """`always` holds from frame 0; a schedule without entries is clean."""
    assert Schedule.always("fog", 4).at(0) == ("fog", 4)
    assert Schedule().at(0) is None
    with pytest.raises(ValueError, match="severity"):
        Schedule.always("fog", 9)


@pytest.mark.parametrize(("text", "expected"), [("fog", ("fog", 5)), ("fog:1", ("fog", 1)), (" snow:3 ", ("snow", 3))])
def test_name_and_severity(text: str, expected: tuple[str, int]) -> None:
    """The severity of `--corrupt` defaults to 5."""
    assert parse_corruption(text) == expected


@pytest.mark.parametrize("text", ["fog:", "fog:0", "fog:6", "fog:-1", "fog:2.0", "fog:3:4", "frog", "", ":3"])
def test_wrong_names_and_severities(text: str) -> None:
    """Anything else is rejected."""
    with pytest.raises(ValueError, match=r"corruption|severity"):
        parse_corruption(text)
