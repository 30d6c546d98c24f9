"""Twenty kills at random moments of an intake of 100 files: `python -m tests.benchmarks.kill_intake [kills] [seed]`.

Half of them fall by the clock, within a tenth of a second of some file's end; the other half in a step: when a copy is
in the archive and not yet named, when it has its name, or when the file is loaded and not yet removed. After each, the
next intake goes on. In the end no file may be lost, none loaded twice, and the register must be what the inbox was.
"""

from __future__ import annotations

import hashlib
import random
import signal
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

from llr_pipeline.paths import Home
from llr_pipeline.warehouse import opened
from tests.pipeline.hostile import become_ordinary
from tests.pipeline.test_intake import write_beds

FILES = 100
INTAKE = """
import os, signal, sys
from pathlib import Path
from llr_pipeline import archive, intake
from llr_pipeline.paths import Home
from llr_pipeline.tables import load_reference
from llr_pipeline.warehouse import locked, opened
home, step, number = Home(Path(sys.argv[1])), sys.argv[2], int(sys.argv[3])
calls = 0

def killed_at(module, name, *, is_after):
    made = getattr(module, name)
    def call(*args, **kwargs):
        global calls
        calls += 1
        result = made(*args, **kwargs) if is_after or calls < number else None
        if calls == number:
            os.kill(os.getpid(), signal.SIGKILL)
        return result
    setattr(module, name, call)

if step == 'before the name':
    killed_at(archive.os, 'replace', is_after=False)
elif step == 'after the name':
    killed_at(archive.os, 'replace', is_after=True)
elif step == 'in the copy':
    killed_at(archive.shutil, 'copyfile', is_after=True)
elif step == 'before the removal':
    killed_at(archive, 'remove', is_after=False)
print('started', flush=True)
with locked(home, who='test'), opened(home) as connection:
    load_reference(connection, run_id='test')
    intake.take_in(connection, home, run_id='test')
"""
STEPS = ("before the name", "after the name", "in the copy", "before the removal")


def left(home: Home) -> int:
    return sum(path.is_file() for path in home.inbox.iterdir())


def intake(home: Home, step: str = "", number: int = 0) -> subprocess.Popen:
    command = [sys.executable, "-c", INTAKE, str(home.root), step, str(number)]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=become_ordinary
    )


def main(kills: int = 20, seed: int = 1) -> None:
    chance = random.Random(seed)
    with tempfile.TemporaryDirectory() as folder:
        home = Home(Path(folder)).create()
        sent: dict[str, str] = {}
        for n in range(FILES):
            path = write_beds(home.inbox / f"beds-{n:03}.xlsx", 100 + n, prepared_on=date.fromordinal(736_000 + n))
            sent[path.name] = hashlib.sha256(path.read_bytes()).hexdigest()
        failures, done = [], 0
        for kill in range(kills):
            step = chance.choice(STEPS) if kill % 2 else ""
            process = intake(home, step, chance.randint(2, 8))
            process.stdout.readline()
            started, wait = time.monotonic(), chance.uniform(0, 0.1)
            wanted = left(home) - chance.randint(0, 7)
            if not step:
                while process.poll() is None and left(home) > wanted and time.monotonic() - started < 60:
                    time.sleep(0.005)
                time.sleep(wait)
                process.kill()
            _, errors = process.communicate()
            if process.returncode != -signal.SIGKILL:
                failures.append(f"kill {kill + 1}, {step or 'by the clock'}: code {process.returncode} {errors[-300:]}")
            done += process.returncode == -signal.SIGKILL
            moment = step or f"after {time.monotonic() - started:.2f} s"
            print(f"kill {kill + 1:2}: {moment:20} {left(home):3} files still in the inbox", flush=True)
        last = intake(home)
        _, errors = last.communicate()
        if last.returncode:
            failures.append(f"the last intake failed: {errors[-600:]}")
        with opened(home) as connection:
            register = connection.execute("select file_name, sha256, status from raw.submissions").fetchall()
            rows = connection.execute("select submission_id, count(*) from raw.beds group by all").fetchall()
        kept = {}
        for path in home.archive.rglob("*.xlsx"):
            if not path.name.startswith("."):
                kept[path.stem] = hashlib.sha256(path.read_bytes()).hexdigest()
        print(f"{done} kills of {kills}, {FILES} files")
        here = {hashlib.sha256(path.read_bytes()).hexdigest() for path in home.inbox.iterdir()}
        lost, damaged = set(sent.values()) - set(kept.values()) - here, [k for k, v in kept.items() if k != v]
        print(f"lost: {len(lost)}; damaged: {len(damaged)}")
        print(f"loaded twice: {sum(count != 6 for _, count in rows)}; not loaded: {FILES - len(rows)}")
        print(f"register equals the inbox: {sorted((n, s) for n, s, _ in register) == sorted(sent.items())}")
        print(f"accepted {[s for *_, s in register].count('accepted')}, left in the inbox {left(home)}")
        print(f"left half-copied: {sum(path.name.endswith('.tmp') for path in home.archive.rglob('.*'))}")
        print(*failures, sep="\n")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
