"""Files built to harm, all in one inbox with a good return: each has its own end, and the good one is loaded.

The makers are in `hostile.py`; `python -m tests.benchmarks.hostile_files` takes the large ones as well.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from llr_pipeline import archive
from llr_pipeline.paths import Home
from tests.pipeline.hostile import FILES, GOOD, NAMES, Outcome, outcome_of, place_all, place_good, sound_bytes, take_in

SECONDS = 20.0
MEGABYTES_AT_MOST = 400
HERE = [file for file in FILES if not file.is_full_only]


@pytest.fixture(scope="module")
def taken(tmp_path_factory) -> tuple[Home, Outcome, dict[str, tuple]]:
    """The home, what the intake did, and each kind with its file names."""
    home = Home(tmp_path_factory.mktemp("hostile")).create()
    placed = {file.name: (file, names) for file, names in place_all(home.inbox, is_full=False)}
    return home, take_in(home, seconds=SECONDS), placed


def test_there_are_enough():
    assert len(FILES) >= 25
    assert len({file.name for file in FILES}) == len(FILES)


@pytest.mark.parametrize("name", [file.name for file in HERE])
def test_each_ends_as_it_should(taken, name):
    home, outcome, placed = taken
    file, names = placed[name]
    assert names
    for one in names:
        became = outcome_of(one, outcome, home.inbox)
        status, _, message = outcome.files.get(one, ("", "", ""))
        assert became in file.outcomes, (one, became, message)
        assert file.words in message
        if status == "refused":
            assert message, one


def test_the_good_return_is_loaded(taken):
    _, outcome, _ = taken
    assert outcome.files[GOOD][0] == "accepted"


def test_the_parent_stays_small_and_no_file_takes_too_long(taken):
    _, outcome, _ = taken
    assert outcome.megabytes < MEGABYTES_AT_MOST
    assert max(outcome.took.values()) < SECONDS + 3  # a worker that died is buried, and a new one started, within it


def test_nothing_was_written_outside_the_home(taken):
    assert not any(Path(folder, "llr_owned").exists() for folder in ("/etc", "/", "/tmp", os.getcwd()))


def test_every_name_is_kept_as_it_was(taken):
    _, outcome, _ = taken
    assert set(NAMES.values()) <= set(outcome.files)


# -- what one file must not do to the others: each with a good return beside it, taken in twice


def taken_twice(home: Home) -> Outcome:
    """A good return beside what is in the inbox: the run goes on, and so does the next."""
    place_good(home.inbox)
    for path in home.inbox.iterdir():
        os.utime(path, (1_500_000_000, 1_500_000_000))  # long finished: nothing to wait for
    outcome = take_in(home, seconds=30, times=2)
    assert outcome.files[GOOD][0] == "accepted"
    return outcome


def test_the_parent_stays_small_whatever_one_file_says(home: Home):
    (file,) = [file for file in FILES if file.name == "long_text_in_many_cells"]
    file.place(home.inbox, False)
    assert take_in(home, seconds=30).megabytes < MEGABYTES_AT_MOST


def test_names_and_modes_that_stop_no_run(home: Home):
    """A name that is not UTF-8, a suffix as long as a name may be, a file and a folder that may not be opened."""
    Path(os.fsdecode(os.fsencode(home.inbox) + b"/b\xff.xlsx")).write_bytes(b"no workbook")
    (home.inbox / ("a." + "x" * 240)).write_bytes(b"no workbook either")
    secret, folder = home.inbox / "secret.xlsx", home.inbox / "locked"
    secret.write_bytes(sound_bytes(1))
    secret.chmod(0)
    folder.mkdir()
    (folder / "beds.xlsx").write_bytes(sound_bytes(1))
    folder.chmod(0o444)
    try:
        outcome = taken_twice(home)
    finally:
        folder.chmod(0o755)
    assert {status for name, (status, *_) in outcome.files.items() if name != GOOD} == {"refused"}
    assert not {"secret.xlsx", "beds.xlsx"} & set(outcome.files)


def test_a_stop_in_the_archive_step_between_chmod_and_replace(home: Home):
    path = home.inbox / "stopped.xlsx"
    path.write_bytes(sound_bytes(2))
    target = archive.archived(home, archive.look_at(path).sha256, path.name)
    target.parent.mkdir(parents=True)
    left = target.with_name(f".{target.name}.tmp")
    left.write_bytes(b"half")
    left.chmod(0o444)
    outcome = taken_twice(home)
    assert outcome.files["stopped.xlsx"][0] == "accepted"
