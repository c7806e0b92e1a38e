"""Units that are ready to install: their syntax, and that they start what was typed."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest
from conftest import Invoke

from pipeline.commands.options import parse_settings
from pipeline.config import load_config
from pipeline.schedule.cadence import CadenceError
from pipeline.schedule.units import Flags, cron_of, kubernetes_objects, systemd_unit
from transforms.resources import config_dir

NEWSALIGN = Path(sys.executable).with_name("newsalign")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "in").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def settings_of(unit: str) -> dict[str, str]:
    lines = [line for line in unit.splitlines() if line and line[0] not in "#["]
    pairs = [(name, value) for name, _, value in (line.partition("=") for line in lines)]
    assert len({name for name, _ in pairs}) == len(pairs)
    return dict(pairs)


def test_systemd(here: Path, invoke: Invoke) -> None:
    flags = ["in", "--every", "15m", "--output", "my store", "--set", "network.contact='a $x 5%'"]
    done = invoke("schedule", *flags, "--print", "systemd", "--", "--x=1")
    assert (done.exit_code, done.stderr) == (0, "")
    unit = settings_of(done.stdout)
    assert unit["WorkingDirectory"] == str(here)
    assert unit["ReadWritePaths"] == f'"{here}/my store"'
    assert unit["User"] != "root"
    assert unit["Restart"] == "always", "a SIGHUP before its handler is a clean exit to systemd"
    assert unit["ExecStart"] == (
        f'{NEWSALIGN} schedule in --output "my store" --set "network.contact=\'a $$x 5%%\'"'
        " --every 15m --log-format json -- --x=1"
    )


def test_systemd_expands_variables_in_commands_only(here: Path) -> None:
    store = here / "a$b 5%"
    unit = systemd_unit(Flags(output=str(store)), NEWSALIGN, here, store, "daemon")
    assert settings_of(unit)["ReadWritePaths"] == f'"{here}/a$b 5%%"'
    assert f'"{here}/a$$b 5%%"' in settings_of(unit)["ExecStart"]


def test_root_is_told_how_to_make_the_user(here: Path) -> None:
    unit = systemd_unit(Flags(), NEWSALIGN, here, here / "out", "root")
    assert settings_of(unit)["User"] == "newsalign"
    assert re.search(r"^# sudo useradd --system .* newsalign$", unit, re.MULTILINE)
    assert f"# sudo install -d -o newsalign {here}/out\n" in unit
    assert "useradd" not in systemd_unit(Flags(), NEWSALIGN, here, here / "out", "ann")


def test_systemd_takes_it(here: Path) -> None:
    verify = shutil.which("systemd-analyze")
    if verify is None:
        pytest.skip("systemd-analyze isn't installed")
    path = here / "newsalign.service"
    program = Path("/bin/true")
    path.write_text(systemd_unit(Flags(inputs=["a b"]), program, here, here / "out", "daemon"))
    done = subprocess.run(
        [verify, "verify", str(path)], capture_output=True, text=True, check=False
    )
    complaints = [line for line in done.stderr.splitlines() if "newsalign" in line]
    assert complaints == []


@pytest.mark.parametrize(
    ("every", "expression"),
    [
        ("1m", "* * * * *"),
        ("15m", "*/15 * * * *"),
        ("900s", "*/15 * * * *"),
        ("1h", "0 * * * *"),
        ("6h", "0 */6 * * *"),
        ("1d", "0 0 * * *"),
    ],
)
def test_periods_that_cron_knows(every: str, expression: str) -> None:
    assert cron_of(every) == expression


@pytest.mark.parametrize("every", ["7m", "90m", "5h", "30s", "2d", "90s"])
def test_periods_that_cron_doesn_t_know(every: str) -> None:
    with pytest.raises(CadenceError, match="cron has no such period"):
        cron_of(every)


def test_cron(here: Path, invoke: Invoke) -> None:
    flags = ["in", "--cron", "*/5 6-22 * * *", "--listen", "9464", "--set", "network.contact='5%'"]
    done = invoke("schedule", *flags, "--print", "cron")
    assert done.exit_code == 0
    [line] = [line for line in done.stdout.splitlines() if not line.startswith("#")]
    assert line.startswith(f"*/5 6-22 * * * cd {here} && ")
    command = line.partition(" && ")[2]
    assert re.search(r"(?<!\\)%", command) is None, "cron would cut the line there"
    assert shlex.split(command.replace("\\%", "%")) == [
        *(str(NEWSALIGN), "run", "in", "--set", "network.contact='5%'", "--quiet")
    ]


@pytest.mark.parametrize(
    ("schedule", "flags", "times"),
    [
        ('cron = "*/5  6-22 * * *"', [], "*/5 6-22 * * *"),
        ('cron = "*/5 6-22 * * *"', ["--every", "1h"], "0 * * * *"),
        ('every = "1h"', [], "0 * * * *"),
        ('every = "1h"', ["--cron", "@daily"], "@daily"),
        ('every = "1h"\ntimezone = "Europe/Berlin"', [], "0 * * * *"),
    ],
)
def test_cron_starts_when_the_schedule_of_the_config_would(
    here: Path, invoke: Invoke, schedule: str, flags: list[str], times: str
) -> None:
    (here / "my.toml").write_text(f"[schedule]\n{schedule}\n")
    done = invoke("schedule", "in", "--config", "my.toml", *flags, "--print", "cron")
    assert (done.exit_code, done.stderr) == (0, "")
    assert f"\n{times} cd {here} && " in done.stdout


def test_a_crontab_has_no_time_zone(here: Path, invoke: Invoke) -> None:
    (here / "my.toml").write_text('[schedule]\ncron = "@daily"\ntimezone = "Europe/Berlin"\n')
    done = invoke("schedule", "in", "--config", "my.toml", "--print", "cron")
    assert done.exit_code == 2
    assert "schedule.timezone: a crontab goes by the machine's" in done.stderr


def test_kubernetes(here: Path, invoke: Invoke) -> None:
    config = '[schedule]\nevery = "1h"\n\n[network]\ncontact = "ä"\n'
    (here / "my.toml").write_text(config)
    (here / "list.txt").write_text("https://example.org/feed\n")
    flags = ["--feeds", "list.txt", "--config", "my.toml", "--output", "x", "--listen", "9000"]
    done = invoke("schedule", *flags, "--print", "kubernetes", "--image", "r.example/n:1")
    assert (done.exit_code, done.stderr) == (0, "")
    text = done.stdout
    assert [line for line in text.splitlines() if line.startswith("kind:")] == [
        *("kind: ConfigMap", "kind: PersistentVolumeClaim", "kind: Deployment")
    ]
    assert arguments_of(text) == [
        *("schedule", "--feeds", "/etc/newsalign/list.txt", "--output", "/data/out"),
        *("--config", "/etc/newsalign/my.toml", "--listen", "0.0.0.0:9000"),
        *("--log-format", "json"),
    ]
    assert '  "my.toml": |\n    [schedule]\n    every = "1h"\n\n    [network]\n' in text
    assert '  "list.txt": |\n    https://example.org/feed\n' in text
    for wanted in ("runAsNonRoot: true", "type: Recreate", "path: /health", "containerPort: 9000"):
        assert wanted in text
    assert "\t" not in text


def arguments_of(objects: str) -> list[str]:
    return [json.loads(a) for a in re.findall(r"^ {12}- (\".*\")$", objects, re.MULTILINE)]


def test_a_pod_gets_the_files_that_the_config_names(here: Path, invoke: Invoke) -> None:
    folder = here / "conf"
    (folder / "people").mkdir(parents=True)
    actor = {"id": "x:one", "type": "organisation", "names": ["One League"]}
    (folder / "people" / "one.json").write_text(json.dumps([actor]))
    (folder / "people" / "two.json").write_text(json.dumps([{**actor, "id": "x:two"}]))
    for name in ("stances.toml", "cleaning.toml"):
        shutil.copyfile(config_dir() / name, folder / f"my {name}")
    (folder / "outlets.toml").write_text("")
    (here / "list.txt").write_text("https://example.org/feed\n")
    (folder / "my.toml").write_text(
        '[input]\nfeed_lists = ["list.txt"]\noutlets = "outlets.toml"\n'
        '[actors]\ncatalog = ["actors", "people"]\n'
        '[stances]\nlexicon = "my stances.toml"\n'
        f"[clean]\nrules = '{folder}/my cleaning.toml'\n"
    )
    done = invoke("schedule", "--config", "conf/my.toml", "--print", "kubernetes")
    assert (done.exit_code, done.stderr) == (0, "")
    arguments = arguments_of(done.stdout)
    settings = [value for flag, value in pairwise(arguments) if flag == "--set"]
    at = "/etc/newsalign"
    assert settings == [
        f'input.feed_lists=["{at}/list.txt"]',
        f'actors.catalog=["actors", "{at}/one.json", "{at}/two.json"]',
        f'stances.lexicon="{at}/my-stances.toml"',
        f'input.outlets="{at}/outlets.toml"',
        f'clean.rules="{at}/my-cleaning.toml"',
    ]
    names = re.findall(r'^  "(.*?)": ', done.stdout, re.MULTILINE)
    assert names == [
        *("list.txt", "my-cleaning.toml", "my-stances.toml", "my.toml", "one.json"),
        *("outlets.toml", "two.json"),
    ]
    pod = load_config(folder / "my.toml", parse_settings(settings))
    assert pod.actors.catalog == ("actors", f"{at}/one.json", f"{at}/two.json")
    assert pod.stances.lexicon == f"{at}/my-stances.toml"


@pytest.mark.parametrize("flags", [["in"], ["--set", "input.paths=['in']"]])
def test_a_pod_doesn_t_see_articles_of_this_machine(
    here: Path, invoke: Invoke, flags: list[str]
) -> None:
    done = invoke("schedule", *flags, "--print", "kubernetes")
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.startswith("newsalign: error: in: a pod doesn't see this machine's files")
    elsewhere = ["/data/in", "s3://bucket/in"]
    done = invoke("schedule", *elsewhere, "--print", "kubernetes")
    assert done.exit_code == 0
    assert arguments_of(done.stdout)[:3] == ["schedule", *elsewhere]


@pytest.mark.job
def test_a_pod_starts_on_an_empty_volume_and_says_so_once(here: Path, invoke: Invoke) -> None:
    printed = invoke("schedule", "--every", "1s", "--print", "kubernetes").stdout
    arguments = [
        word.replace("/data", str(here)).replace("0.0.0.0:9464", "127.0.0.1:0")
        for word in arguments_of(printed)
    ]
    process = subprocess.Popen([NEWSALIGN, *arguments], stderr=subprocess.PIPE, text=True)
    said = []
    try:
        assert process.stderr is not None
        for line in process.stderr:
            said.append(json.loads(line)["event"])
            if said.count("run_finished") == 2:
                break
        process.terminate()
        assert process.wait(60) == 0, said
    finally:
        process.kill()
        process.wait()
    assert said.count("nothing_to_read") == 1
    assert "run_failed" not in said


def test_kubernetes_parses_as_yaml(here: Path) -> None:
    yaml = pytest.importorskip("yaml")
    files = {"a.toml": "x = 1\n\ty\n", "b": " odd\r\n", "c.txt": "plain\n\ntext: é\n", "d": ""}
    text = kubernetes_objects(Flags(inputs=["in: #1", "- x"], config="a.toml"), "i:1", files)
    config, claim, deployment = yaml.safe_load_all(text)
    assert config["data"] == files
    assert claim["kind"] == "PersistentVolumeClaim"
    [container] = deployment["spec"]["template"]["spec"]["containers"]
    assert container["args"][:3] == ["schedule", "in: #1", "- x"]
    assert container["securityContext"]["readOnlyRootFilesystem"] is True


def test_what_doesn_t_fit_into_a_config_map(here: Path, invoke: Invoke) -> None:
    (here / "list.txt").write_text("https://example.org/feed\n" * 50_000)
    done = invoke("schedule", "--feeds", "list.txt", "--print", "kubernetes")
    assert done.exit_code == 2
    assert "feeds import" in done.stderr
    done = invoke("schedule", "--feeds", "no.txt", "--print", "kubernetes")
    assert (done.exit_code, done.stderr.count("\n")) == (2, 1)
