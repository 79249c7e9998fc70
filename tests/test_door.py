"""The door: every bad study and command gets one clear sentence, exit code 2, and leaves nothing behind."""

from __future__ import annotations

import errno
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from engine import compose, devices, results, session, setup
from engine import config as configs
from tests import door
from tests.conftest import TILES
from tests.door_studies import GOOD, HEAD, SETTINGS, STUDIES

SMALL = "run study.yaml --paths 2"


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(devices.TILES, "cpu", TILES)
    door.study()


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A finished run of two paths."""
    home = tmp_path_factory.mktemp("finished")
    (home / "study.yaml").write_text(HEAD.replace("~", str(door.CONFIGS)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(devices.TILES, "cpu", TILES)
        return session.run(configs.load(home / "study.yaml"), 2, 1, home / "run").folder


@pytest.fixture
def spoiled(finished):
    """A copy of it in the working folder, to be spoiled."""
    return Path(shutil.copytree(finished, "run"))


@pytest.mark.parametrize(("text", "sentence"), STUDIES, ids=door.identity)
def test_bad_study(text, sentence):
    door.study(text)
    door.refuses(SMALL, sentence)


@pytest.mark.parametrize(("setting", "sentence"), SETTINGS, ids=door.identity)
def test_bad_setting(setting, sentence):
    door.refuses(f"{SMALL} --set {shlex.quote(setting)}", f"--set {setting}: {sentence}")


@pytest.mark.parametrize(("setting", "value"), GOOD, ids=door.identity)
def test_odd_and_right(setting, value):
    found = configs.load(Path("study.yaml"), [setting]).study
    for key in setting.partition("=")[0].split("."):
        found = getattr(found, key)
    assert found == value
    assert type(found) is type(value)


COMMANDS = (
    ("run study.yaml --paths 0", "--paths (env var: WATTBIT_PATHS): *1*"),
    ("run study.yaml --paths -3", "--paths (env var: WATTBIT_PATHS): *1*"),
    ("run study.yaml --paths 2147483648",
     "--paths 2147483648: their outcomes take some * GiB, the machine has * GiB; --keep page keeps less"),
    ("run study.yaml --paths many", "--paths (env var: WATTBIT_PATHS): *valid integer*"),
    ("run study.yaml --paths", "Option --paths requires an argument"),
    ("run study.yaml --seed -1", "--seed: *0*"),
    ("run study.yaml --seed 20260101",
     "--seed 20260101: is the study's prepare.seed; the preparation must not see the run's draws"),
    ("run study.yaml --tiles 0", "--tiles: *1*"),
    ("run study.yaml --blocks 3", "No such option: --blocks*"),
    ("run", "Missing argument *"),
    ("run no.yaml", "no.yaml: no such file"),
    ("run .", ".: cannot be read (Is a directory)"),
    ("run study.yaml/x", "study.yaml/x: cannot be read (Not a directory)"),
    ("run study.yaml other.yaml", "Got unexpected extra argument* (other.yaml)"),
    ("runs study.yaml", "No such command runs*"),
    ("run study.yaml --out study.yaml",
     "study.yaml: exists and is not a run folder; --out names another one"),
    ("run study.yaml --out study.yaml/x", "study.yaml/x: cannot be made (Not a directory)"),
    ("run study.yaml --out .", "--out .: should name a folder to make"),
    ("run study.yaml --out ..", "--out ..: should name a folder to make"),
    (f"run study.yaml --out {'x' * 300}", f"{'x' * 300}: cannot be made (File name too long)"),
    ("replay no --path 0", "no: holds no manifest.json: no finished run is there"),
    ("replay . --path 0", ".: holds no manifest.json: no finished run is there"),
    ("replay run", "Missing option --path"),
    ("replay run --path -1", "--path: *0*"),
    ("replay run --path 0 --year 0", "--year: *1*"),
    ("weather sample nowhere --paths 1 --years 1 -o x.nc", "climate *nowhere*zhongwei*"),
    ("weather sample zhongwei --paths 0 --years 1 -o x.nc", "--paths: *1*"),
    ("weather sample zhongwei --paths 1 --years 61 -o x.nc", "--years: *60*"),
    ("weather sample zhongwei --paths 1 --years 1 -o no/x.nc", "no/x.nc: cannot be written, no is no folder"),
    ("weather sample zhongwei --paths 1 --years 1 -o .", ".: is a folder, wanted the name of a file"),
    ("weather sample zhongwei --paths 10000000 --years 60 -o x.nc",
     "x.nc: the disk is full; 105121345.5 MB wanted, * free"),
    ("weather sample zhongwei --paths 10000000 --years 60 --packed -o x.zarr",
     "x.zarr: the disk is full; 52560672.8 MB wanted, * free"),
    ("weather sample zhongwei --paths 1 --years 1 -o no/x.zarr",
     "no/x.zarr: cannot be written, no is no folder"),
)  # fmt: skip


@pytest.mark.parametrize(("arguments", "sentence"), COMMANDS, ids=door.identity)
def test_bad_command(arguments, sentence):
    door.refuses(arguments, sentence)


def test_bad_environment(monkeypatch):
    monkeypatch.setenv("WATTBIT_PATHS", "abc")
    door.refuses("run study.yaml", "--paths (env var: WATTBIT_PATHS): *valid integer*")


def test_no_arguments_show_the_help():
    said = door.call("")
    assert said.code in (0, 2)
    assert "Usage" in said.out + said.err
    assert "wattbit: " not in said.err


def test_a_folder_with_something_else_is_refused():
    Path("mine").mkdir()
    Path("mine/notes.txt").write_text("keep me")
    door.refuses(f"{SMALL} --out mine", "mine: exists and is not a run folder; --out names another one")
    assert Path("mine/notes.txt").read_text() == "keep me"


def test_another_run_is_refused_and_the_same_one_recognised(spoiled):
    door.refuses(f"{SMALL} --seed 2 --out run", "run: holds another run (digest *, this one is *); *")
    said = door.call(f"{SMALL} --out run")
    assert said.code == 0
    assert "run: already complete" in said.out


@pytest.mark.parametrize("manifest", ["", "{", "[]", "{}", '{"study": 1}'])
def test_damaged_manifest(spoiled, manifest):
    (spoiled / results.MANIFEST).write_text(manifest)
    door.refuses(f"{SMALL} --out run", "run/manifest.json: is damaged; --out names another folder")
    broken = manifest in ("", "{")
    sentence = "run: results.nc or manifest.json is damaged: *" if broken else "run/manifest.json: *"
    door.refuses("replay run --path 0", sentence)


@pytest.mark.parametrize(("file", "sentence"), [
    ("results.nc", "run: results.nc or manifest.json is damaged: *"),
    ("prepared.json", "run/prepared.json: is missing or damaged; run the study again"),
])  # fmt: skip
def test_damaged_results(spoiled, file, sentence):
    whole = (spoiled / file).read_bytes()
    (spoiled / file).write_bytes(whole[: len(whole) // 2])
    door.refuses("replay run --path 0", sentence)


@pytest.mark.parametrize(("key", "value", "sentence"), [
    ("digest", "0" * 64, "run: was made by another version, climate, weather file or kind of device"),
    ("study", {"name": "old"}, "run/manifest.json: has another version's study or is damaged; *"),
    ("weather", {"file": "gone.nc", "climate": "zhongwei"}, "gone.nc: no such weather ensemble"),
])  # fmt: skip
def test_run_of_another_version(spoiled, key, value, sentence):
    about = json.loads((spoiled / results.MANIFEST).read_text())
    (spoiled / results.MANIFEST).write_text(json.dumps(about | {key: value}))
    door.refuses("replay run --path 0", sentence)


def test_replay_beyond_the_run(spoiled):
    door.refuses("replay run --path 2", "--path 2: the run has paths 0 to 1")
    door.refuses("replay run --path 0 --year 2", "--year 2: the life has years 1 to 1")


def test_folder_that_may_not_be_written():
    if os.geteuid() == 0:
        pytest.skip("root ignores permissions")
    Path("locked").mkdir(mode=0o500)
    door.refuses(f"{SMALL} --out locked/run", "locked/run: cannot be made (Permission denied)")


def test_full_disk(monkeypatch):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(results.os, "replace", full)
    door.refuses(f"{SMALL} --out run", "run/results.nc: the disk is full; * MB are wanted at most")
    assert not Path("run").exists()


@pytest.mark.parametrize("name", ["x.nc", "x.zarr"])
def test_full_disk_for_an_ensemble(monkeypatch, name):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("weather.store._write_years", full)
    door.refuses(
        f"weather sample zhongwei --paths 1 --years 1 -o {name}",
        f"{name}: cannot be written (No space left on device)",
    )
    assert not list(Path(".").glob("x.*"))


@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError, ZeroDivisionError("by zero")])
def test_what_stops_the_lives(monkeypatch, error):
    def stop(*_):
        raise error

    monkeypatch.setattr(compose, "lives", stop)
    sentence, code = {
        KeyboardInterrupt: ("stopped; nothing half-written is left", 130),
        MemoryError: ("out of memory; --tiles 1 takes the least", 1),
    }.get(error, ("ZeroDivisionError: by zero (ours; WATTBIT_TRACEBACK=1 shows where)", 1))
    door.refuses(f"{SMALL} --out run", sentence, code)
    assert not Path("run").exists()


def test_ours_with_a_traceback_on_request(monkeypatch):
    def stop(*_):
        raise ZeroDivisionError("by zero")

    monkeypatch.setattr(setup, "set_up", stop)
    monkeypatch.setenv("WATTBIT_TRACEBACK", "1")
    with pytest.raises(ZeroDivisionError):
        door.call(SMALL)


def _process(*arguments: str, **more) -> subprocess.Popen:
    """A real process, with a test's tile; interruptible, though tests that run behind a shell are not."""
    code = (
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
        f"from engine import cli, devices; devices.TILES['cpu'] = {TILES}; cli.main()"
    )
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen([sys.executable, "-c", code, *arguments], **pipes, **more)


@pytest.mark.parametrize(("arguments", "sentence"), [
    (["run", "no.yaml"], "wattbit: no.yaml: no such file"),
    (["run", "study.yaml", "--set", "pv.dc_mw=-1"], "wattbit: --set pv.dc_mw=-1: pv.dc_mw: should be *"),
])  # fmt: skip
def test_real_process(arguments, sentence):
    process = _process(*arguments)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (2, "")
    assert err.startswith(sentence.rstrip("*"))
    assert err.count("\n") == 1


def test_real_interrupt_leaves_nothing():
    process = _process("run", "study.yaml", "--paths", "2", "--out", "run")
    deadline = time.monotonic() + 120
    while not list(Path(".").glob("run.part*")) and time.monotonic() < deadline:
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 130
    assert [line for line in err.splitlines() if line.startswith("wattbit")] == [
        "wattbit: stopped; nothing half-written is left"
    ]
    assert "Traceback" not in err
    assert sorted(p.name for p in Path(".").iterdir()) == ["study.yaml"]


def test_help_waits_for_nothing_heavy():
    code = """if True:
        import sys
        from engine import cli
        sys.argv[1:] = ["--help"]
        cli.main()
        heavy = {"jax", "xarray", "pvlib", "pandas", "matplotlib", "numpy"} & set(sys.modules)
        assert not heavy, heavy
    """
    start = time.monotonic()
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
    assert time.monotonic() - start < 5.0  # a fifth of a second on an idle machine
